"""The command line: every command is there, and errors are one line."""

import importlib.util
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from jaxseq import __main__ as command_line


def test_usage_lists_every_command(capsys):
    for args in ([], ["--help"], ["-h"]):
        assert command_line.main(args) == 0
        listed = capsys.readouterr().out
        assert max(map(len, listed.splitlines())) <= 88
        assert all(f"  {name} " in listed for name in command_line.COMMANDS)


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_commands_are_modules_with_a_main(name):
    module = command_line.COMMANDS[name].module
    package = "experiments" if module.startswith(".") else None
    spec = importlib.util.find_spec(module, package)
    assert spec is not None
    assert spec.origin is not None
    with open(spec.origin, encoding="utf-8") as source:
        assert "\ndef main(" in source.read()


def test_help_is_of_the_command(capsys):
    with pytest.raises(SystemExit) as stop:
        command_line.main(["lecture", "--help"])
    assert stop.value.code == 0
    assert "jaxseq lecture" in capsys.readouterr().out


def test_help_before_the_command_is_of_it_too(capsys):
    with pytest.raises(SystemExit) as stop:
        command_line.main(["help", "lecture"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("usage: jaxseq lecture ")
    assert command_line.main(["help", "lectures"]) == 2
    assert "got 'lectures'" in capsys.readouterr().err


def test_version_is_that_of_the_package(capsys):
    assert command_line.main(["--version"]) == 0
    project = Path(command_line.__file__).parents[1] / "pyproject.toml"
    version = tomllib.loads(project.read_text("utf-8"))["project"]["version"]
    assert capsys.readouterr().out == f"jaxseq {version}\n"


def test_an_unknown_command_is_named(capsys):
    assert command_line.main(["lectures"]) == 2
    error = capsys.readouterr().err
    assert "got 'lectures'" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (RuntimeError("two\nlines"), 1, "error: RuntimeError: two lines (jaxseq"),
        (KeyboardInterrupt(), 130, "stopped by the keyboard"),
    ],
)
def test_errors_are_one_line(raised, status, said, capsys, monkeypatch):
    class Broken:
        @staticmethod
        def main(args):
            raise raised

    monkeypatch.setattr(command_line, "load", lambda module: Broken)
    assert command_line.main(["lm"]) == status
    error = capsys.readouterr().err
    assert error.startswith(said)
    assert error.count("\n") == 1


@pytest.mark.parametrize("args", [["--debug", "lm"], ["lm", "--debug"]])
def test_debug_shows_the_traceback(monkeypatch, args):
    class Broken:
        @staticmethod
        def main(args):
            raise RuntimeError("here")

    monkeypatch.setattr(command_line, "load", lambda module: Broken)
    with pytest.raises(RuntimeError, match="here"):
        command_line.main(args)


@pytest.mark.parametrize("flags", [[], ["--debug"]])
@pytest.mark.parametrize(
    ("args", "raised"),
    [
        (["lecture", "--out", "file"], "NotADirectoryError"),
        (["explain", "--out", "file"], "FileExistsError"),
        (["gradcheck", "nowhere:cell"], "ModuleNotFoundError"),
        (["rouge", "nowhere", "nowhere"], "CorpusError"),
    ],
)
def test_debug_shows_where_a_user_s_error_arose_too(
    flags, args, raised, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(SystemExit) as stop:
        command_line.main([*flags, *args])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert (raised in said) == bool(flags)
    with pytest.raises(SystemExit):
        command_line.main([*flags, "lecture", "--help"])
    assert capsys.readouterr().err == ""


INTERRUPTED = """
import signal, sys
# A shell's background jobs, and so the tests, may have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
from jaxseq import __main__ as command_line

class Broken:
    def find_spec(self, name, path, target=None):
        if name == "experiments.lecture":
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raise ImportError("an extension module failed") from None

sys.meta_path.insert(0, Broken())
sys.argv = ["jaxseq", "lecture"]
sys.exit(command_line.main())
"""


def test_ctrl_c_while_modules_are_imported_is_one_line():
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (130, "stopped by the keyboard\n")


@pytest.mark.skipif(os.name != "posix", reason="no such shell here")
def test_a_closed_output_is_no_error(tmp_path):
    run = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", sys.executable, "-m", "jaxseq", "explain"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "explain.html").stat().st_size > 10_000


def test_gradcheck_of_a_module_wants_the_cell_too(capsys):
    with pytest.raises(SystemExit) as stop:
        command_line.main(["gradcheck", "jaxseq.cells.lstm"])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said == "error: cell: expected MODULE:CELL, got jaxseq.cells.lstm\n"


def test_gradcheck_takes_a_cell_of_ones_own(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from jaxseq.cells import elman\nright = elman.one_step\n", "utf-8"
    )
    run = subprocess.run(
        [sys.executable, "-m", "jaxseq", "gradcheck", "mine:missing"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "expected missing in mine" in run.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="no such signal here")
@pytest.mark.parametrize("module", ["jaxseq", "experiments.lecture"])
def test_a_reader_that_has_seen_enough_ends_it_in_silence(module, tmp_path):
    command = ["lecture"] if module == "jaxseq" else []
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run(
        [sys.executable, "-m", module, *command, "--out", str(tmp_path)],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert run.stderr == ""
    assert run.returncode == -signal.SIGPIPE
