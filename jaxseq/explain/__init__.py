"""The lecture's network as a page to look at, step by step, forwards and backwards.

`page` returns it, `write` puts it into a file: so does `python -m jaxseq.explain`.
"""

from jaxseq.explain.page import LANGUAGES, Language, page, write


__all__ = ["LANGUAGES", "Language", "page", "write"]
