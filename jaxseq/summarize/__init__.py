"""Sentence summarization by attention (Rush et al. 2015 and what followed)."""

from jaxseq.summarize import (
    abs_encoders as abs_encoders,
    abs_model as abs_model,
    abs_plus as abs_plus,
    batches as batches,
    beam as beam,
    checkpoint as checkpoint,
    constraints as constraints,
    copy_loss as copy_loss,
    copy_model as copy_model,
    decoder as decoder,
    examples as examples,
    greedy as greedy,
    largest as largest,
    model as model,
    packing as packing,
    pairs as pairs,
    rouge as rouge,
    summarizer as summarizer,
    training as training,
    unknown as unknown,
)
