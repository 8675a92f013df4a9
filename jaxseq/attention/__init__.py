"""Attention: scores, the memory that is attended to, and its rule by hand."""

from jaxseq.attention import (
    additive as additive,
    attend as attend,
    dot as dot,
    general as general,
    memory as memory,
    softmax as softmax,
)
from jaxseq.attention.score import Score as Score, Sizes as Sizes
