"""Summarization by attention: pairs, the copying model, and how it is trained."""
