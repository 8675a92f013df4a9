"""The summarizer's benchmark: PyTorch's loss is jaxseq's; what a run measures."""

import importlib.util
import json

import jax
import numpy as np
import pytest

from experiments.bench import (
    __main__ as bench,
    summarize,
    summarize_peers,
    summarize_report,
)
from experiments.bench.summarize_peers import Contender, Task, Trainer
from jaxseq.cells import lstm_linear
from jaxseq.summarize import (
    abs_encoders,
    abs_model,
    batches,
    copy_model,
    ras_encoder,
    ras_model,
)
from jaxseq.summarize.examples import Document, Example
from jaxseq.summarize.training import Setting
from jaxseq.text.vocab import EOS, UNK


NUM_IDS = 9
MODELS = {
    "copy": copy_model.model(NUM_IDS, 4, 5),
    "abs": abs_model.model(abs_encoders.attentive(4), NUM_IDS, 4, 5, 3),
    "ras_lstm": ras_model.model(
        lstm_linear.cell(), ras_encoder.convolution(6), NUM_IDS, 4, 5
    ),
}
SETTING = Setting(batch_size=4, learning_rate=0.05, dropout=0.0, num_shards=2)


def example(ids, targets):
    outside = tuple(f"new{n}" for n in range(max(ids) - NUM_IDS + 1))
    return Example(
        Document(np.array(ids, np.int32), outside), np.array(targets, np.int32)
    )


# Written, copied, copied twice, outside and copied, in neither; other lengths each.
PARTS = [
    [example([4, 9, 7, 9], [4, 9, 8, EOS]), example([5], [5, EOS])],
    [example([6, 7], [UNK, EOS]), example([9, 10, 4], [10, EOS])],
]
ALL = [each for part in PARTS for each in part]


def make_task(architecture):
    model = MODELS[architecture]
    params, shape = model.init(jax.random.key(0)), batches.Shape(4, 4, 8)
    return Task(architecture, model, params, PARTS, shape, 1, SETTING, 1)


def answer_of(task):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        with jax.enable_x64(False):
            return summarize_peers.answer(task)


@pytest.mark.parametrize("architecture", MODELS)
def test_pytorch_has_the_same_loss_and_gradients(architecture):
    pytest.importorskip("torch", reason="not in the lock: make bench installs it")
    task = make_task(architecture)
    eager = summarize_peers.EAGER[architecture](task.params, ALL, SETTING)
    off = summarize_peers.errors(eager.answer(), answer_of(task))
    assert len(off) == 1 + len(jax.tree.leaves(task.params))
    assert max(off.values()) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("architecture", MODELS)
def test_pytorch_takes_the_same_steps(architecture):
    """Adam, clipping and all: the losses along the way are those of jaxseq."""
    pytest.importorskip("torch", reason="not in the lock: make bench installs it")
    setting = SETTING._replace(clip_norm=0.5)
    task = make_task(architecture)._replace(setting=setting)
    eager = summarize_peers.EAGER[architecture](task.params, ALL, setting)
    trainer = summarize_peers._jaxseq(1, task)
    theirs = [eager.update() for _ in range(4)]
    assert theirs[0] == pytest.approx(answer_of(task)[0], rel=1e-5)
    # The first update of jaxseq's was to compile.
    ours = [trainer.update() for _ in range(3)]
    np.testing.assert_allclose(ours, theirs[1:], rtol=1e-4)
    assert trainer.compile_seconds


def test_errors_are_relative_to_the_largest_number_of_an_array():
    off = summarize_peers.errors({"a": [1.0, 2.2]}, {"a": [1.0, 2.0]})
    assert list(off.values()) == pytest.approx([0.0, 0.1])


def entry(median, **more):
    return {"lower": median, "median": median, "upper": median, **more}


def test_measure_names_who_is_missing_fails_or_is_wrong(monkeypatch):
    task = make_task("copy")
    wanted = answer_of(task)
    monkeypatch.setattr(summarize, "answer", lambda task: wanted)

    def fail(task):
        raise RuntimeError(f"no {task.architecture}\nat all")

    loss, gradients = wanted
    wrong = loss, jax.tree.map(lambda leaf: leaf * 1.01, gradients)
    # One NaN, in the last leaf of all.
    leaves, tree = jax.tree.flatten(gradients)
    unknown = loss, tree.unflatten([*leaves[:-1], leaves[-1] * np.nan])
    nothing_missing = lambda task: None
    contenders = {
        "jaxseq, 1 device": Contender(
            nothing_missing, lambda task: Trainer(lambda: 1.0, 0.25)
        ),
        "absent": Contender(lambda task: "not installed", fail),
        "broken": Contender(nothing_missing, fail),
        "wrong": Contender(
            nothing_missing, lambda task: Trainer(lambda: 1.0, None, lambda: wrong)
        ),
        "nan": Contender(
            nothing_missing, lambda task: Trainer(lambda: 1.0, None, lambda: unknown)
        ),
        "torch": Contender(
            nothing_missing, lambda task: Trainer(lambda: 1.0, None, lambda: wanted)
        ),
    }
    shape = json.loads(json.dumps(summarize.measure(task, contenders, 20)))
    entries = shape["contenders"]
    assert entries["absent"] == {"missing": "not installed"}
    assert entries["broken"] == {"failed": "RuntimeError: no copy"}
    assert "off by 1.0e-02" in entries["wrong"]["wrong"]
    assert "off by nan" in entries["nan"]["wrong"]
    assert "median" not in entries["wrong"]
    assert entries["torch"]["num_rounds"] == 20
    assert shape["num_pairs"] == 4
    printed = summarize_report.table(shape)
    for line in ("absent: missing: not installed", "broken: failed: Runtime", "torch"):
        assert line in printed


def test_goals_are_judged():
    def record(torch, num_different=0, seconds=4.0, trained="jaxseq, 2 devices"):
        entries = {
            "jaxseq, 1 device": entry(0.5),
            "jaxseq, 2 devices": entry(0.25),
            "torch": torch,
        }
        return {
            "busy": False,
            "shapes": [{"as_trained": trained, "contenders": entries}] * 4,
            "search": {
                "num_summaries": 1500,
                "first_seconds": 9.0,
                "seconds": seconds,
                "beam_size": 5,
                "num_one_by_one": 10,
                "num_different": num_different,
            },
        }

    def judged(*args, **more):
        found = summarize_report.judge(record(*args, **more))
        return [goal.is_reached for goal in found]

    assert judged(entry(0.3)) == [True] * 4
    # 0.29 / 0.25 is 1.16, whatever one device takes.
    assert judged(entry(0.29)) == [False, True, True, True]
    # 0.59 / 0.5 and 0.61 / 0.5, whatever two take.
    one = {"trained": "jaxseq, 1 device"}
    assert [judged(entry(time), **one)[0] for time in (0.59, 0.61)] == [False, True]
    assert judged(entry(0.3), trained="jaxseq, 3 devices")[0] is None
    assert judged({"missing": "not installed"}) == [None, True, True, True]
    assert judged(entry(1.0), num_different=1, seconds=6.0)[2:] == [False, False]
    printed = summarize_report.summary(record(entry(0.3)))
    assert "reached  beam 5: at least 300 summaries/s: 375" in printed


@pytest.mark.slow
def test_a_run_writes_a_line(tmp_path, capsys):
    path = tmp_path / "pairs.tsv"
    lines = [f"the cat no{n} sat on a mat\tcat no{n}\n" for n in range(120)]
    path.write_text("".join(lines), "utf-8")
    sizes = ["--batch-size", "8", "--num-inputs", "4", "--num-hidden", "5"]
    args = ["summarize", "--pairs", str(path), "--out", str(tmp_path), *sizes]
    bench.main([*args, "--num-one-by-one", "2"])
    (line,) = (tmp_path / "bench/summarize.jsonl").read_text("utf-8").splitlines()
    record = json.loads(line)
    assert record["search"]["num_summaries"] == 4
    timed = {"jaxseq, 1 device", "jaxseq, 2 devices"}
    if importlib.util.find_spec("torch"):
        timed.add("torch")
    for shape in record["shapes"]:
        assert timed == {
            name for name, entry in shape["contenders"].items() if "median" in entry
        }
    assert "Goals" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--repetitions", "19"), "--repetitions: expected 20 or more, got 19"),
        (("--num-one-by-one", "0"), "--num-one-by-one: expected 1 or more"),
        (("--batch-size", "3"), "--batch-size: expected a multiple"),
        (("--pairs", "/missing.tsv"), "missing.tsv"),
    ],
)
def test_refusals_take_one_line(tmp_path, capsys, options, named):
    with pytest.raises(SystemExit, match="2"):
        bench.main(["summarize", "--out", str(tmp_path), *options])
    assert named in capsys.readouterr().err.splitlines()[-1]
