"""README.md: its examples run, and what it names exists."""

import contextlib
import io
import pathlib
import re

import jax

from jaxseq import gradcheck


README = pathlib.Path(__file__).parents[1] / "README.md"


def test_examples_run_in_order():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 10
    assert all(block.count("\n") <= 12 for block in blocks)
    names: dict = {}
    printed = io.StringIO()
    # A user's session: float32, and JAX's usual promotions.
    with (
        jax.enable_x64(False),
        jax.numpy_dtype_promotion("standard"),
        contextlib.redirect_stdout(printed),
    ):
        for block in blocks:
            exec(compile(block, str(README), "exec"), names)
    # What a line prints is its comment, but of a table.
    said = re.findall(r"^print\(.*\)  # (?!a row)(.*)$", "".join(blocks), re.MULTILINE)
    rows = gradcheck.table(names["report"]).splitlines()
    assert [r for r in printed.getvalue().splitlines() if r not in rows] == said
    assert len(said) == 9
    assert names["ys"].shape == (20, 4, 8)
    assert names["gradient"]["W"].shape == (8, 8)
    assert names["gradcheck"].passed(names["report"])


def test_links_lead_to_files():
    for link in re.findall(r"\]\(([^):]+)\)", README.read_text("utf-8")):
        assert (README.parent / link).is_file(), link
