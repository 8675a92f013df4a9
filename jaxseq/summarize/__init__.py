"""Sentence summarization by attention (Rush et al. 2015 and what followed)."""

from jaxseq.summarize import (
    beam as beam,
    constraints as constraints,
    decoder as decoder,
    greedy as greedy,
    largest as largest,
    rouge as rouge,
    unknown as unknown,
)
