"""Command lines: a record in, help that teaches, or one line and exit code 2."""

import dataclasses
import io
import os
import re
import sys
from pathlib import Path

import pytest
import tyro

from experiments import cli
from jaxseq import commands
from jaxseq.__main__ import load


ABOUT = """First line.

Words that go on for longer than a line of sixty columns, and are laid out anew for it.

1. A number keeps its line, and what goes on for longer than it does hangs
below its words.
2. `python -m
experiments.neighbours` is one program on two lines.

    python -m experiments.language_model --cell gru         as it is
    python -m experiments.language_model_of_mine
    python -m experiments.classics.hopfield_picture; python -m experiments.classics
"""


@dataclasses.dataclass(frozen=True)
class Config:
    """An experiment."""

    out: Path = Path("out")
    """Folder of the results."""
    num_steps: int = 3
    """How many steps, of which there have to be one or more, as many as you like."""

    def __post_init__(self):
        cli.expect(self.num_steps >= 1, "num_steps", "1 or more", self.num_steps)


def test_parse_fills_the_record():
    assert commands.parse(Config, [], None) == Config()
    assert commands.parse(Config, ["--num-steps", "7", "--out", "a b"], "") == Config(
        Path("a b"), 7
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--nope", "3"], "--nope"),
        (["--num-stps", "3"], "--num-stps"),
        (["--num-steps", "three"], "error: --num-steps: invalid literal"),
        (["--num-steps"], "--num-steps"),
        (["extra"], "extra"),
        (["--num-steps", "0"], "error: --num-steps: expected 1 or more, got 0"),
    ],
)
def test_parse_refuses_in_one_line(args, message, capsys):
    with pytest.raises(SystemExit) as stop:
        commands.parse(Config, args, None)
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err


@dataclasses.dataclass(frozen=True)
class Required:
    """An experiment that cannot guess."""

    path: tyro.conf.Positional[Path]
    """The file."""
    words: tuple[str, ...]
    """What is looked for."""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_what_is_missing_is_named_whatever_the_terminal_draws(
    encoding, capsys, monkeypatch
):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    with pytest.raises(SystemExit):
        commands.parse(Required, [], None)
    said = "error: missing: PATH, --words [STR [STR ...]] (--help says more)\n"
    assert capsys.readouterr().err == said
    with pytest.raises(SystemExit):
        commands.parse(Config, ["--num-step", "1"], None)
    assert capsys.readouterr().err == "error: Unrecognized options: --num-step, 1\n"


def test_help_is_the_docstring_as_it_was_called(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")

    def helped():
        with pytest.raises(SystemExit) as stop:
            commands.parse(Config, ["--help"], ABOUT)
        assert stop.value.code == 0
        return capsys.readouterr().out

    plain = helped()
    assert "How many steps, of which" in plain
    assert "python -m experiments.language_model --cell gru         as it is" in plain
    assert "Words that go on for longer than a line of sixty columns,\nand are" in plain
    assert (
        "\n\n1. A number keeps its line, and what goes on for longer\n   than" in plain
    )
    assert "\n2. `python -m experiments.neighbours` is" in plain
    monkeypatch.setattr(sys, "argv", ["jaxseq lm"])
    ours = helped()
    assert "usage: jaxseq lm " in ours
    assert "\n    jaxseq lm --cell gru         as it is\n" in ours
    assert "python -m experiments.language_model_of_mine" in ours
    assert "jaxseq hopfield; jaxseq classics\n" in ours
    assert "\n2. `jaxseq neighbours` is" in ours


@pytest.mark.parametrize("columns", ["1", "20"])
def test_help_of_a_narrow_terminal_can_be_read(columns, capsys, monkeypatch):
    def helped(columns):
        monkeypatch.setenv("COLUMNS", columns)
        with pytest.raises(SystemExit):
            commands.parse(Config, ["--help"], ABOUT)
        assert os.environ["COLUMNS"] == columns
        return capsys.readouterr().out

    assert helped(columns) == helped("60")


README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_help_shows_examples_and_no_example_has_an_option_that_is_none(
    name, capsys, monkeypatch
):
    monkeypatch.setattr(sys, "argv", [f"jaxseq {name}"])
    monkeypatch.setenv("COLUMNS", "80")
    main = load(commands.COMMANDS[name].module).main
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: jaxseq {name} ")
    about, _, options = text.partition(" options ")
    assert max(map(len, about.splitlines())) <= 88
    assert re.search(rf"^    jaxseq {name}\b", about, re.MULTILINE)
    examples = re.findall(rf"jaxseq {name}\b[^`#\n]*", about + README)
    for option in re.findall(r"--[a-z-]+", " ".join(examples)):
        assert name == "bench" or option in options, option


def test_readme_names_commands_that_there_are():
    named = set(re.findall(r"(?:^    |`)jaxseq ([a-z0-9]+)", README, re.MULTILINE))
    assert {"lecture", "lm", "summarize", "rouge"} < named
    assert named <= set(commands.COMMANDS)
