"""The benchmark as a program: files, resuming, one line for each error."""

import errno
import json
import os

import jax
import pytest

from experiments.bench import (
    __main__ as program,
    machine,
    on_jax,
    records,
    rnn,
    rnn_config,
)
from experiments.bench.problem import Point
from experiments.bench.rnn_config import Config
from jaxseq import host_memory
from tests.experiments.bench.results_of import record


TINY = ["--batches", "2", "--hiddens", "4", "--steps", "3", "--peers", "jaxseq"]


@pytest.fixture
def commit(idle, monkeypatch):
    """A tree without changes."""
    cached = jax.config.jax_enable_compilation_cache
    found = {"commit": "abc", "is_changed": False}
    monkeypatch.setattr(machine, "commit", lambda: dict(found))
    yield found
    jax.config.update("jax_enable_compilation_cache", cached)


@pytest.fixture
def measured(commit, monkeypatch):
    """The points that were measured, by somebody quick."""
    points = []

    def quickly(point, *args):
        points.append(point)
        made = record({"jaxseq": 4.0, "flax-linen": 6.0}, point)
        return {k: v for k, v in made.items() if k not in ("machine", "commit")}

    monkeypatch.setattr(rnn, "measure", quickly)
    monkeypatch.setattr(rnn.plots, "draw", lambda folder, results: [])
    return points


def run(tmp_path, *args):
    program.main(["rnn", *args, "--out", str(tmp_path)])


def test_main_runs_a_real_point(tmp_path, commit, capsys):
    run(tmp_path, *TINY, "--cells", "elman")
    printed = capsys.readouterr()
    folder = tmp_path / "bench"
    names = {"rnn.jsonl", "rnn_time.png", "rnn_percent.png"}
    assert {path.name for path in folder.iterdir()} == names
    (line,) = (folder / "rnn.jsonl").read_text().splitlines()
    result = json.loads(line)
    assert result["point"] == Point("elman", 2, 4, 3, "float32")._asdict()
    assert result["commit"] == commit
    assert result["machine"]["versions"]["jax"] == jax.__version__
    assert result["contenders"]["jaxseq"]["backward"]["num_rounds"] == 20
    assert "1 of 1: elman, B 2, T 3, I = H 4, float32" in printed.err
    assert "1 points measured" in printed.out


def test_memory_is_kept_before_anything_is_computed(tmp_path, measured, monkeypatch):
    compiled, order = on_jax.compiled, []
    monkeypatch.setattr(
        on_jax, "compiled", lambda *args: order.append("compile") or compiled(*args)
    )
    monkeypatch.setattr(host_memory, "keep_freed", lambda: order.append("keep"))
    run(tmp_path, *TINY)
    assert order == ["keep", "compile"]


def test_resume_measures_what_is_missing(tmp_path, measured, capsys):
    sizes = ["--batches", "1", "8", "--cells", "lstm", "--peers", "flax-linen"]
    run(tmp_path, *sizes)
    assert len(measured) == 2
    run(tmp_path, *sizes, "--hiddens", "64", "128", "--resume")
    assert [point.hidden for point in measured[2:]] == [64, 64]
    assert capsys.readouterr().err.count("kept") == 2
    lines = (tmp_path / "bench" / "rnn.jsonl").read_text().splitlines()
    assert len(lines) == 4


def test_resume_measures_again_on_another_commit(tmp_path, measured, commit):
    sizes = ["--batches", "1", "--cells", "lstm", "--peers", "flax-linen", "--resume"]
    run(tmp_path, *sizes)
    run(tmp_path, *sizes)
    assert len(measured) == 1
    commit["commit"] = "def"
    run(tmp_path, *sizes)
    assert len(measured) == 2
    commit["is_changed"] = True
    run(tmp_path, *sizes)
    run(tmp_path, *sizes)
    assert len(measured) == 4


def test_resume_measures_again_by_other_limits(tmp_path, measured):
    sizes = ["--batches", "1", "--cells", "lstm", "--peers", "flax-linen", "--resume"]
    run(tmp_path, *sizes)
    run(tmp_path, *sizes, "--max-seconds", "9", "--max-error", "1e-3")
    assert len(measured) == 1
    run(tmp_path, *sizes, "--repetitions", "40")
    assert len(measured) == 2
    run(tmp_path, *sizes, "--max-error", "1e-9")
    assert len(measured) == 3


def test_without_resume_the_old_results_are_kept_aside(tmp_path, measured):
    run(tmp_path, "--cells", "lstm", "--batches", "1")
    before = (tmp_path / "bench" / "rnn.jsonl").read_text()
    run(tmp_path, "--cells", "gru", "--batches", "1")
    assert (tmp_path / "bench" / "rnn.old.jsonl").read_text() == before
    assert "gru" in (tmp_path / "bench" / "rnn.jsonl").read_text()


def test_interrupted_run_says_how_to_go_on(tmp_path, measured, monkeypatch, capsys):
    done = rnn.measure

    def interrupt(point, *args):
        if point.batch == 32:
            raise KeyboardInterrupt
        return done(point, *args)

    monkeypatch.setattr(rnn, "measure", interrupt)
    with pytest.raises(SystemExit) as stop:
        run(tmp_path, "--cells", "lstm")
    assert stop.value.code == 130
    assert "--resume" in capsys.readouterr().err
    assert len((tmp_path / "bench" / "rnn.jsonl").read_text().splitlines()) == 1


def test_grids_have_the_points_of_the_issue():
    quick, full = (rnn_config.points(Config(grid=grid)) for grid in ("quick", "full"))
    assert len(quick) == len(set(quick)) == 6
    assert len(full) == len(set(full)) == 3 * 4 * 5 * 3
    assert set(quick) <= set(full)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "rnn"),
        (["wrod2vec"], "wrod2vec"),
        (["rnn", "--grid", "huge"], "--grid"),
        (["rnn", "--cells", "lstn"], "--cells"),
        (["rnn", "--batches", "0"], "--batches: expected numbers of 1 or more, got 0"),
        (["rnn", "--repetitions", "19"], "--repetitions: expected 20 or more, got 19"),
        (["rnn", "--peers", "mxnet"], "--peers: expected some of jaxseq, "),
        (["rnn", "--max-seconds", "-1"], "--max-seconds: expected a number above 0"),
        (["rnn", "--max-error", "nan"], "--max-error: expected a number above 0"),
        (["rnn", "--options", "fast"], "--options: expected NAME=VALUE, got fast"),
        (["rnn", "--cpu-devices", "0"], "--cpu-devices: expected 1 or more, got 0"),
    ],
)
def test_main_refuses_in_one_line(args, message, capsys):
    with pytest.raises(SystemExit) as stop:
        program.main(args)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_options_are_shown_and_kept(tmp_path, measured, capsys):
    option = "xla_cpu_prefer_vector_width=512"
    run(tmp_path, *TINY, "--cells", "elman", "--options", option)
    assert option in capsys.readouterr().out
    (line,) = (tmp_path / "bench" / "rnn.jsonl").read_text().splitlines()
    kept = json.loads(line)["machine"]["compiler_options"]
    assert kept == {"xla_cpu_prefer_vector_width": "512"}


@pytest.mark.parametrize(
    "option", ["xla_no_such_option=1", "xla_cpu_prefer_vector_width=wide"]
)
def test_main_refuses_options_that_xla_does_not_know(tmp_path, commit, capsys, option):
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "rnn.jsonl").write_text("{}\n")
    with pytest.raises(SystemExit) as stop:
        run(tmp_path, *TINY, "--options", option)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --options: ")
    assert option.partition("=")[0] in error
    assert error.count("\n") == 1
    # What was there before has not been put aside.
    assert [path.name for path in (tmp_path / "bench").iterdir()] == ["rnn.jsonl"]


@pytest.mark.parametrize("name", ["rnn.jsonl", "rnn.old.jsonl", "rnn_time.png"])
def test_main_refuses_a_folder_in_a_files_place(tmp_path, measured, capsys, name):
    (tmp_path / "bench" / name).mkdir(parents=True)
    with pytest.raises(SystemExit) as stop:
        run(tmp_path, *TINY)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert f"cannot write {tmp_path / 'bench' / name}: it is a folder" in error
    assert error.count("\n") == 1
    assert measured == []


def test_main_says_in_one_line_that_the_disk_is_full(
    tmp_path, measured, monkeypatch, capsys
):
    def full(path, write):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(records.results, "replace", full)
    with pytest.raises(SystemExit) as stop:
        run(tmp_path, *TINY, "--cells", "lstm")
    assert stop.value.code == 2
    *_, error = capsys.readouterr().err.splitlines()
    path = tmp_path / "bench" / "rnn.jsonl"
    assert error == f"error: cannot write {path}: No space left on device"


def test_main_refuses_a_file_that_holds_no_results(tmp_path, commit, capsys):
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "rnn.jsonl").write_text("hello\n")
    with pytest.raises(SystemExit) as stop:
        run(tmp_path, "--resume")
    assert stop.value.code == 2
    assert "not a file of results" in capsys.readouterr().err
