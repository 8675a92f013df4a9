"""What a training is of, and by which software: what a checkpoint says beside arrays.

The settings decide whether a checkpoint may be gone on from; the software is for
whoever asks later how the numbers came about.
"""

import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxseq.checks import expect


_PACKAGES = ("jaxseq", "jax", "jaxlib", "numpy", "optax", "orbax-checkpoint")
_REPOSITORY = Path(__file__).parents[2]


def software() -> dict[str, str]:
    """Returns versions by package, Python's, and the git commit where there is one."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    if commit := _commit():
        found["commit"] = commit
    return found


def plain(argument: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a mapping as JSON gives it back: lists for tuples, texts for keys.

    Args:
        argument: its name, for errors.
        mapping: what JSON can hold.

    Raises:
        ValueError: naming the argument, if JSON cannot hold it.
    """
    expected, is_mapping = "a mapping that JSON holds", isinstance(mapping, Mapping)
    expect(is_mapping, argument, expected, type(mapping).__name__)
    try:
        text = json.dumps(dict(mapping), allow_nan=False)
        return json.loads(text, object_pairs_hook=_all)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{argument}: expected {expected}, got {error}") from None


def _all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # 1 and "1" are one name
        raise ValueError(f"one name twice: {', '.join(name for name, _ in pairs)}")
    return found


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Returns the names of the settings that are not the same, sorted.

    Args:
        found: settings by name.
        wanted: likewise.
    """
    names = sorted(found.keys() | wanted.keys())
    return [name for name in names if _of(found, name) != _of(wanted, name)]


def _of(settings: Mapping[str, Any], name: str) -> tuple:
    # A setting that is None is not one that is missing.
    return (settings[name],) if name in settings else ()


def _commit() -> str:
    # Installed elsewhere, the package could lie in a repository of somebody else.
    if not (_REPOSITORY / ".git").exists():
        return ""
    command = ["git", "-C", str(_REPOSITORY), "rev-parse", "HEAD"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""
