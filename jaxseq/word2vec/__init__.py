"""word2vec (Mikolov et al. 2013): Skip-gram and CBOW by blocks of text.

From sentences to vectors:

    fitting               all of it in one call
    sentences             sentences from files of any size
    chinese               Chinese words, which no space separates
    vocab                 which words get vectors, and how often they are read
    corpus                sentences as one array of ids
    feed                  spans of it, thinned out, for the device
    setting               how to train, and what a corpus is large enough for
    training, step        what host and device do with a span
    params                the matrices

What is trained:

    pairs                 the training pairs of a sentence, as the lecture lists them
    examples              every prediction by itself, as the papers write it
    objective             Skip-gram and CBOW by blocks, with one of:
    negative_sampling     tell the word that came from words that are drawn
    hierarchical_softmax  turns on the way through Huffman's tree: huffman, paths,
                          paths_of_windows (Skip-gram), paths_of_words (CBOW)
    full_softmax          the definition that both stand in for
    windows               blocks of text, and the pairs in them
    averages              CBOW's input, the mean of the words around a centre
    sampler               words drawn by their frequency
    sparse                gradients of a few rows, and the descent along them

What comes out:

    vectors               words and their rows
    nearest, analogies    which words are near which
    similarity            how similar words are
    evaluate, correlation test sets, and what is made of their answers
    vector_files          word2vec's two formats; vector_records, streams
"""

from jaxseq.word2vec import (
    analogies as analogies,
    averages as averages,
    chinese as chinese,
    corpus as corpus,
    correlation as correlation,
    evaluate as evaluate,
    examples as examples,
    feed as feed,
    fitting as fitting,
    full_softmax as full_softmax,
    hierarchical_softmax as hierarchical_softmax,
    huffman as huffman,
    nearest as nearest,
    negative_sampling as negative_sampling,
    objective as objective,
    pairs as pairs,
    params as params,
    paths as paths,
    paths_of_windows as paths_of_windows,
    paths_of_words as paths_of_words,
    sampler as sampler,
    sentences as sentences,
    setting as setting,
    similarity as similarity,
    sparse as sparse,
    step as step,
    streams as streams,
    training as training,
    vector_files as vector_files,
    vector_records as vector_records,
    vectors as vectors,
    vocab as vocab,
    windows as windows,
)
