"""Text to ids: files, tokens, vocabularies, batches; on the host, in NumPy."""

from jaxseq.text import (
    batches as batches,
    files as files,
    ids as ids,
    jsonl as jsonl,
    tokens as tokens,
    vocab as vocab,
)
