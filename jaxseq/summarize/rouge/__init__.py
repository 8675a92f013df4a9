"""ROUGE for any script, with a signature and intervals; `python -m` scores files.

    evaluation  scores of many pairs, and the signature that says how they came about
    metrics     ROUGE-N, ROUGE-L, ROUGE-Lsum of one pair
    lcs         longest common subsequences
    settings    what moves a score by points, under the name that it prints
    tokenizers  that of the English benchmarks, and one for any script
    porter      Porter's stemmer
    bootstrap   intervals of a mean, and of a difference between systems
    pairs       hypotheses and references from files
    report      tables, lines to quote, JSON

`evaluation` is where to begin: the others are what it is made of.
"""

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
