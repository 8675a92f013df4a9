"""Training for one aim after another, in one schedule: a penalty in the last epochs.

The weights, Adam's moments and the learning rate go on from phase to phase. What was
the best for the aim before says nothing about the next: each phase keeps its own best
weights, and the last phase's are those of the training. A phase that gains nothing more
ends early, and the next one begins at its own epoch all the same.

Reference: See, Liu, Manning, Get to the point: summarization with pointer-generator
networks, ACL 2017, section 5: coverage is added for a last short phase.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jaxseq.checks import expect
from jaxseq.summarize import training
from jaxseq.summarize.batches import Shape
from jaxseq.summarize.examples import Example
from jaxseq.summarize.model import Model
from jaxseq.summarize.training import Progress, Setting, State


class Phase(NamedTuple):
    """Some epochs with one aim."""

    model: Model  # its `score` is the aim; the weights fit all phases' models
    end: int  # number of the first epoch that is no more of it


def train(
    phases: Sequence[Phase],
    examples: Sequence[Example],
    valid: Sequence[Example],
    shapes: Sequence[Shape],
    state: State,
    setting: Setting,
) -> Iterator[Progress]:
    """Trains through all phases, from any state; see `jaxseq.summarize.training.train`.

    Args:
        phases: their ends rise to `setting.num_epochs`.
        examples: to learn from.
        valid: held out.
        shapes: of the batches of both.
        state: where to begin; its weights and moments are given away.
        setting: how.

    Yields:
        Where it is, after each update.

    Raises:
        ValueError: naming the argument.
        FloatingPointError: if the cost stops being finite, saying where.
    """
    ends = [phase.end for phase in phases]
    rises = ends == sorted(set(ends)) and ends[:1] > [0]
    fits = rises and ends[-1] == setting.num_epochs
    expect(fits, "phases", f"ends that rise to {setting.num_epochs}", ends)
    first = 0
    for phase in phases:
        if first and (state.epoch, state.batch) <= (first, 0):
            state = state._replace(epoch=first, best_nats=math.inf, num_worse=0)
        part = training.train(
            phase.model, examples, valid, shapes, state, setting, end=phase.end
        )
        for now in part:
            state = now.state
            yield now
        first = phase.end
