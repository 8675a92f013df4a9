"""What word2vec's vectors look like: neighbours, scores, a map of the plane."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxseq.word2vec import evaluate, nearest
from jaxseq.word2vec.vectors import Vectors, normed

from .word_map import Word


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


def on_plane(vectors: Vectors, near: dict[str, list]) -> list[Word]:
    """Returns the words shown and their neighbours with their places on a plane."""
    group_of: dict[str, int] = {}
    for number, (word, found) in enumerate(near.items()):
        for other in (word, *(other for other, _ in found)):
            group_of.setdefault(other, number)
    words = list(group_of)[:NUM_ON_MAP]
    ids = [vectors.id_of[word] for word in words]
    at = plane(normed(vectors)[ids]).tolist()
    of_all = neighbours(vectors, words)
    return [
        Word(word, group_of[word], word in near, x, y, of_all[word])
        for word, (x, y) in zip(words, at, strict=True)
    ]
