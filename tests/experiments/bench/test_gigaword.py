"""A summarizer's training on drawn ids: what is drawn, and what a run reports."""

import json

import numpy as np
import pytest

from experiments.bench import __main__ as bench, gigaword
from experiments.bench.gigaword import DOCUMENTS, NUM_SPECIAL, SUMMARIES, Config
from jaxseq.text.vocab import EOS


def test_lengths_and_ids_are_those_that_are_said():
    config = Config(num_ids=1000, num_pairs=5000)
    drawn = gigaword.draw(config)
    assert len(drawn) == 5000
    texts = {
        DOCUMENTS: [each.document.ids for each in drawn],
        SUMMARIES: [each.targets[:-1] for each in drawn],
    }
    assert all(each.targets[-1] == EOS for each in drawn)
    for lengths, ids in texts.items():
        found = np.array(list(map(len, ids)))
        assert found.min() == lengths.least
        assert found.max() == lengths.most
        assert found.mean() == pytest.approx(lengths.mean, abs=0.3)
        counts = np.bincount(np.concatenate(ids), minlength=1000)
        assert counts[:NUM_SPECIAL].sum() == 0
        assert len(counts) == 1000
        # Twice as far down, half as often.
        first = counts[NUM_SPECIAL]
        assert counts[NUM_SPECIAL + 1] / first == pytest.approx(1 / 2, abs=0.05)
        assert counts[NUM_SPECIAL + 3] / first == pytest.approx(1 / 4, abs=0.05)


def test_the_same_seed_draws_the_same():
    one, same, other = (
        gigaword.draw(Config(num_pairs=3, seed=seed)) for seed in (1, 1, 2)
    )
    for mine, again in zip(one, same, strict=True):
        np.testing.assert_array_equal(mine.document.ids, again.document.ids)
        np.testing.assert_array_equal(mine.targets, again.targets)
    assert any(
        not np.array_equal(mine.targets, another.targets)
        for mine, another in zip(one, other, strict=True)
    )


def test_the_summary_weighs_shapes_by_their_batches():
    def shape(num_batches, median, num_flops):
        contenders = {"jaxseq, 1 device": {"median": median}}
        return {
            "num_batches": num_batches,
            "num_flops": num_flops,
            "contenders": contenders,
        }

    record = {
        "busy": False,
        "gemm": {"jax": 100.0},
        "config": {"architecture": "abs", "num_ids": 69_000, "num_pairs": 1000},
        # 3 x 1 s and 1 x 2 s: 5 s, 200 pairs a second; 250 of 500 GFLOP.
        "shapes": [shape(3, 1.0, 50e9), shape(1, 2.0, 100e9)],
    }
    lines = gigaword.summary(record).splitlines()
    ends = [line.split()[-1] for line in lines if line.split()]
    assert ends[-4:] == ["200", "317", "50", "50%"]
    assert "busy" not in lines[1]
    record["busy"] = True
    assert "busy machine: not to be trusted" in gigaword.summary(record)
    del record["shapes"][0]["contenders"]["jaxseq, 1 device"]["median"]
    assert "not every shape" in gigaword.summary(record)


@pytest.mark.parametrize("architecture", ["abs", "ras_lstm"])
@pytest.mark.slow
def test_a_run_writes_a_line(tmp_path, idle, capsys, architecture):
    sizes = ["--num-ids", "50", "--num-inputs", "4", "--num-hidden", "5"]
    few = ["--num-pairs", "64", "--batch-size", "8", "--architecture", architecture]
    bench.main(["gigaword", *sizes, *few, "--out", str(tmp_path)])
    (line,) = (tmp_path / "bench/gigaword.jsonl").read_text("utf-8").splitlines()
    record = json.loads(line)
    assert sum(shape["num_batches"] for shape in record["shapes"]) >= 64 / 8
    for shape in record["shapes"]:
        assert shape["contenders"]["jaxseq, 1 device"]["num_rounds"] == 20
        # Of the output layer alone, forward and backward: N (D + H) V.
        assert shape["num_flops"] > 3 * 2 * shape["num_packed"] * (4 + 5) * 50
    printed = capsys.readouterr().out
    assert "pairs a second" in printed
    assert "3,800,000" in printed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--repetitions", "19"), "--repetitions: expected 20 or more, got 19"),
        (("--num-ids", "4"), "--num-ids: expected 5 or more, got 4"),
        (("--num-pairs", "0"), "--num-pairs: expected 1 or more, got 0"),
        (("--seed", "-1"), "--seed: expected 0 or more, got -1"),
        (("--num-hidden", "0"), "--num-hidden: expected 1 or more, got 0"),
    ],
)
def test_refusals_take_one_line(tmp_path, capsys, options, named):
    with pytest.raises(SystemExit, match="2"):
        bench.main(["gigaword", "--out", str(tmp_path), *options])
    assert named in capsys.readouterr().err.splitlines()[-1]


def test_a_folder_in_the_place_of_the_file_is_named_before_the_work(tmp_path, capsys):
    (tmp_path / "bench/gigaword.jsonl").mkdir(parents=True)
    with pytest.raises(SystemExit, match="2"):
        bench.main(["gigaword", "--out", str(tmp_path)])
    assert "gigaword.jsonl: it is a folder" in capsys.readouterr().err
