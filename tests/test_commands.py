"""Command lines: a record in, help that teaches, or one line and exit code 2."""

import dataclasses
import re
import sys
from pathlib import Path

import pytest

from experiments import cli
from jaxseq import commands
from jaxseq.__main__ import load


ABOUT = """First line.

Words that go on for longer than a line of sixty columns, and are laid out anew for it.

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
    """How many steps."""

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
        (["--num-steps", "three"], "'three'"),
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


def test_help_is_the_docstring_as_it_was_called(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")

    def helped():
        with pytest.raises(SystemExit) as stop:
            commands.parse(Config, ["--help"], ABOUT)
        assert stop.value.code == 0
        return capsys.readouterr().out

    plain = helped()
    assert "How many steps." in plain
    assert "python -m experiments.language_model --cell gru         as it is" in plain
    assert "Words that go on for longer than a line of sixty columns,\nand are" in plain
    monkeypatch.setattr(sys, "argv", ["jaxseq lm"])
    ours = helped()
    assert "usage: jaxseq lm " in ours
    assert "\n    jaxseq lm --cell gru         as it is\n" in ours
    assert "python -m experiments.language_model_of_mine" in ours
    assert "jaxseq hopfield; jaxseq classics\n" in ours


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
