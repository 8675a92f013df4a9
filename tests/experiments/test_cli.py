"""Command lines: a record in, or one line and exit code 2."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import cli


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
    assert cli.parse(Config, []) == Config()
    assert cli.parse(Config, ["--num-steps", "7", "--out", "a b"]) == Config(
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
        cli.parse(Config, args)
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err


def test_result_file_refuses_a_folder_that_takes_no_file(tmp_path, capsys):
    assert cli.result_file(tmp_path, "a.json") == tmp_path / "a.json"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit) as stop:
        cli.result_file(tmp_path / "none", "a.json")
    assert stop.value.code == 2
    assert "a.json: No such file" in capsys.readouterr().err


def test_parse_prints_help_and_ends_well(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.parse(Config, ["--help"])
    assert stop.value.code == 0
    assert "How many steps." in capsys.readouterr().out


def test_results_folder_makes_and_keeps_it(tmp_path):
    folder = cli.results_folder(tmp_path / "new", "task")
    assert folder == tmp_path / "new" / "task"
    (folder / "kept").touch()
    assert cli.results_folder(tmp_path / "new", "task") == folder
    assert (folder / "kept").exists()


def test_results_folder_is_rid_of_what_killed_programs_began(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass  # it has ended, and its number is nobody's
    folder = cli.results_folder(tmp_path, "task")
    dead, own = (
        folder / f".a.npz.{number}.part" for number in (process.pid, os.getpid())
    )
    other = folder / ".name.part"
    for path in (dead, own, other):
        path.touch()
    cli.results_folder(tmp_path, "task")
    assert [path.exists() for path in (dead, own, other)] == [False, True, True]


def test_results_folder_refuses_a_file_in_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as stop:
        cli.results_folder(tmp_path / "file", "task")
    assert stop.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"error: --out {tmp_path / 'file'}: cannot make")
    assert printed.count("\n") == 1
