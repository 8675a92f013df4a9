"""The summarizers' perplexities side by side: trained once, kept, judged by seed."""

import json
import re

import jax
import pytest

from experiments import summarize_perplexity


TINY = [
    *("--num-inputs", "4", "--num-hidden", "5", "--batch-size", "16"),
    *("--num-epochs", "2", "--learning-rate", "0.02", "--num-shards", "1"),
]


def records(*perplexities):
    return [
        {"valid_perplexity": each, "train_perplexity": 9.0, "seconds": 1.5}
        for each in perplexities
    ]


FOUND = {
    "abs": records([60.0, 40.0], [40.0, 41.0]),
    "feed_forward_lm": records([99.0], [98.0]),
    "abs_bag_of_words": records([50.0], [39.5]),
    "ras_lstm": records([30.0], [31.0]),
}


def test_a_training_is_judged_by_its_lowest_perplexity():
    assert summarize_perplexity.num_in_order(FOUND) == 1
    lowered = FOUND | {"abs_bag_of_words": records([50.0], [40.5])}
    assert summarize_perplexity.num_in_order(lowered) == 2
    # Equal is not lower.
    equal = FOUND | {"ras_lstm": records([40.0], [40.0])}
    assert summarize_perplexity.num_in_order(equal) == 0
    without = {name: each for name, each in FOUND.items() if name != "abs"}
    assert summarize_perplexity.num_in_order(without) is None
    printed = summarize_perplexity.table((0, 1), FOUND)
    assert re.search(r"^abs  .* 40.0 +40.0 +9.0 +1.5$", printed, re.MULTILINE)
    assert printed.endswith("abs > ras_lstm: for 1 of 2 seeds")


def test_what_is_there_is_not_trained_again(tmp_path, capsys, monkeypatch):
    path = tmp_path / "pairs.tsv"
    lines = [f"the cat no{n % 7} sat on a mat\tcat no{n % 7}\n" for n in range(60)]
    path.write_text("".join(lines), "utf-8")
    args = ["--pairs", str(path), "--out", str(tmp_path), *TINY, "--seeds", "3"]
    one = [*args, "--architectures", "feed_forward_lm"]
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        with jax.numpy_rank_promotion("allow"):
            summarize_perplexity.main(one)
    folder = tmp_path / "summarize_perplexity"
    kept = json.loads((folder / "feed_forward_lm_3.json").read_text("utf-8"))
    assert len(kept["valid_perplexity"]) == 2
    assert kept["valid_perplexity"][1] < 20
    assert kept["about"]["seed"] == 3
    assert not [each for each in folder.iterdir() if each.is_dir()]

    def refuse(training, *more):
        raise ValueError(f"{training.architecture} at {training.learning_rate}")

    monkeypatch.setattr(summarize_perplexity.summarize_training, "train", refuse)
    summarize_perplexity.main(one)
    result = json.loads((folder / "result.json").read_text("utf-8"))
    assert result["trainings"] == {"feed_forward_lm": [kept]}
    assert result["num_in_order"] is None
    # Of the same name and number, held out or to train on.
    content = path.read_text("utf-8")
    path.write_text(content.replace("mat", "hat"), "utf-8")
    with pytest.raises(SystemExit, match="2"):
        summarize_perplexity.main(one)
    assert "feed_forward_lm at 0.02" in capsys.readouterr().err.splitlines()[-1]
    path.write_text(content, "utf-8")
    for more, named in (
        (["--learning-rate", "0.01"], "feed_forward_lm at 0.01"),
        (["--architectures", "abs"], "abs at 0.02"),
        (["--seeds"], "--seeds: expected one or more, got none"),
        (["--pairs", "/missing.tsv"], "missing.tsv"),
    ):
        with pytest.raises(SystemExit, match="2"):
            summarize_perplexity.main([*one, *more])
        assert named in capsys.readouterr().err.splitlines()[-1]


def test_a_training_that_is_stopped_is_found_again(tmp_path, monkeypatch):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"the cat no{n}\tcat\n" for n in range(60)), "utf-8")
    args = ["--pairs", str(path), "--out", str(tmp_path), *TINY, "--seeds", "3"]
    folders = []

    def stop(training, corpus, folder, report):
        (folder / "checkpoint").touch()
        folders.append(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(summarize_perplexity.summarize_training, "train", stop)
    for rate in ("0.02", "0.02", "0.01"):
        with pytest.raises(SystemExit, match="130"):
            summarize_perplexity.main([*args, "--learning-rate", rate])
    first, again, other = folders
    assert first == again != other
    assert (first / "checkpoint").exists()
