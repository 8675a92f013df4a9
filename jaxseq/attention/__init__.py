"""Attention: scores, the memory that is attended to, and its rule by hand.

    attend      a sum of a memory's values, weighted by how well its keys fit a query
    memory      keys, values and a mask, made once for all steps
    score       what a score is, as a record of functions, for one of your own
    dot         h · k
    general     h W k (Luong et al. 2015)
    additive    v · tanh(W h + U k) (Bahdanau et al. 2014)
    softmax     over the positions that count

A score of your own is a record of its functions: it attends like the others.
"""

from jaxseq.attention import (
    additive as additive,
    attend as attend,
    dot as dot,
    general as general,
    memory as memory,
    softmax as softmax,
)
from jaxseq.attention.score import Score as Score, Sizes as Sizes
