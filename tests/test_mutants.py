"""Wrong back-propagation is seen: each mutant of `tests.mutants` is caught.

One check for all: what a rule by hand gives (values, and the gradients of random
cotangents of every output) against what `jax.grad` makes of the plain form, float64,
with lengths, resets, masks, padding of NaN. The right code passes it; none of the
wrong may.
"""

import functools
import importlib
import operator
import pathlib
import shutil
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxseq
from tests import plain
from tests.cases import BY_NAME, draw
from tests.mutants import MUTANTS


TOLERANCE = 1e-12
LOSSES = ("cross_entropy", "cross_entropy_soft", "squared_error", "bernoulli")
UNROLLED = ("lstm reversed", "lstm states", "lstm outputs", "lstm reversed outputs")
ATTENTION = ("attention dot", "attention general", "attention additive")
CHECKS = (*BY_NAME, *UNROLLED, "lstm sqrt", "truncated", *LOSSES, "readout", *ATTENTION)


def one_in_four(rows):
    """Leaves one row in four to `make test`, the others to `make test-all`."""
    return [
        pytest.param(row, marks=pytest.mark.slow if number % 4 else ())
        for number, row in enumerate(rows)
    ]


@pytest.mark.parametrize("check", one_in_four(CHECKS))
def test_right_code_passes(check):
    assert not _mistakes(jaxseq, check)


@pytest.mark.parametrize("mutant", one_in_four(MUTANTS), ids=lambda mutant: mutant.name)
def test_mutant_is_caught(mutant, tmp_path):
    assert _mistakes(_jaxseq_with(mutant, tmp_path), mutant.check)


def test_mutants_differ():
    assert len(MUTANTS) >= 60
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({mutant[1:] for mutant in MUTANTS}) == len(MUTANTS)


def _jaxseq_with(mutant, directory):
    """Imports a second jaxseq, from a copy with the mutant's mistake in it."""
    copy = shutil.copytree(
        pathlib.Path(jaxseq.__file__).parent,
        directory / "jaxseq",
    )
    file = copy / mutant.module
    text = file.read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1, f"{mutant.old!r} must occur exactly once"
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")

    right = {name: sys.modules.pop(name) for name in _loaded()}
    sys.path.insert(0, str(directory))
    try:
        package = importlib.import_module("jaxseq")
        for name in dir(package):  # imports all of it: later it would find the other
            getattr(package, name)
        return package
    finally:
        sys.path.remove(str(directory))
        for name in _loaded():
            del sys.modules[name]
        sys.modules.update(right)


def _loaded():
    return [name for name in sys.modules if name.split(".")[0] == "jaxseq"]


def _mistakes(package, check):
    """Numbers the values and gradients that are wrong."""
    got = _values_and_gradients(package, check, "hand")
    wanted = _reference(check)
    assert len(got) == len(wanted)
    return [
        number
        for number, (a, b) in enumerate(zip(got, wanted, strict=True))
        # Written so that NaN is a mistake.
        if not np.linalg.norm(a - b) <= TOLERANCE * np.linalg.norm(b)
    ]


@functools.cache
def _reference(check):
    leaves = _values_and_gradients(jaxseq, check, "plain")
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    return leaves


def _values_and_gradients(package, check, form):
    if check in LOSSES:
        function, arguments = _loss(package, check, form)
    elif check == "readout":
        function, arguments = _readout(package, form)
    elif check == "truncated":
        function, arguments = _truncated(package, form)
    elif check in ATTENTION:
        function, arguments = _attention(package, check, form)
    else:
        function, arguments = _unroll(package, check, form)
    # A Python loop over eight steps is sooner done than a scan compiled.
    with jax.disable_jit():
        outputs, pull = jax.vjp(function, *arguments)
        rng = np.random.default_rng(1)
        gradients = pull(jax.tree.map(lambda y: rng.normal(size=y.shape), outputs))
    return [np.asarray(leaf) for leaf in jax.tree.leaves((outputs, gradients))]


def _unroll(package, check, form):
    """Unrolls what a check is called: a cell, "reversed" or not, a memory or none."""
    name, *words = check.split()
    cell = BY_NAME[name].make(package.cells)
    arguments, options = _sequences(package, name, 4)
    options["reverse"] = "reversed" in words
    unroll = package.unroll.unroll_plain
    if form == "hand":
        unroll = package.unroll.unroll
        menu = [word for word in words if word != "reversed"] or ["gates"]
        options["memory"] = getattr(package.memory, *menu)

    def function(params, state_0, reset_state, xs):
        return unroll(cell, params, state_0, xs, reset_state=reset_state, **options)

    return function, arguments


def _truncated(package, form):
    cell = package.cells.lstm.cell()
    arguments, masks = _sequences(package, "lstm", 5)
    hand = package.truncate.unroll_truncated
    unroll = hand if form == "hand" else plain.unroll_chunks

    def function(params, state_0, reset_state, xs):
        return unroll(cell, params, state_0, xs, 2, reset_state=reset_state, **masks)

    return function, arguments


def _sequences(package, name, num_steps):
    """Three padded rows: a full one with resets, a short one with one, an empty one."""
    inputs = draw(BY_NAME[name].make(jaxseq.cells), 0, num_steps, (3,))
    lengths = np.array([num_steps, 3, 0])
    resets = np.zeros((num_steps, 3), bool)
    resets[[2, 3, 1], [0, 0, 1]] = True
    resets[3, 1] = True  # in the padding, where it may do nothing
    padding = np.arange(num_steps)[:, None] >= lengths
    inputs.xs[padding] = np.nan
    arguments = [_record(package, argument) for argument in inputs[:4]]
    return arguments, {"lengths": lengths, "resets": resets}


def _record(package, argument):
    """Gives a record of jaxseq the class of its copy."""
    if isinstance(argument, np.ndarray):
        return argument
    module = type(argument).__module__.removeprefix("jaxseq.")
    record = operator.attrgetter(f"{module}.{type(argument).__name__}")(package)
    return record(*argument)


def _loss(package, name, form):
    rng = np.random.default_rng(2)
    logits, mask = (
        rng.normal(size=(4, 2, 3)),
        np.array([[1, 1], [0, 1], [1, 0], [1, 1]]),
    )
    mask = mask.astype(bool)
    if form == "hand":
        loss = getattr(package.losses, name)
        blank = np.nan
    else:
        loss = getattr(plain, name)
        blank = 0.0
    logits[~mask] = blank
    if name == "cross_entropy":
        ids = jnp.asarray(rng.integers(0, 2, (4, 2)))
        return lambda a: loss(a, ids, mask), (logits,)
    targets = rng.uniform(size=(4, 2, 3))
    targets[~mask] = blank
    return lambda a, y: loss(a, y, mask), (logits, targets)


def _readout(package, form):
    rng = np.random.default_rng(3)
    params = package.readout.Params(rng.normal(size=(3, 3)), rng.normal(size=3))
    states = rng.normal(size=(4, 2, 3))
    return (package.readout if form == "hand" else plain).readout, (params, states)


def _attention(package, check, form):
    """Attends, in one sequence to nothing: there and where masked NaN may stand."""
    name = check.removeprefix("attention ")
    rng = np.random.default_rng(4)
    hidden, shapes = 3, {"dot": (), "general": [(3, 3)]}
    shapes["additive"] = [(4, hidden), (4, 3), (4,), (4,)]
    params = [rng.normal(size=shape) for shape in shapes[name]]
    record = getattr(package.attention, name)
    score = record.score(*[0.7] * (name == "dot"))
    params = record.Params(*params) if params else ()
    mask = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 0], [1, 0, 1]], bool)  # [M, B]
    queries, encoded = rng.normal(size=(2, 3, hidden)), rng.normal(size=(4, 3, 3))
    values = rng.normal(size=(4, 3, hidden))
    blank = np.nan if form == "hand" else 0.0
    encoded[~mask], values[~mask], queries[:, 1] = blank, blank, blank
    form = "" if form == "hand" else "_plain"
    remember = getattr(package.attention.memory, f"remember{form}")
    attend = getattr(package.attention.attend, f"attend{form}")

    def function(params, queries, encoded, values):
        memory = remember(score, params, encoded, values, mask)
        return attend(score, params, queries, memory)

    return function, (params, queries, encoded, values)
