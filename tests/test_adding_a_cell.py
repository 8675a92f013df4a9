"""docs/adding_a_cell.md: its code runs, is short, and its gradient check can fail."""

import pathlib
import re

import jax
import pytest

from jaxseq import gradcheck
from tests import docstrings


PAGE = pathlib.Path(__file__).parents[1] / "docs" / "adding_a_cell.md"
TEXT = PAGE.read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def run(blocks):
    names: dict = {}
    # A user's session: float32, and JAX's usual promotions.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
    return names


def test_page_runs_and_the_cell_is_short():
    assert len(BLOCKS) == 3
    assert sum(bool(line) for line in BLOCKS[0].splitlines()) < 40
    names = run(BLOCKS)
    assert names["ys"].shape == (20, 4, 8)
    assert names["gradient"].W.shape == (16, 8)
    assert gradcheck.passed(names["report"])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("(1 - c_t**2)  # (4)", "(1 + c_t**2)  # (4)"), ("f * trace", "trace")],
    ids=["delta", "collect"],
)
def test_a_wrong_line_fails_the_check(right, wrong):
    assert BLOCKS[0].count(right) == 1
    names = run([BLOCKS[0].replace(right, wrong)])
    assert not gradcheck.passed(gradcheck.check_cell(names["mgu"], num_steps=2))


def test_equations_and_code_carry_the_same_numbers():
    equations = TEXT.partition("## 2.")[0]
    module = f'"""A cell.\n\n{equations}"""\n{BLOCKS[0]}'
    assert docstrings.equations(module) == ([], [])
    assert docstrings.has_reference(equations, others={})


def test_lines_of_the_page_name_what_is_there():
    root = PAGE.parents[1]
    for name in re.findall(r"`((?:tests|jaxseq)/[\w/]+\.py)`", TEXT):
        assert (root / name).exists() or name == "jaxseq/cells/mgu.py", name
