"""jaxseq: deltas by hand, and the plain scan differentiated by JAX."""

from collections.abc import Callable

from experiments.bench import forms, on_jax
from experiments.bench.contender import Contender, Peer, installed
from experiments.bench.problem import Problem
from jaxseq.unroll import Unrolled, unroll, unroll_plain


def peer(name: str, unroll: Callable[..., Unrolled]) -> Peer:
    """Makes a peer of something that is called like `jaxseq.unroll.unroll`."""

    def build(problem: Problem) -> Contender:
        form = problem.form
        layer = on_jax.Layer(
            convert=lambda weights: forms.params(form, weights),
            apply=lambda params, xs: unroll(form.cell, params, None, xs).ys,
        )
        return on_jax.contender(problem, layer)

    return Peer(
        name,
        packages=("jax", "jaxlib"),
        forms={"lstm": forms.LSTM, "gru": forms.GRU_AFTER, "elman": forms.ELMAN},
        missing=installed,
        build=build,
    )


HAND = peer("jaxseq", unroll)
PLAIN = peer("jaxseq-plain", unroll_plain)
