"""Sentence summarization by attention (Rush et al. 2015 and what followed).

    summarizer   texts in, summaries out, by a trained model
    model        what a summarizer is to those who train and use it: functions
    copy_model   one that writes words and copies them (See et al. 2017)
    copy_loss    its loss, with its delta by hand
    training     Adam on batches of few shapes, early stopping
    checkpoint   weights and a training's state in a file
    decoder      what a summarizer is to those who have it write
    beam         beam search, all documents at once
    greedy       the same with one hypothesis, written plainly
    constraints  lengths, forbidden words, repeated n-grams
    unknown      copied words in the place of UNK
    pairs        documents and summaries from files
    examples     documents and summaries as ids
    batches      documents by length, targets packed
    packing      the steps that count, without padding
    largest      the K largest of many numbers
    calls        checks of a decoder before it runs
    rouge        scores of summaries

Begin with `summarizer`, `model` and `training`.
"""

from jaxseq.summarize import (
    abs_encoders as abs_encoders,
    abs_model as abs_model,
    abs_plus as abs_plus,
    attentive as attentive,
    batches as batches,
    beam as beam,
    checkpoint as checkpoint,
    constraints as constraints,
    copy_loss as copy_loss,
    copy_model as copy_model,
    coverage as coverage,
    decoder as decoder,
    dropout as dropout,
    examples as examples,
    greedy as greedy,
    known as known,
    largest as largest,
    model as model,
    packing as packing,
    pairs as pairs,
    phases as phases,
    ras_encoder as ras_encoder,
    ras_model as ras_model,
    risk as risk,
    rouge as rouge,
    summarizer as summarizer,
    training as training,
    unknown as unknown,
)
