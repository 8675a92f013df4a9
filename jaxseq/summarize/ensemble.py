"""An ensemble: N summarizers of one kind that write together.

With P_1 … P_N the members' probabilities of the next word, α_1 … α_N their attention,

    P(w) = 1/N Σ_n P_n(w)                                                          (1)
    α = 1/N Σ_n α_n                                                                (2)

and in training a target costs the mean of what it costs each member,

    L = -1/N Σ_n log P_n(y)                                                        (3)

so that the gradient of each member is its own, 1/N times, and they learn side by side
without a word of each other; the gradient alone is cut to a length by all together.
What (3) says of held-out targets is an upper bound of what (1) would cost.

Reference: Sutskever, Vinyals, Le, Sequence to sequence learning with neural networks,
NeurIPS 2014: ensembles of models that differ in their first weights and their dropout.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count
from jaxseq.summarize.batches import Batch, Documents
from jaxseq.summarize.decoder import Decoder, Memory, State, Step
from jaxseq.summarize.model import Model
from jaxseq.types import Array, Key, Tree


Params = tuple[Tree, ...]  # of the N members


@functools.cache
def model(member: Model, num_members: int) -> Model:
    """Returns the ensemble as a model; equal arguments give the same one.

    Args:
        member: what each of them is.
        num_members: N.

    Raises:
        ValueError: if it is below 1.
    """
    check_count("num_members", num_members)

    def init(key: Key) -> Params:
        return tuple(member.init(k) for k in jax.random.split(key, num_members))

    def read(params: Params, documents: Documents, num_outside: int, /) -> Memory:
        return tuple(member.read(p, documents, num_outside) for p in params)

    def score(
        params: Params,
        batch: Batch,
        /,
        *,
        dropout: float = 0.0,
        key: Key | None = None,
    ) -> Array:
        keys = [None] * num_members
        if key is not None:
            keys = list(jax.random.split(key, num_members))
        costs = [
            member.score(p, batch, dropout=dropout, key=k)
            for p, k in zip(params, keys, strict=True)
        ]
        return _mean(costs)  # (3)

    def renormalize(params: Params) -> Params:
        return tuple(map(member.renormalize, params))

    return Model(init, read, score, _decoder(member), renormalize)


def _decoder(member: Model) -> Decoder:
    def start(params: Params, memory: Memory) -> State:
        return tuple(map(member.decoder.start, params, memory))

    def step(params: Params, memory: Memory, state: State, y_tm1: Array) -> Step:
        call: Callable[..., Step] = member.decoder.step
        steps = [call(*each, y_tm1) for each in zip(params, memory, state, strict=True)]
        log_probs = jnp.stack([each.log_probs for each in steps])
        total = jax.nn.logsumexp(log_probs, axis=0)
        return Step(
            total - float(np.log(len(steps))),  # (1)
            _mean([each.weights for each in steps]),  # (2)
            tuple(each.state for each in steps),
        )

    return Decoder(start, step)


def _mean(arrays: list[Array]) -> Array:
    return sum(arrays[1:], start=arrays[0]) * (1 / len(arrays))
