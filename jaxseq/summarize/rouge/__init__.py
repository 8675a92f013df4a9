"""ROUGE for any script, with a signature and intervals; `python -m` scores files."""

from jaxseq.summarize.rouge import (
    bootstrap as bootstrap,
    lcs as lcs,
    metrics as metrics,
    pairs as pairs,
    porter as porter,
    report as report,
    settings as settings,
    tokenizers as tokenizers,
)
from jaxseq.summarize.rouge.evaluation import (
    Evaluation as Evaluation,
    evaluate as evaluate,
    signature as signature,
    values as values,
)
