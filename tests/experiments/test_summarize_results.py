"""What a run of the summarizer writes, with a training and a search that are stubs."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from experiments import summarize
from experiments.summarize_training import Trained
from jaxseq.summarize.summarizer import Summary


# The best lead is of 6 words for those held out, and of 14 for those tested on.
WORDS = [f"w{n}" for n in range(20)]
NUM_OF = {"train": 6, "valid": 6, "test": 14}


def write(config, params, known, documents):
    """The first two tokens; of the first document without any attention."""
    del config, params, known
    for number, words in enumerate(documents):
        weights = np.eye(2, len(words)) * (number > 0)
        yield Summary(words[:2], [False, True], weights, len(words), 0)


@pytest.fixture
def learned(tmp_path, monkeypatch, capsys):
    """Runs the program on texts, each a word of WORDS or what joins them."""
    trained = Trained(jnp.zeros(1), 1.0, 1, 9, [1.0], [1.0])
    monkeypatch.setattr(summarize.summarize_training, "train", lambda *_: trained)
    monkeypatch.setattr(summarize.summarize_models, "write", write)

    def run(*args, words=WORDS, space=" "):
        rows = [
            {
                "document": space.join(words),
                "summary": space.join(words[:num]),
                "split": split,
            }
            for split, num in NUM_OF.items()
            for _ in range(3)
        ]
        path = tmp_path / "pairs.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
        summarize.main(["--pairs", str(path), "--out", str(tmp_path), *args])
        folder = tmp_path / "summarize"
        result = json.loads((folder / "result.json").read_text("utf-8"))
        return folder, result, capsys.readouterr().out

    return run


def test_the_best_lead_is_that_of_held_out_pairs(learned):
    _, result, _ = learned()
    assert "lead-6 (best)" in result["rouge"]["systems"]


def test_heatmaps_have_the_numbers_of_examples_and_no_others_stay(learned):
    folder, _, printed = learned()
    (folder / "heatmap_09.json").write_text("{}", "utf-8")
    learned("--num-shown", "2")
    left = {path.name for path in folder.glob("heatmap_*")}
    assert left == {f"heatmap_02.{ending}" for ending in ("json", "png", "svg")}
    page = (folder / "heatmaps.html").read_text("utf-8")
    assert "<h2>2</h2>" in page
    assert "<h2>1</h2>" not in page
    assert '<html lang="en">' in page
    assert "w1*" in page
    assert "3 words in the place of UNK are not counted" in printed


def test_examples_of_characters_are_texts(learned):
    words = "这个软件包提供一工具可以检查文件供用户使"
    folder, result, printed = learned("--tokens", "characters", words=words, space="")
    assert [each["written"] for each in result["examples"]] == ["这个"] * 3
    assert "  > 这个\n" in printed
    page = (folder / "heatmaps.html").read_text("utf-8")
    assert '<html lang="zh">' in page
    assert f"<dd>{words}</dd><dt>summary</dt><dd>这个*</dd>" in page
    assert (folder / "summaries.txt").read_text("utf-8") == "这个\n" * 3
