"""Sentence summarization by attention (Rush et al. 2015 and what followed).

    summarizer    texts in, summaries out, by a trained model
    model         what a summarizer is to those who train and use it: functions

The models, and their parts:

    abs_model     ABS, feed-forward (Rush et al. 2015)
    abs_encoders  what it knows of a document: a bag of words, convolution, attention
    abs_tables    the tables of its words
    abs_plus      ABS+: any model, searched with a liking for the document's words
    ras_model     RAS, any cell that attends at each step (Chopra et al. 2016)
    ras_encoder   what it attends by: a convolution that knows positions
    attentive     its loop, in which a step reads what the step before attends to
    copy_model    one that writes words and copies them (See et al. 2017)
    copy_loss     its loss, with its delta by hand
    ensemble      several of one kind that write together
    coverage      what it costs to attend again to the same place
    known         UNK for the words that a model cannot copy
    tied          one table for words that go in and words that come out
    dropout       dropout in training: the same entries at each step, or not
    packing       the steps that count, without padding

Training:

    pairs         documents and summaries from files
    examples      documents and summaries as ids
    batches       documents by length, targets packed
    setting       how: numbers, devices
    training      an update by Adam, and its batches, for `jaxseq.train.loop`
    cost          what targets cost, of a batch and of held-out examples
    model_file    a trained summarizer in a file: archive

Writing:

    decoder       what a summarizer is to those who have it write
    calls         checks of a decoder before it runs
    beam          beam search, all documents at once
    greedy        the same with one hypothesis, written plainly
    constraints   lengths, forbidden words, repeated n-grams
    largest       the K largest of many numbers
    risk          of a search's hypotheses the one most like the others
    unknown       copied words in the place of UNK
    rouge         scores of summaries

Begin with `summarizer`, `model` and `training`.
"""

from jaxseq.summarize import (
    abs_encoders as abs_encoders,
    abs_model as abs_model,
    abs_plus as abs_plus,
    abs_tables as abs_tables,
    archive as archive,
    attentive as attentive,
    batches as batches,
    beam as beam,
    constraints as constraints,
    copy_loss as copy_loss,
    copy_model as copy_model,
    cost as cost,
    coverage as coverage,
    decoder as decoder,
    dropout as dropout,
    ensemble as ensemble,
    examples as examples,
    greedy as greedy,
    known as known,
    largest as largest,
    model as model,
    model_file as model_file,
    packing as packing,
    pairs as pairs,
    ras_encoder as ras_encoder,
    ras_model as ras_model,
    risk as risk,
    rouge as rouge,
    setting as setting,
    summarizer as summarizer,
    tied as tied,
    training as training,
    unknown as unknown,
)
