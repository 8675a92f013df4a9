"""The flag for the slow addition: set where it is needed, and nowhere else."""

import importlib.metadata
import importlib.util
import os

import pytest

from experiments import slow_addition


@pytest.fixture
def machine(monkeypatch):
    def has(jaxlib, plugins, flags=None):
        monkeypatch.setattr(importlib.metadata, "version", lambda name: jaxlib)
        found = lambda name: object() if name in plugins else None
        monkeypatch.setattr(importlib.util, "find_spec", found)
        if flags is None:
            monkeypatch.delenv("XLA_FLAGS", raising=False)
        else:
            monkeypatch.setenv("XLA_FLAGS", flags)

    return has


@pytest.mark.parametrize("jaxlib", ["0.10.2", "0.11.0"])
@pytest.mark.parametrize("plugin", ["jax_cuda12_plugin", "jax_cuda13_plugin"])
def test_slow_versions_on_a_gpu_get_the_flag(machine, jaxlib, plugin):
    machine(jaxlib, [plugin])
    assert slow_addition.avoid()
    assert os.environ["XLA_FLAGS"] == slow_addition.FLAG
    assert not slow_addition.avoid()
    assert os.environ["XLA_FLAGS"] == slow_addition.FLAG


def test_other_flags_stay(machine):
    machine("0.10.2", ["jax_cuda12_plugin"], "--xla_other=1")
    assert slow_addition.avoid()
    assert os.environ["XLA_FLAGS"] == f"--xla_other=1 {slow_addition.FLAG}"


@pytest.mark.parametrize(
    ("jaxlib", "plugins", "flags"),
    [
        ("0.11.2", ["jax_cuda13_plugin"], None),
        ("0.10.2", [], None),
        ("0.10.2", ["jax_cuda13_plugin"], "--xla_backend_extra_options=-mine"),
    ],
)
def test_where_it_is_not_needed_nothing_changes(machine, jaxlib, plugins, flags):
    machine(jaxlib, plugins, flags)
    assert not slow_addition.avoid()
    assert os.environ.get("XLA_FLAGS") == flags
