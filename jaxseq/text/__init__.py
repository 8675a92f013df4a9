"""Text to ids: files, tokens, vocabularies, batches; on the host, in NumPy.

    files    text as a stream, from plain or compressed files
    jsonl    texts in the fields of JSON Lines
    tokens   text to tokens and back
    vocab    tokens to ids and back
    ids      the check that stands between ids and the device
    batches  fixed shapes from ragged sequences, or chunks of a stream

Specials are PAD 0, UNK 1, BOS 2, EOS 3, in every vocabulary.
"""

from jaxseq.text import (
    batches as batches,
    files as files,
    ids as ids,
    jsonl as jsonl,
    tokens as tokens,
    vocab as vocab,
)
