"""word2vec (Mikolov et al. 2013): Skip-gram and CBOW by blocks of text."""

from jaxseq.word2vec import (
    chinese as chinese,
    corpus as corpus,
    examples as examples,
    feed as feed,
    full_softmax as full_softmax,
    hierarchical_softmax as hierarchical_softmax,
    huffman as huffman,
    negative_sampling as negative_sampling,
    objective as objective,
    pairs as pairs,
    params as params,
    sampler as sampler,
    sentences as sentences,
    sparse as sparse,
    training as training,
    vocab as vocab,
    windows as windows,
)
