"""jaxseq: deltas by hand, with less memory, on several devices; and the plain scan."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxseq import memory
from jaxseq.unroll import Unrolled, unroll, unroll_plain

from .. import forms, on_jax
from ..contender import Contender, Peer, installed
from ..problem import Point, Problem


FORMS: Any = {"lstm": forms.LSTM, "gru": forms.GRU_AFTER, "elman": forms.ELMAN}
BATCH = PartitionSpec(None, "batch")  # of xs, ys and their errors, [T, B, ·]
EVERYWHERE = PartitionSpec()


def peer(name: str, unroll: Callable[..., Unrolled]) -> Peer:
    """Makes a peer of something that is called like `jaxseq.unroll.unroll`."""

    def build(problem: Problem) -> Contender:
        return on_jax.contender(problem, _layer(problem, unroll))

    return Peer(name, ("jax", "jaxlib"), FORMS, installed, build)


def _layer(problem: Problem, unroll: Callable[..., Unrolled]) -> on_jax.Layer:
    form = problem.form
    return on_jax.Layer(
        convert=lambda weights: forms.params(form, weights),
        apply=lambda params, xs: unroll(form.cell, params, None, xs).ys,
    )


def missing_devices(point: Point) -> str | None:
    """Says why the batch cannot be shared by all devices, or returns None."""
    num_devices = jax.device_count()
    if num_devices == 1:
        return "needs two devices (--cpu-devices 2)"
    if point.batch % num_devices:
        return f"cannot share a batch of {point.batch} among {num_devices} devices"
    return None


def build_sharded(problem: Problem) -> Contender:
    """Gives each device a share of the batch, and all of them the weights."""
    mesh = Mesh(np.array(jax.devices()), ("batch",))
    put = {
        "weights": jax.device_put(problem.weights, NamedSharding(mesh, EVERYWHERE)),
        "xs": jax.device_put(problem.xs, NamedSharding(mesh, BATCH)),
        "d_ys": jax.device_put(problem.d_ys, NamedSharding(mesh, BATCH)),
    }
    whole = _layer(problem, unroll)
    share = jax.shard_map(
        whole.apply, mesh=mesh, in_specs=(EVERYWHERE, BATCH), out_specs=BATCH
    )
    return on_jax.contender(problem._replace(**put), whole._replace(apply=share))


HAND = peer("jaxseq", unroll)
STATES = peer("jaxseq-states", functools.partial(unroll, memory=memory.states))
OUTPUTS = peer("jaxseq-outputs", functools.partial(unroll, memory=memory.outputs))
CHUNKED = peer("jaxseq-chunked", functools.partial(unroll, memory=memory.chunked(16)))
SQRT = peer("jaxseq-sqrt", functools.partial(unroll, memory=memory.sqrt))
SHARDED = Peer("jaxseq-sharded", HAND.packages, FORMS, missing_devices, build_sharded)
PLAIN = peer("jaxseq-plain", unroll_plain)
