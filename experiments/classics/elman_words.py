"""Words in a stream of letters: Elman 1990, figure 6.

Paper: 200 sentences of 4 to 9 words, run together without a break, each letter a vector
of 5 bits; a network of 5, 20 and 5 units predicts the next letter, 10 passes. Error is
high at the beginning of a word and falls as the word becomes known, so that boundaries
can be told from it. Ours, in 14 s: AUC .947.

    python -m experiments.classics.elman_words --out out

A letter is its number in binary. The paper's 15 words are not listed; its example,
"Many years ago a boy and girl lived by the sea they played happily", has fourteen.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq import commands

from ..results import replace
from . import claims
from .claims import Claim, at_least
from .elman_training import FULL, ONE_STEP, Setting, learn, read
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Train Elman networks on letters without breaks between words."""

    num_seeds: int = 10
    """Networks, trained side by side."""
    num_sentences: int = 200
    """Sentences of 4 to 9 words."""
    num_passes: int = 10
    """How often they are read."""
    rate: float = 0.3
    """Learning rate; the paper gives none."""
    bound: float = 0.5
    """Weights start uniform in ±bound; the paper gives none."""
    seed: int = 0
    """Of the sentences and the weights."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/classics/elman_words/."""


REDUCED = Config(num_seeds=5)

TEXT = "many years ago a boy and girl lived by the sea they played happily"
WORDS = SHOWN = TEXT.split()
NUM_BITS = 5


def train(config: Config) -> dict:
    """Trains with the paper's one-step gradient, and with full BPTT over 10 steps.

    Returns:
        "error": of the first network on the paper's sentence, letter by letter; for
        each training "profile": mean error at first, second and later letters of words,
        over networks and fresh text, and "auc": of each network; "claims".
    """
    key = jax.random.key(config.seed)
    stream = jnp.asarray(_codes("".join(_words(config.num_sentences, config.seed))))
    fresh = _words(config.num_sentences, config.seed + 1)
    result: dict = {}
    for name, cell, num_steps in (("one step", ONE_STEP, 1), ("BPTT", FULL, 10)):
        setting = Setting(
            *(cell, 20, config.bound, config.rate, config.num_passes, num_steps)
        )
        params = learn(jax.random.split(key, config.num_seeds), setting, stream)
        errors, places = _errors(params, fresh)
        # From a context that other text has left, as in the stream.
        shown, _ = _errors(params, [*fresh[:20], *SHOWN])
        result[name] = {
            "error": shown[0, -sum(map(len, SHOWN)) :].tolist(),
            "profile": [
                float(errors[:, is_there].mean())
                for is_there in (places == 0, places == 1, places > 1)
            ],
            "auc": [_auc(each, places == 0) for each in errors],
        }
    listed = _claims("", "high, then falls", result["one step"])
    return result | {"claims": listed + _claims("BPTT: ", "-", result["BPTT"])}


def draw(folder: Path, result: dict) -> list[Path]:
    """Draws the error letter by letter, as the paper's figure 6."""
    from matplotlib.figure import Figure

    text = "".join(SHOWN)
    errors = np.asarray(result["one step"]["error"])
    is_first = _places(SHOWN) == 0
    steps = np.arange(len(text))
    figure = Figure(figsize=(9.6, 3.4), dpi=130, layout="constrained")
    axes = figure.subplots()
    axes.plot(steps, errors, "-", color="0.6", lw=1)
    axes.plot(steps[is_first], errors[is_first], "o", color="tab:red", label="first")
    axes.plot(steps[~is_first], errors[~is_first], ".", color="tab:blue")
    for t, letter in enumerate(text):
        axes.annotate(
            letter, (t, errors[t]), (0, 6), textcoords="offset points", ha="center"
        )
    axes.set(xlabel="letter to be predicted", ylabel="error", ylim=(0, 0.75))
    axes.legend(title="letter of a word")
    path = folder / "words.png"
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment as the command line says."""
    claims.run("elman_words", commands.parse(Config, args, __doc__), train, draw)


def _claims(prefix: str, says: str, result: dict) -> list[Claim]:
    first, second, later = result["profile"]
    return [
        at_least(f"{prefix}error, 1st / 2nd letter", says, 1.0, first / second),
        at_least(f"{prefix}error, 2nd / later letters", says, 1.0, second / later),
        at_least(f"{prefix}boundaries, AUC: least", "-", 0.75, min(result["auc"])),
    ]


def _words(num_sentences: int, seed: int) -> list[str]:
    """Draws sentences, and puts their words in a row."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(4, 10, num_sentences)
    return [WORDS[n] for n in rng.integers(0, len(WORDS), sizes.sum())]


def _codes(text: str) -> np.ndarray:
    """Writes letters as their numbers in binary, `[N, 5]`: a is 00001."""
    numbers = np.array([ord(letter) - ord("a") + 1 for letter in text])
    bits = numbers[:, None] >> np.arange(NUM_BITS)[::-1] & 1
    return bits.astype(np.float32)


def _places(words: Sequence[str]) -> np.ndarray:
    """Numbers the letters of each word from 0."""
    return np.concatenate([np.arange(len(word)) for word in words])


def _errors(params, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the error at each letter but the first, and its place in its word."""
    codes = _codes("".join(words))
    outputs = np.asarray(read(params, jnp.asarray(codes))[0])
    errors = np.sqrt(((outputs[:, :-1] - codes[1:]) ** 2).mean(-1))
    return errors, _places(words)[1:]


def _auc(scores: np.ndarray, is_first: np.ndarray) -> float:
    """Returns how often a first letter's error is above another's, ties half."""
    first, others = scores[is_first], np.sort(scores[~is_first])
    below = np.searchsorted(others, first, "left")
    up_to = np.searchsorted(others, first, "right")
    return float((below + up_to).mean() / 2 / len(others))


if __name__ == "__main__":
    main()
