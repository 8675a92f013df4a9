"""The lecture's network as a page to look at, step by step, forwards and backwards."""

from jaxseq.explain.page import LANGUAGES, Language, page, write


__all__ = ["LANGUAGES", "Language", "page", "write"]
