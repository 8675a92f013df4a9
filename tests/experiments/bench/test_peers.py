"""Peers: each one computes what jaxseq computes, from the same weights."""

import functools

import numpy as np
import pytest

from experiments.bench import forms, on_jax, problem as problems
from experiments.bench.peers import (
    cudnn,
    equinox,
    flax_linen,
    flax_nnx,
    haiku,
    jaxseq,
    keras,
    torch,
)
from experiments.bench.problem import Point


POINT = Point("lstm", batch=2, hidden=4, steps=3, dtype="float32")
CELLS = ("lstm", "gru", "elman")


def largest_error(peer, cell, dtype="float32"):
    point = POINT._replace(cell=cell, dtype=dtype)
    problem, expected = solved(point, peer.forms[cell])
    found = peer.build(problem).answer()
    # Not Python's `max`, which passes over a NaN.
    return np.max(list(problems.errors(problem, found, expected).values()))


@functools.cache
def solved(point, form):
    problem = problems.make(point, form)
    return problem, problems.solve(problem)


@pytest.mark.parametrize("cell", CELLS)
def test_jaxseq_computes_the_same(cell):
    assert largest_error(jaxseq.HAND, cell) <= 1e-6


OWN = (
    *(jaxseq.STATES, jaxseq.OUTPUTS, jaxseq.CHUNKED, jaxseq.SQRT),
    *(jaxseq.SHARDED, jaxseq.PLAIN),
)


@pytest.mark.parametrize("peer", OWN, ids=lambda peer: peer.name)
def test_variants_of_jaxseq_compute_the_same(peer):
    assert peer.missing(POINT) is None
    assert largest_error(peer, "elman") <= 1e-6


def test_variants_of_jaxseq_differ_in_memory():
    peers = (jaxseq.SQRT, jaxseq.CHUNKED, jaxseq.HAND, jaxseq.STATES)
    problem = problems.make(POINT._replace(steps=256), forms.LSTM)
    temporaries = [peer.build(problem).backward.memory.temp for peer in peers]
    assert temporaries == sorted(set(temporaries))


def test_sharded_says_why_it_cannot(monkeypatch):
    assert "batch of 3 among 2" in jaxseq.SHARDED.missing(POINT._replace(batch=3))
    monkeypatch.setattr(jaxseq.jax, "device_count", lambda: 1)
    assert "--cpu-devices 2" in jaxseq.SHARDED.missing(POINT)


def test_compiler_options_reach_the_compiler():
    options = {"xla_no_such_option": "1"}
    with pytest.raises(RuntimeError, match="xla_no_such_option"):
        jaxseq.HAND.build(problems.make(POINT, forms.LSTM, options))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("peer", [flax_linen.PEER, flax_nnx.PEER], ids=lambda p: p.name)
def test_flax_computes_the_same(peer, cell):
    assert largest_error(peer, cell) <= 1e-6


@pytest.mark.parametrize("cell", CELLS)
def test_haiku_computes_the_same(cell):
    pytest.importorskip("haiku")
    assert largest_error(haiku.PEER, cell) <= 1e-6


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_equinox_computes_the_same(cell):
    pytest.importorskip("equinox")
    assert largest_error(equinox.PEER, cell) <= 1e-6


@pytest.mark.parametrize("cell", CELLS)
def test_keras_computes_the_same(cell):
    if keras.missing(POINT):
        pytest.skip(keras.missing(POINT))
    assert largest_error(keras.PEER, cell) <= 1e-6


@pytest.mark.parametrize("cell", CELLS)
def test_torch_computes_the_same(cell):
    pytest.importorskip("torch")
    assert largest_error(torch.PEER, cell) <= 1e-6


def test_cudnn_computes_the_same_on_a_gpu():
    if reason := cudnn.missing(POINT):
        pytest.skip(reason)
    assert largest_error(cudnn.PEER, "lstm") <= 1e-6


@pytest.mark.parametrize(
    "peer", [flax_nnx.PEER, haiku.PEER, keras.PEER, torch.PEER], ids=lambda p: p.name
)
def test_bfloat16_stays_within_its_tolerance(peer):
    if reason := peer.missing(POINT._replace(dtype="bfloat16")):
        pytest.skip(reason)
    assert 1e-5 < largest_error(peer, "elman", "bfloat16") <= 3e-2


@pytest.mark.parametrize(
    ("module", "peer"),
    [
        ("haiku", haiku.PEER),
        ("equinox", equinox.PEER),
        ("keras", keras.PEER),
        ("torch", torch.PEER),
    ],
)
def test_missing_names_the_package(module, peer, monkeypatch):
    monkeypatch.setattr(
        "experiments.bench.contender.importlib.util.find_spec", lambda name: None
    )
    (package,) = peer.packages
    assert peer.missing(POINT).startswith(f"{package} is not installed")
    assert package in (module, f"dm-{module}")


def test_problem_is_the_same_for_every_form():
    after = problems.make(POINT._replace(cell="gru"), forms.GRU_AFTER)
    before = problems.make(POINT._replace(cell="gru"), forms.GRU_BEFORE)
    for name in before.weights:
        np.testing.assert_array_equal(after.weights[name], before.weights[name])
    np.testing.assert_array_equal(after.xs, before.xs)
    lacking = problems.make(POINT._replace(cell="gru"), forms.GRU_AFTER_NO_B_M)
    assert not lacking.weights["b_m"].any()
    assert after.weights["b_m"].all()


def test_num_flops_is_the_textbooks():
    # An LSTM of H = I = 4, one step, one row: 16 sums of 8 products.
    assert forms.num_flops(forms.LSTM, 1, 1, 4, 4) == 2 * 16 * 8
    assert forms.num_flops(forms.ELMAN, 3, 5, 4, 4) == 15 * 2 * 4 * 8


def test_layouts_undo_themselves():
    array = np.arange(24).reshape(2, 3, 4)
    for layout in (on_jax.time_major, on_jax.batch_major):
        np.testing.assert_array_equal(layout(layout(array)), array)
