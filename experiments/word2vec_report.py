"""What word2vec's vectors look like: neighbours, scores, a map of the plane."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxseq.word2vec import evaluate, nearest
from jaxseq.word2vec.vectors import Vectors, normed

from . import results
from .fonts import font_for


NUM_SHOWN = 10
NUM_NEIGHBOURS = 6
NUM_ON_MAP = 150


def shown_words(words: Sequence[str], asked: Sequence[str]) -> list[str]:
    """Returns the words to show: those asked for, else frequent ones of some length.

    Args:
        words: all that get a vector, by falling count.
        asked: which to show, maybe none.

    Raises:
        ValueError: naming a word that is not there.
    """
    for word in asked:
        if word not in words:
            raise ValueError(f"--words: {word!r} is not among the {len(words)}")
    if asked:
        return list(asked)
    # Frequent, but no function words: past the first hundred, more than three letters.
    late = [w for w in words[100:] if len(w) > 3 and w.isalpha()]
    chosen = late[: 20 * NUM_SHOWN : 20] or list(words[:NUM_SHOWN])
    return chosen[:NUM_SHOWN]


def neighbours(vectors: Vectors, words: Sequence[str]) -> dict[str, list]:
    """Returns of each word the nearest ones, as pairs (word, cosine)."""
    found = {}
    for word in words:
        near = nearest.most_similar(vectors, word, topn=NUM_NEIGHBOURS)
        found[word] = list(near)
    return found


def scores(vectors: Vectors, pairs: Path | None, analogies: Path | None) -> dict:
    """Scores the vectors by the files that are given.

    Raises:
        ValueError: in one line, if a file cannot be used.
    """
    found = {}
    if pairs is not None:
        scored = evaluate.evaluate_word_pairs(vectors, pairs)
        found["pairs"] = {
            "spearman": float(scored.spearman.statistic),
            "out_of_vocabulary_percent": float(scored.oov_ratio),
        }
    if analogies is not None:
        accuracy, _ = evaluate.evaluate_word_analogies(vectors, analogies, 30_000)
        found["analogies"] = {"accuracy": float(accuracy)}
    return found


def table(near: dict[str, list]) -> str:
    """Returns the neighbours as lines."""
    width = max(map(len, near), default=0)
    lines = []
    for word, found in near.items():
        listed = "  ".join(f"{other} {cosine:.2f}" for other, cosine in found)
        lines.append(f"{word:{width}}  {listed}")
    return "\n".join(lines)


def plane(rows: np.ndarray) -> np.ndarray:
    """Returns the rows' coordinates on their two principal axes, `[N, 2]`."""
    centred = rows - rows.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    # The sign of an axis is free: fixed here, so that a map can be drawn again.
    strongest = np.argmax(np.abs(axes), 1)
    axes = axes * np.sign(axes[np.arange(len(axes)), strongest])[:, None]
    flat = centred @ axes.T
    return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))


def draw(path: Path, vectors: Vectors, near: dict[str, list]) -> list[Path]:
    """Draws the words shown with their neighbours on a plane; returns the file.

    Without matplotlib, or a font that has the words' characters, it says so and returns
    nothing.
    """
    if not results.can_draw():
        return []
    from matplotlib.figure import Figure

    group_of: dict[str, int] = {}
    for number, (word, found) in enumerate(near.items()):
        for other in (word, *(other for other, _ in found)):
            group_of.setdefault(other, number)
    words = list(group_of)[:NUM_ON_MAP]
    font = font_for("".join(words))
    if font is None:
        print("no map: no font has these words' characters", file=sys.stderr)
        return []
    ids = [vectors.id_of[word] for word in words]
    at = plane(normed(vectors)[ids])
    figure = Figure(figsize=(10, 8), layout="constrained")
    axes = figure.subplots()
    colours = [f"C{group_of[word] % 10}" for word in words]
    axes.scatter(at[:, 0], at[:, 1], s=12, c=colours)
    for word, (x, y), colour in zip(words, at, colours, strict=True):
        weight = "bold" if word in near else "normal"
        axes.annotate(
            word,
            (x, y),
            xytext=(3, 3),
            textcoords="offset points",
            fontsize=8,
            color=colour,
            family=font,
            weight=weight,
            parse_math=False,
        )
    axes.set_title("Words (bold) and their neighbours, on two principal axes")
    axes.set_xlabel("first axis")
    axes.set_ylabel("second axis")
    results.replace(path, lambda part: figure.savefig(part, dpi=120, format="png"))
    return [path]
