"""What a summarizer is worth: ROUGE beside leads, its attention, examples to read."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from jaxseq.summarize import rouge
from jaxseq.summarize.rouge import Evaluation, bootstrap, tokenizers
from jaxseq.summarize.rouge.metrics import Score
from jaxseq.summarize.rouge.settings import Settings
from jaxseq.summarize.summarizer import Summary

from . import heatmap, summarize_config
from .heatmap import Alignment
from .summarize_config import Config
from .summarize_corpus import Corpus, Part


METRICS = ("ROUGE-1", "ROUGE-2", "ROUGE-L")
LEADS = range(6, 15)  # tokens; more where summaries may be longer
MOST_DROPPED = 0.1  # of the letters of an English corpus
FEWEST = 30  # pairs of which an interval says something


class Scoring(NamedTuple):
    """How texts are made and compared, the same for a whole run.

    Attributes:
        join: makes a text of tokens.
        settings: of ROUGE.
    """

    join: Callable[[Sequence[str]], str]
    settings: Settings


def scoring(config: Config, corpus: Corpus) -> Scoring:
    """Returns how a run compares texts: as published English results, if that can be.

    The words of those are of a to z and 0 to 9. Where more than `MOST_DROPPED` of the
    letters and digits of all summaries would be lost by that, words are of any script.
    The signature names it.
    """
    english, any_script = tokenizers.rouge_score, tokenizers.any_script
    parts = (corpus.train, corpus.valid, corpus.test)
    summaries = [pair.summary for part in parts for pair in part.pairs]
    num_all, num_kept = (
        sum(len(word) for text in summaries for word in tokenizer.split(text))
        for tokenizer in (any_script, english)
    )
    is_english = num_all - num_kept <= MOST_DROPPED * num_all
    # A placeholder that a model writes is no word that it found, whatever is hoped for.
    settings = Settings(
        tokenizer=english if is_english else any_script, unk=rouge.settings.miss_unk
    )
    return Scoring(summarize_config.tokenizer(config).join, settings)


def leads(part: Part, num_words: int, scoring: Scoring) -> list[str]:
    """Returns the first tokens of each document, as a text."""
    return [scoring.join(words[:num_words]) for words in part.documents]


def best_lead(valid: Part, max_length: int, scoring: Scoring) -> int:
    """Returns how many first tokens have the largest ROUGE-L on held-out pairs.

    Args:
        valid: the pairs.
        max_length: tokens of the longest summary that a model may write.
        scoring: how texts are compared.
    """

    def mean(num_words: int) -> float:
        return rouge_l(valid, leads(valid, num_words, scoring), scoring)

    return max(range(LEADS.start, max(LEADS.stop, max_length + 1)), key=mean)


def rouge_l(part: Part, written: Sequence[str], scoring: Scoring) -> float:
    """Returns the mean ROUGE-L of a summary of each pair: stemmed F1 in points."""
    references = [[pair.summary] for pair in part.pairs]
    found = rouge.evaluate(written, references, scoring.settings)
    return 100 * float(_f(found, "ROUGE-L").mean())


def measure(
    test: Part,
    name: str,
    written: Sequence[str],
    num_lead: int,
    scoring: Scoring,
    beside: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict:
    """Scores summaries and leads on the same pairs.

    Args:
        test: the pairs.
        name: of whose summaries they are.
        written: a summary of each.
        num_lead: tokens of the best lead.
        scoring: how texts are compared.
        beside: summaries of others, to be compared with.

    Returns:
        Stemmed F1 in points, with the signatures; fit for JSON.
    """
    references = [[pair.summary] for pair in test.pairs]
    systems = {
        "lead-8": leads(test, 8, scoring),
        f"lead-{num_lead} (best)": leads(test, num_lead, scoring),
        **beside,
        name: list(written),
    }
    scored = {
        name: rouge.evaluate(texts, references, scoring.settings)
        for name, texts in systems.items()
    }
    best = scored[f"lead-{num_lead} (best)"]

    def over(other: Evaluation) -> dict:
        return {
            metric: _interval(
                bootstrap.difference(_f(scored[name], metric), _f(other, metric))
            )
            for metric in METRICS
        }

    return {
        "name": name,
        "num_pairs": len(test.pairs),
        "signature": rouge.signature(best, "ROUGE-L", "f"),
        "systems": {name: _points(found) for name, found in scored.items()},
        "over_best_lead": over(best),
        "over": {other: over(scored[other]) for other in beside},
    }


def table(measured: dict) -> str:
    """Writes what `measure` found."""
    lines = [f"{'':20}" + "".join(f"{metric:>10}" for metric in METRICS)]
    for name, points in measured["systems"].items():
        cells = "".join(f"{points[metric]:10.2f}" for metric in METRICS)
        lines.append(f"{name:20}{cells}")
    over = {"the best lead": measured["over_best_lead"], **measured["over"]}
    for other, found in over.items():
        cells = "".join(f"{found[metric]['mean']:+10.2f}" for metric in METRICS)
        lines.append(f"{'over ' + other:20}{cells}")
        lines.append(
            f"paired 95 % interval of ROUGE-L over {other}: "
            + interval(found["ROUGE-L"], measured["num_pairs"])
        )
    return "\n".join([*lines, measured["signature"]])


def interval(found: Mapping[str, float], num_pairs: int) -> str:
    """Says an interval, and whether it is of too few pairs to mean anything.

    Args:
        found: its ends, `low` and `high`.
        num_pairs: n, of how many it is.
    """
    said = f"{found['low']:+.2f} to {found['high']:+.2f}"
    return said if num_pairs >= FEWEST else f"{said} (n = {num_pairs}: too few)"


def attended(test: Part, summaries: Sequence[Summary], radius: int = 0) -> dict:
    """Counts how often attention is at the word that is written, where it can be.

    Args:
        test: the pairs.
        summaries: one of each.
        radius: so many places beside the word count as it, where a model attends to
            neighbourhoods.

    Returns:
        Of the written words that occur in the document, at whose writing there was any
        attention: how many they are, the share with the attention's maximum at such a
        place, and the share that a place drawn evenly would have; fit for JSON. Words
        that came in the place of UNK are none of them, as they were taken from where
        the maximum is; `num_replaced` says how many those are.
    """
    hits, chances = [], []
    num_replaced = sum(sum(summary.is_replaced) for summary in summaries)
    near = np.ones(2 * radius + 1, int)
    for document, summary in zip(test.documents, summaries, strict=True):
        read = np.array(document[: summary.num_read], object)
        each = zip(summary.words, summary.is_replaced, summary.weights, strict=True)
        for word, is_replaced, weights in each:
            is_there = read == word
            if is_there.any() and weights.any() and not is_replaced:
                is_there = np.convolve(is_there, near)[radius : radius + len(read)] > 0
                hits.append(bool(is_there[weights.argmax()]))
                chances.append(is_there.mean())
    share, chance = (float(np.mean(x)) if x else 0.0 for x in (hits, chances))
    found = {"num_words": len(hits), "share": share, "chance": chance}
    return found | {"radius": radius, "num_replaced": num_replaced}


def repeated(summaries: Sequence[Summary]) -> dict:
    """Counts the written words that stand in their summary already; fit for JSON."""
    num_words = sum(len(summary.words) for summary in summaries)
    num_new = sum(len(set(summary.words)) for summary in summaries)
    share = (num_words - num_new) / num_words if num_words else 0.0
    return {"num_words": num_words, "share": share}


def places_shown(num_pairs: int, num_shown: int) -> list[int]:
    """Returns which pairs are shown: some, spread evenly."""
    step = max(1, num_pairs // max(num_shown, 1))
    return list(itertools.islice(range(0, num_pairs, step), num_shown))


def shown(test: Part, written: Sequence[str], places: Sequence[int]) -> list:
    """Returns the examples at these places; fit for JSON.

    Args:
        test: the pairs.
        written: a summary of each, as a text.
        places: which of them.
    """
    return [
        {
            "document": test.pairs[place].document,
            "summary": test.pairs[place].summary,
            "written": written[place],
        }
        for place in places
    ]


def alignments(
    test: Part, summaries: Sequence[Summary], places: Sequence[int], scoring: Scoring
) -> dict[int, Alignment]:
    """Returns the attention of these examples, by their number; of those with any."""
    return {
        number: alignment(
            test.documents[place],
            summaries[place],
            scoring.join,
            test.pairs[place].summary,
        )
        for number, place in enumerate(places, start=1)
        if summaries[place].weights.any()
    }


def alignment(
    document: Sequence[str],
    summary: Summary,
    join: Callable[[Sequence[str]], str],
    reference: str = "",
) -> Alignment:
    """Returns the attention of a summary that has any, over the words read."""
    return heatmap.align(
        document[: summary.num_read],
        summary.words,
        summary.weights,
        summary.is_replaced,
        reference=reference,
        space=join(["", ""]),
    )


def attention_line(name: str, attended: Mapping[str, float]) -> str:
    """Writes what `attended` found of a summarizer; nothing where it found no word."""
    if not attended["num_words"]:
        return ""
    return (
        f"{name}: of {attended['num_words']:,} written words that the documents have, "
        f"{attended['share']:.3f} were written with the attention's maximum there, ± "
        f"{attended['radius']} places (chance {attended['chance']:.3f}; "
        f"{attended['num_replaced']:,} words in the place of UNK are not counted)\n"
    )


def examples_table(examples: Sequence[dict]) -> str:
    """Writes examples, each in three lines."""
    return "\n\n".join(
        f"  {e['document']}\n  = {e['summary']}\n  > {e['written']}" for e in examples
    )


def line(text: str) -> str:
    """Returns a summary as one line: one of characters may have line ends."""
    return text.translate(dict.fromkeys(map(ord, "\r\n"), " "))


def _points(found: Evaluation) -> dict[str, float]:
    return {m: round(100 * float(_f(found, m).mean()), 3) for m in METRICS}


def _f(found: Evaluation, metric: str) -> np.ndarray:
    return rouge.values(found, metric)[:, Score._fields.index("f")]


def _interval(interval: bootstrap.Interval) -> dict[str, float]:
    return {k: round(100 * v, 3) for k, v in interval._asdict().items()}
