"""Sentence summarization by attention, and its measure."""

from jaxseq.summarize import rouge as rouge
