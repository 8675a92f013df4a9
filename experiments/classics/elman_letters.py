"""Letters with structure: Elman 1990, figures 4 and 5.

Paper: consonants b, d, g in random order, each followed by its vowels: ba, dii, guuu.
Letters are six features; a network of 6, 20 and 6 units predicts the next letter. The
error is high at consonants and low at vowels; that a consonant comes (bit 1) is
foreseen, which one (bit 4, High) is not. Ours, in 14 s: .685 at consonants, .018 at
vowels, .492 for bit 4 at consonants.

    python -m experiments.classics.elman_letters --out out

Bounds: at a consonant the least error is .667, the root of the mean over consonants of
the squares added up over the six bits; of bit 4 alone it is .471; at vowels and of bit
1 it is 0.
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
from .claims import Claim, at_most, between
from .elman_training import FULL, ONE_STEP, Setting, learn, read
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Train Elman networks to predict letters."""

    num_seeds: int = 5
    """Networks, trained side by side."""
    num_consonants: int = 1_000
    """Consonants to train on, each with its vowels."""
    num_passes: int = 200
    """How often they are read."""
    rate: float = 0.1
    """Learning rate; the paper gives none."""
    bound: float = 0.5
    """Weights start uniform in ±bound; the paper gives none."""
    seed: int = 0
    """Of the letters and the weights."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/classics/elman_letters/."""


REDUCED = Config(num_passes=60)

# Consonant, Vowel, Interrupted, High, Back, Voiced.
CODES = {
    "b": (1, 0, 1, 0, 0, 1),
    "d": (1, 0, 1, 1, 0, 1),
    "g": (1, 0, 1, 0, 1, 1),
    "a": (0, 1, 0, 0, 1, 1),
    "i": (0, 1, 0, 1, 0, 1),
    "u": (0, 1, 0, 1, 1, 1),
}
SYLLABLES = ("ba", "dii", "guuu")
CONSONANT, HIGH = 0, 3
NUM_DRAWN = 20


def train(config: Config) -> dict:
    """Trains with the paper's one-step gradient, and with full BPTT over 10 steps.

    Returns:
        "text": the letters drawn; for each training "errors": of every network, the
        root of the mean of the squares, added up over the bits, at consonants and at
        vowels, and of bit 1, of bit 4, of bit 4 at consonants; "bits": squared errors
        of the first network on the letters drawn, `[20, 6]`; "claims".
    """
    key = jax.random.key(config.seed)
    stream = jnp.asarray(_codes(_text(config.num_consonants, config.seed)))
    fresh = _text(config.num_consonants, config.seed + 1)
    result: dict = {"text": fresh[1 : NUM_DRAWN + 1]}
    for name, cell, num_steps in (("one step", ONE_STEP, 1), ("BPTT", FULL, 10)):
        setting = Setting(
            *(cell, 20, config.bound, config.rate, config.num_passes, num_steps)
        )
        params = learn(jax.random.split(key, config.num_seeds), setting, stream)
        result[name] = _tested(params, fresh)
    listed = _claims("", "as drawn", result["one step"]["errors"])
    listed += _claims("BPTT: ", "-", result["BPTT"]["errors"])
    return result | {"claims": listed}


def draw(folder: Path, result: dict) -> list[Path]:
    """Draws the errors letter by letter: all bits, bit 1, bit 4, as figures 4 and 5."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 5.4), dpi=130, layout="constrained")
    squares = np.asarray(result["one step"]["bits"])
    rows = {
        "all six bits": np.sqrt(squares.sum(1)),
        "bit 1, Consonant": np.sqrt(squares[:, CONSONANT]),
        "bit 4, High": np.sqrt(squares[:, HIGH]),
    }
    steps = range(len(squares))
    panels = figure.subplots(3, 1, sharex=True)
    for axes, (title, errors) in zip(panels, rows.items(), strict=True):
        axes.plot(steps, errors, "o-", ms=4)
        axes.set(ylim=(-0.05, 1.3), ylabel="error", title=title)
        for t, letter in enumerate(result["text"]):
            axes.annotate(
                letter,
                (t, errors[t]),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
            )
    panels[-1].set_xlabel("letter to be predicted")
    path = folder / "letters.png"
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment as the command line says."""
    claims.run("elman_letters", commands.parse(Config, args, __doc__), train, draw)


def _claims(prefix: str, says: str, errors: dict) -> list[Claim]:
    least, most = ({k: f(v) for k, v in errors.items()} for f in (min, max))
    listed = []
    for what, low, high in (("consonants", 0.62, 0.72), ("bit 4 there", 0.43, 0.52)):
        ends = (("least", least), ("most", most))
        listed += [
            between(f"{prefix}{what}: {end}", says, low, of[what], high)
            for end, of in ends
        ]
    listed.append(at_most(f"{prefix}vowels: most", says, 0.1, most["vowels"]))
    listed.append(at_most(f"{prefix}bit 1: most", says, 0.1, most["bit 1"]))
    return listed


def _text(num_consonants: int, seed: int) -> str:
    """Draws syllables."""
    drawn = np.random.default_rng(seed).integers(0, len(SYLLABLES), num_consonants)
    return "".join(SYLLABLES[n] for n in drawn)


def _codes(text: str) -> np.ndarray:
    """Writes letters as features, `[N, 6]`."""
    return np.array([CODES[letter] for letter in text], np.float32)


def _tested(params, text: str) -> dict:
    codes = _codes(text)
    outputs = np.asarray(read(params, jnp.asarray(codes))[0])
    squares = (outputs[:, :-1] - codes[1:]) ** 2  # [S, N - 1, 6]
    is_consonant = codes[1:, CONSONANT] == 1

    def rms(part):
        return np.sqrt(part.sum(2).mean(1)).tolist()

    return {
        "errors": {
            "consonants": rms(squares[:, is_consonant]),
            "vowels": rms(squares[:, ~is_consonant]),
            "bit 1": rms(squares[..., [CONSONANT]]),
            "bit 4": rms(squares[..., [HIGH]]),
            "bit 4 there": rms(squares[:, is_consonant][..., [HIGH]]),
        },
        "bits": squares[0, :NUM_DRAWN].tolist(),
    }


if __name__ == "__main__":
    main()
