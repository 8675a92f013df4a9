"""Sentence summarization by attention (Rush et al. 2015 and what followed)."""

from jaxseq.summarize import (
    batches as batches,
    beam as beam,
    checkpoint as checkpoint,
    constraints as constraints,
    copy_loss as copy_loss,
    copy_model as copy_model,
    coverage as coverage,
    decoder as decoder,
    examples as examples,
    greedy as greedy,
    largest as largest,
    model as model,
    packing as packing,
    pairs as pairs,
    phases as phases,
    risk as risk,
    rouge as rouge,
    summarizer as summarizer,
    training as training,
    unknown as unknown,
)
