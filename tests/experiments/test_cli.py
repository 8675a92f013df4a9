"""Where results go: a folder and files, or one line and exit code 2."""

import os
import subprocess
import sys

import pytest

from experiments import cli


def test_result_file_refuses_a_folder_that_takes_no_file(tmp_path, capsys):
    assert cli.result_file(tmp_path, "a.json") == tmp_path / "a.json"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit) as stop:
        cli.result_file(tmp_path / "none", "a.json")
    assert stop.value.code == 2
    assert "a.json: No such file" in capsys.readouterr().err


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
