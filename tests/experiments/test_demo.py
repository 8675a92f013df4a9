"""The demonstration: all parts run, and one that fails shows in the exit code."""

import sys

import pytest

from experiments import (
    demo,
    gradient_check,
    language_model,
    lecture,
    report,
    summarize,
    word2vec,
)
from experiments.data import debian


@pytest.fixture
def calls(monkeypatch):
    made = []
    for name, module, part in (
        ("lecture", lecture, "main"),
        ("check", gradient_check, "main"),
        ("model", language_model, "run"),
        ("vectors", word2vec, "main"),
        ("summaries", summarize, "main"),
        ("report", report, "main"),
    ):
        monkeypatch.setattr(module, part, lambda arg, n=name: made.append((n, arg)))
    return made


def test_main_runs_every_part_into_one_folder(calls, tmp_path, capsys):
    demo.main(["--out", str(tmp_path)])
    names, (*others, config, vectors, small, pages) = zip(*calls, strict=True)
    assert names == ("lecture", "check", "model", "vectors", "summaries", "report")
    assert all(each == ["--out", str(tmp_path)] for each in (*others, vectors, pages))
    assert small == [*demo.SMALL, "--out", str(tmp_path)]
    assert config.out == tmp_path
    assert config.cell == "lstm"
    assert "=== the gradient check ===" in capsys.readouterr().out


def test_main_names_what_an_installed_jaxseq_has_no_texts_for(
    calls, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(debian, "path", lambda: tmp_path / "debian.jsonl.xz")
    demo.main(["--out", str(tmp_path)])
    assert [name for name, _ in calls] == ["lecture", "check", "report"]
    said = "the language model, word vectors, summaries are left out: their Debian"
    assert capsys.readouterr().out.startswith(said)


def test_main_refuses_a_file_before_anything_runs(calls, tmp_path, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as stop:
        demo.main(["--out", str(tmp_path / "file")])
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"error: --out {tmp_path / 'file'}: cannot make")
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert calls == []


def fail_by_code(_):
    return 1


def fail_by_exit(_):
    sys.exit("error: it went wrong")


def fail_by_error(_):
    raise RuntimeError("it went wrong")


@pytest.mark.parametrize("failure", [fail_by_code, fail_by_exit, fail_by_error])
def test_main_goes_on_but_fails_if_a_part_fails(
    calls, failure, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(gradient_check, "main", failure)
    with pytest.raises(SystemExit) as stop:
        demo.main(["--out", str(tmp_path)])
    assert stop.value.code == "failed: the gradient check"
    assert [name for name, _ in calls] == [
        *("lecture", "model", "vectors", "summaries", "report")
    ]
    assert ("it went wrong" in capsys.readouterr().err) == (failure != fail_by_code)


@pytest.mark.parametrize(
    "stop", [KeyboardInterrupt(), *map(SystemExit, (129, 130, 143))], ids=repr
)
def test_main_ends_at_once_when_interrupted(calls, stop, tmp_path, monkeypatch):
    def interrupt(_):
        raise stop

    monkeypatch.setattr(gradient_check, "main", interrupt)
    with pytest.raises(SystemExit) as end:
        demo.main(["--out", str(tmp_path)])
    assert end.value.code == (getattr(stop, "code", None) or 130)
    assert [name for name, _ in calls] == ["lecture"]
