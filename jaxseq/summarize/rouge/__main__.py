"""Scores summaries in files by ROUGE, with intervals and a signature.

    python -m jaxseq.summarize.rouge HYPOTHESES REFERENCES [REFERENCES ...]
    python -m jaxseq.summarize.rouge pairs.jsonl --baseline lead8.txt --json rouge.json

Line i of each file belongs to pair i; a `.jsonl` file holds an object a line with the
fields "hypothesis" and "reference". Exit status: 0, or 2 after one line that says which
file is wrong, and where.
"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import tyro

from jaxseq import commands
from jaxseq.checks import expect
from jaxseq.summarize.rouge import metrics, pairs, report, settings, tokenizers
from jaxseq.summarize.rouge.bootstrap import Resampling
from jaxseq.summarize.rouge.evaluation import evaluate
from jaxseq.summarize.rouge.tokenizers import Tokenizer


_METRICS = {
    "1": metrics.rouge_1,
    "2": metrics.rouge_2,
    "L": metrics.rouge_l,
    "Lsum": metrics.rouge_lsum,
}
_TOKENIZERS = {
    "rouge_score": tokenizers.rouge_score,
    "any_script": tokenizers.any_script,
}
_STEMMERS = {"porter": settings.porter, "none": settings.no_stemmer}
_UNKNOWN = {
    "keep": settings.keep_unk,
    "drop": settings.drop_unk,
    "miss": settings.miss_unk,
}
_MULTI = {"mean": settings.mean, "best": settings.best}


@dataclasses.dataclass(frozen=True)
class Config:
    """Score summaries by ROUGE, with intervals and a signature."""

    hypotheses: tyro.conf.Positional[Path]
    """What is scored: a text a line, or a .jsonl file with a field; .gz, .bz2, .xz."""

    references: tyro.conf.Positional[tuple[Path, ...]] = ()
    """What it should say, a file for each reference; none if HYPOTHESES is .jsonl and
    has them."""

    metrics: tuple[Literal["1", "2", "L", "Lsum"], ...] = ("1", "2", "L")
    """Lsum needs a sentence a line within a text, which only .jsonl can hold."""

    measure: Literal["precision", "recall", "f"] = "f"
    """Which of the three is quoted with its signature; DUC takes the recall."""

    tok: Literal["rouge_score", "any_script"] = "rouge_score"
    """rouge_score knows a-z and 0-9 only; Chinese and others need any_script."""

    stem: Literal["porter", "none"] = "porter"
    """Porter's stemmer is for English; published numbers have it."""

    multi: Literal["mean", "best"] = "mean"
    """With several references: the mean, or the one of the highest F."""

    limit: str = "none"
    """Cut all texts: 75b for bytes (DUC), 10w for words."""

    unk: Literal["keep", "drop", "miss"] = "keep"
    """The hypotheses' UNK: may match a reference's; is taken out; matches nothing."""

    baseline: Path | None = None
    """Another system's hypotheses: prints the paired difference."""

    json: Path | None = None
    """Write all numbers to this file."""

    hypothesis_field: str = "hypothesis"
    """Of .jsonl files."""

    reference_field: str = "reference"
    """Of .jsonl files: a text or a list of texts."""

    num_resamples: int = 1000
    """Of the bootstrap."""

    seed: int = 0
    """Of the bootstrap."""


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status.

    Args:
        args: the command line; None for this program's.

    Raises:
        SystemExit: code 2 after one line on stderr, for what a user can mend.
    """
    try:
        config = commands.parse(Config, args, __doc__)
        _run(config)
    except (ValueError, OSError) as error:
        commands.fail(str(error))
    return 0


def _run(config: Config) -> None:
    used = settings.Settings(
        tokenizer=_TOKENIZERS[config.tok],
        stemmer=_STEMMERS[config.stem],
        limit=_limit(config.limit),
        unk=_UNKNOWN[config.unk],
        multi=_MULTI[config.multi],
    )
    chosen = [_METRICS[name] for name in dict.fromkeys(config.metrics)]
    fields = pairs.Fields(config.hypothesis_field, config.reference_field)
    texts, references = pairs.read(config.hypotheses, config.references, fields)
    other = None
    if config.baseline is not None:
        theirs = pairs.read_baseline(
            config.baseline, config.hypotheses, len(texts), fields
        )
        other = evaluate(theirs, references, used, chosen)
    resampling = Resampling(config.num_resamples, seed=config.seed)
    found = evaluate(texts, references, used, chosen)
    rows = report.rows(found, other, resampling)
    print(report.table(rows))
    print()
    print(report.quotations(rows, config.measure, resampling))
    if config.json is not None:
        written = report.as_json(rows, resampling)
        config.json.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    _warn_of_lost(references, used.tokenizer)


def _warn_of_lost(references: list[list[str]], used: Tokenizer) -> None:
    """Says how many references have words, but none that the tokenizer knows."""
    any_script = tokenizers.any_script
    texts = [t for each in references for t in each if any_script.split(t)]
    num_lost = sum(not used.split(text) for text in texts)
    if num_lost:
        print(
            f"warning: {num_lost:,} of {len(texts):,} references have no word of a-z "
            "and 0-9, and so score 0; --tok any_script knows all scripts",
            file=sys.stderr,
        )


def _limit(text: str) -> settings.Limit:
    """Reads "none", "75b" or "10w"."""
    if text == "none":
        return settings.no_limit
    units = {"b": settings.first_bytes, "w": settings.first_words}
    count, unit = text[:-1], text[-1:]
    is_one = unit in units and count.isascii() and count.isdigit() and int(count) > 0
    expect(is_one, "--limit", "none, or as 75b or 10w", repr(text))
    return units[unit](int(count))


if __name__ == "__main__":
    sys.exit(main())
