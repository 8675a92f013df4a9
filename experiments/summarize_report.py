"""What a summarizer is worth: ROUGE beside leads, its attention, examples to read."""

import itertools
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from jaxseq.summarize import rouge
from jaxseq.summarize.rouge import Evaluation, bootstrap, tokenizers
from jaxseq.summarize.rouge.metrics import Score
from jaxseq.summarize.rouge.settings import Settings
from jaxseq.summarize.summarizer import Summary

from . import heatmap
from .heatmap import Alignment
from .summarize_corpus import Part


METRICS = ("ROUGE-1", "ROUGE-2", "ROUGE-L")
LEADS = range(6, 15)


def leads(documents: Sequence[Sequence[str]], num_words: int) -> list[str]:
    """Returns the first words of each document."""
    return [" ".join(words[:num_words]) for words in documents]


def rouge_settings(part: Part) -> Settings:
    """Returns how texts are compared: as published English results are, if that can be.

    The words of those are of a to z; where a summary has words, but none such, the
    words of all are of any script. The signature names it.
    """
    english, any_script = tokenizers.rouge_score, tokenizers.any_script
    is_other = any(
        any_script.split(pair.summary) and not english.split(pair.summary)
        for pair in part.pairs
    )
    return Settings(tokenizer=any_script) if is_other else Settings()


def best_lead(valid: Part) -> int:
    """Returns how many first words have the largest ROUGE-L on held-out pairs."""
    references = [[pair.summary] for pair in valid.pairs]
    settings = rouge_settings(valid)

    def mean(num_words: int) -> float:
        texts = leads(valid.documents, num_words)
        found = rouge.evaluate(texts, references, settings)
        return float(_f(found, "ROUGE-L").mean())

    return max(LEADS, key=mean)


def rouge_l(part: Part, written: Sequence[str]) -> float:
    """Returns the mean ROUGE-L of a summary of each pair: stemmed F1 in points."""
    found = rouge.evaluate(written, [[pair.summary] for pair in part.pairs])
    return 100 * float(_f(found, "ROUGE-L").mean())


def measure(
    test: Part,
    name: str,
    written: Sequence[str],
    num_lead: int,
    beside: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict:
    """Scores summaries and leads on the same pairs.

    Args:
        test: the pairs.
        name: of whose summaries they are.
        written: a summary of each.
        num_lead: words of the best lead.
        beside: summaries of others, to be compared with.

    Returns:
        Stemmed F1 in points, with the signatures; fit for JSON.
    """
    references = [[pair.summary] for pair in test.pairs]
    systems = {
        "lead-8": leads(test.documents, 8),
        f"lead-{num_lead} (best)": leads(test.documents, num_lead),
        **beside,
        name: list(written),
    }
    settings = rouge_settings(test)
    scored = {
        name: rouge.evaluate(texts, references, settings)
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
        low, high = found["ROUGE-L"]["low"], found["ROUGE-L"]["high"]
        lines.append(
            f"paired 95 % interval of ROUGE-L over {other}: {low:+.2f} to {high:+.2f}"
        )
    return "\n".join([*lines, measured["signature"]])


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
        place, and the share that a place drawn evenly would have; fit for JSON.
    """
    hits, chances = [], []
    near = np.ones(2 * radius + 1, int)
    for document, summary in zip(test.documents, summaries, strict=True):
        read = np.array(document[: summary.num_read], object)
        for word, weights in zip(summary.words, summary.weights, strict=True):
            is_there = read == word
            if is_there.any() and weights.any():
                is_there = np.convolve(is_there, near)[radius : radius + len(read)] > 0
                hits.append(bool(is_there[weights.argmax()]))
                chances.append(is_there.mean())
    share, chance = (float(np.mean(x)) if x else 0.0 for x in (hits, chances))
    found = {"num_words": len(hits), "share": share, "chance": chance}
    return found | {"radius": radius}


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


def shown(test: Part, summaries: Sequence[Summary], places: Sequence[int]) -> list:
    """Returns the examples at these places; fit for JSON."""
    return [
        {
            "document": test.pairs[place].document,
            "summary": test.pairs[place].summary,
            "written": " ".join(summaries[place].words),
        }
        for place in places
    ]


def alignments(
    test: Part, summaries: Sequence[Summary], places: Sequence[int]
) -> list[Alignment]:
    """Returns the attention of these examples; of those that have any."""
    return [
        heatmap.align(
            test.documents[place][: summaries[place].num_read],
            summaries[place].words,
            summaries[place].weights,
            reference=test.pairs[place].summary,
        )
        for place in places
        if summaries[place].weights.any()
    ]


def examples_table(examples: Sequence[dict]) -> str:
    """Writes examples, each in three lines."""
    return "\n\n".join(
        f"  {e['document']}\n  = {e['summary']}\n  > {e['written']}" for e in examples
    )


def _points(found: Evaluation) -> dict[str, float]:
    return {m: round(100 * float(_f(found, m).mean()), 3) for m in METRICS}


def _f(found: Evaluation, metric: str) -> np.ndarray:
    return rouge.values(found, metric)[:, Score._fields.index("f")]


def _interval(interval: bootstrap.Interval) -> dict[str, float]:
    return {k: round(100 * v, 3) for k, v in interval._asdict().items()}
