"""What the report shows of the experiments that learn: curves, a map, attention."""

import json
from html import escape
from pathlib import Path

import numpy as np

from . import curves, heatmap, heatmap_page, pages, summarize_report, word_map
from .curves import Curve
from .heatmap import Alignment
from .word_map import Word


_HOW_TO_READ = """<p>Words (bold) and their neighbours, on the two principal axes of
their vectors. Point at a word or touch it, or move with Tab and the arrow keys, to see
the words nearest to it of all that have a vector, with their cosine.</p>"""
_NUMBER = '<p class="number" aria-live="polite"></p>'


def language_models(folder: Path) -> str | None:
    """Shows the curves and a sample of each model of `experiments.language_model`."""
    paths = sorted(folder.glob("*.json"))
    return "\n".join(map(_language_model, paths)) if paths else None


def _language_model(path: Path) -> str:
    found = json.loads(path.read_text("utf-8"))
    config, corpus = found["config"], found["corpus"]
    name = f"{config['cell']}, {config['num_layers']} x {config['num_hidden']}"
    ours, bigram = found["valid_perplexity"], found["bigram_perplexity"]
    drawn = curves.chart(
        f"Perplexity of {name} over the updates",
        f"updates, of {config['batch_size'] * config['num_steps']:,} "
        f"{config['tokens']} each",
        "perplexity",
        [
            Curve("training text", found["train"]),
            Curve("held-out text", found["valid"]),
        ],
        curves.LOG,
        level=(f"bigram, Kneser-Ney: {bigram:.1f}", bigram),
    )
    sample = "<br>".join(map(escape, found["sample"]))
    verdict = "below" if ours < bigram else "above"
    return f"""<section>
<h3>{escape(name)}</h3>
<p>{escape(corpus["name"])}: {found["num_weights"]:,} weights,
{found["num_tokens"]:,} {escape(config["tokens"])} read. Held-out perplexity
{ours:.1f}, {abs(1 - ours / bigram):.1%} {verdict} the bigram.</p>
{_NUMBER}
{pages.scrolled(drawn, f"curves of {name}")}
<p>Written by the model, temperature {config["temperature"]}:</p>
<blockquote>{sample}</blockquote>
</section>"""


def word_vectors(folder: Path) -> str | None:
    """Shows the map, the neighbours and the loss of `experiments.word2vec`."""
    path = folder / "result.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text("utf-8"))
    corpus = found["corpus"]
    parts = [
        f"<p>{escape(corpus['name'])}: {corpus['num_words']:,} words, "
        f"{corpus['num_vectors']:,} of them with a vector, trained in "
        f"{found['seconds']:.0f} s.</p>"
    ]
    places = [Word(**each) for each in found["map"]]
    label = f"Map of {', '.join(found['neighbours'])} and their neighbours"
    drawn = pages.scrolled(word_map.draw(places, label), "map of words")
    parts.append(f"<section>{_HOW_TO_READ}{_NUMBER}{drawn}</section>")
    parts.append(
        pages.table(
            ("word", "nearest, with their cosine"),
            [
                [word, ", ".join(f"{other} {cosine:.2f}" for other, cosine in near)]
                for word, near in found["neighbours"].items()
            ],
            "Neighbours",
        )
    )
    rows = [
        [kind, key.replace("_", " "), f"{value:.3f}"]
        for kind, values in found["scores"].items()
        for key, value in values.items()
    ]
    if rows:
        parts.append(pages.table(("test", "", "score"), rows, "Scores"))
    losses = Curve("training text", [tuple(point) for point in found["losses"]])
    if losses.points:
        drawn = curves.chart("Loss while learning", "epoch", "loss of a pair", [losses])
        drawn = pages.scrolled(drawn, "curve of the loss")
        parts.append(f"<section><h3>Training</h3>{_NUMBER}{drawn}</section>")
    return "\n".join(parts)


def summaries(folder: Path) -> str | None:
    """Shows the scores, the curves and the attention of `experiments.summarize`."""
    path = folder / "result.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text("utf-8"))
    corpus, measured = found["corpus"], found["rouge"]
    systems = measured["systems"]
    metrics = list(next(iter(systems.values())))
    interval = summarize_report.interval(
        measured["over_best_lead"]["ROUGE-L"], corpus["num_test"]
    )
    parts = [
        f"<p>{escape(corpus['name'])}: {corpus['num_train']:,} pairs to train on, "
        f"{corpus['num_test']:,} to measure on; trained in {found['seconds']:.0f} s. "
        f"Paired 95 % interval of ROUGE-L over the best lead: {interval}.</p>",
        pages.table(
            ("", *metrics),
            [[name, *(f"{p[m]:.2f}" for m in metrics)] for name, p in systems.items()],
            "ROUGE, stemmed F1 in points",
        ),
        _training(found),
    ]
    paths = [path for path in heatmap.find(folder) if path.suffix == ".json"]
    maps = {heatmap.number_of(path): _alignment(path) for path in paths}
    if maps:
        parts += ["<h3>Attention</h3>", heatmap_page.HOW]
    parts += [heatmap_page.section(number, each, "h4") for number, each in maps.items()]
    return "\n".join(parts)


def _training(found: dict) -> str:
    """Draws the cost of the batches, and the held-out perplexity of the epochs."""
    charts = []
    if nats := found["nats"]:
        num_epochs = len(found["valid_perplexity"]) or 1
        costs = [(num_epochs * (i + 1) / len(nats), n) for i, n in enumerate(nats)]
        label = "Cost of a batch"
        curve = Curve("training text", costs)
        charts.append((label, "epoch", "nats a word", curve, curves.LINEAR))
    # Of one epoch there is no curve.
    if len(perplexities := found["valid_perplexity"]) > 1:
        label = "Held-out perplexity of each epoch"
        curve = Curve("held-out text", list(enumerate(perplexities, start=1)))
        charts.append((label, "epoch", "perplexity", curve, curves.LOG))
    sections = []
    for label, x_label, y_label, curve, scale in charts:
        drawn = curves.chart(label, x_label, y_label, [curve], scale)
        drawn = pages.scrolled(drawn, label)
        sections.append(f"<section><h3>{label}</h3>{_NUMBER}{drawn}</section>")
    return "\n".join(sections)


def _alignment(path: Path) -> Alignment:
    """Reads what `experiments.heatmap.write` wrote."""
    found = json.loads(path.read_text("utf-8"))
    found["weights"] = np.array(found["weights"])
    known = found.keys() & set(Alignment._fields)  # an old file's may be others
    return heatmap.align(**{name: found[name] for name in known})
