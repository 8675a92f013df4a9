"""The examples in the docstrings, as a newcomer would type them."""

import doctest
import importlib
import pathlib

import jax
import pytest

import jaxseq


ROOT = pathlib.Path(jaxseq.__file__).parent


def with_examples():
    for path in sorted(ROOT.rglob("*.py")):
        # rjieba, which cuts Chinese into words, need not be installed.
        if ">>> " in path.read_text("utf-8") and path.stem != "chinese":
            parts = ("jaxseq", *path.relative_to(ROOT).with_suffix("").parts)
            yield ".".join(parts).removesuffix(".__init__")


MODULES = tuple(with_examples())


def failures(module):
    # A user's session: float32, and JAX's usual promotions.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        found = doctest.testmod(module, optionflags=doctest.FAIL_FAST)
    assert found.attempted > 0
    return found.failed


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert failures(importlib.import_module(name)) == 0


def test_examples_stand_where_a_newcomer_looks():
    rooms = {name.partition("jaxseq.")[2].split(".")[0] for name in MODULES}
    assert rooms >= {"", "attention", "cells", "embedding", "gradcheck", "hopfield"}
    assert rooms >= {"losses", "summarize", "text", "unroll", "word2vec"}


def test_a_wrong_example_fails(capsys):
    module = type(jax)("made_up", "Adds.\n\n    >>> 1 + 1\n    3\n")
    assert failures(module) == 1
    assert "Expected:\n    3" in capsys.readouterr().out
