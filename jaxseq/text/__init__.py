"""Text to ids: files, tokens, vocabularies, batches; on the host, without JAX."""

from jaxseq.text import (
    batches as batches,
    files as files,
    ids as ids,
    tokens as tokens,
    vocab as vocab,
)
