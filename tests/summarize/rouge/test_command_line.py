"""`python -m jaxseq.summarize.rouge`: numbers, or one line and exit code 2."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from jaxseq.summarize.rouge.__main__ import main


FILES = {
    "h.txt": "the cat sat\n\n一个青年\n",
    "r.txt": "a cat sat down\nnothing\n是个青年\n",
    "r2.txt": "the cat sat\nelse\n青年\n",
    "short.txt": "a\nb\n",
    "empty.txt": "",
    "bad.txt": b"fine\ncaf\xe9\nx\n",
    "pairs.jsonl": '{"hypothesis": "the cat sat", "reference": ["the cat", "cats"]}\n'
    '{"hypothesis": "a b\\nc d", "reference": "c d\\na b", "other": 1}\n',
    "broken.jsonl": '{"hypothesis": "a", "reference": "b"}\n{"hypothesis"\n',
    "lacks.jsonl": '{"hypothesis": "a", "target": "b"}\n',
    "number.jsonl": '{"hypothesis": "a", "reference": 3}\n',
    "none.jsonl": '{"hypothesis": "a", "reference": []}\n',
    "list.jsonl": '{"hypothesis": ["a"], "reference": "b"}\n',
    "array.jsonl": "[1]\n",
}


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    for name, content in FILES.items():
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
    (tmp_path / "pairs.jsonl.gz").write_bytes(
        gzip.compress(FILES["pairs.jsonl"].encode())
    )
    monkeypatch.chdir(tmp_path)


LOST = (
    "warning: 1 of 3 references have no word of a-z and 0-9, and so score 0; "
    "--tok any_script knows all scripts\n"
)


def run(args, capsys, warned=""):
    assert main([*args.split(), "--json", "out.json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == warned
    with open("out.json", encoding="utf-8") as file:
        report = json.load(file)
    return printed.out, {
        (row["metric"], row["measure"]): row for row in report["scores"]
    }


def test_two_files(capsys):
    out, rows = run("h.txt r.txt", capsys, LOST)
    # 2 of 3 and 2 of 4 words; nothing; nothing that rouge_score knows.
    assert rows["ROUGE-1", "precision"]["mean"] == pytest.approx(2 / 9)
    assert rows["ROUGE-1", "recall"]["mean"] == pytest.approx(1 / 6)
    assert len(rows) == 9
    quoted = rows["ROUGE-1", "f"]["signature"]
    assert quoted.startswith(
        "ROUGE-1.f|n:3|nrefs:1|multi:mean|stem:porter|tok:rouge_sc"
    )
    assert f"{quoted} = 19.05 [0.00, 57.14] (95 %, 1000 resamples, seed 0)\n" in out
    assert "ROUGE-1     22.22 [0.00, 66.67]" in out
    assert rows["ROUGE-1", "f"]["difference"] is None


def test_options_reach_the_scores_and_the_signature(capsys):
    out, rows = run(
        "h.txt r.txt r2.txt --tok any_script --stem none --multi best --limit 9b "
        "--unk miss --measure recall --metrics 1 Lsum",
        capsys,
    )
    assert {metric for metric, _ in rows} == {"ROUGE-1", "ROUGE-Lsum"}
    # "the cat s" of itself, nothing, and 一个青 (9 bytes) of 是个青: 2 of 3.
    assert rows["ROUGE-1", "recall"]["mean"] == pytest.approx((1 + 0 + 2 / 3) / 3)
    name = (
        "ROUGE-1.r|n:3|nrefs:2|multi:best|stem:none|tok:any_script|limit:9b|unk:miss|"
    )
    assert name in out
    out, rows = run("h.txt r.txt --limit 2w --num-resamples 7 --seed 3", capsys, LOST)
    assert "|limit:2w|" in out
    assert "(95 %, 7 resamples, seed 3)" in out


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz"])
def test_fields_of_json(capsys, name):
    out, rows = run(f"{name} --metrics L Lsum", capsys)
    assert rows["ROUGE-L", "precision"]["mean"] == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert rows["ROUGE-Lsum", "precision"]["mean"] == pytest.approx((1 / 2 + 1) / 2)
    assert "|nrefs:1-2|" in out
    out, rows = run("lacks.jsonl --reference-field target", capsys)
    assert rows["ROUGE-1", "f"]["mean"] == 0
    out, rows = run("short.txt pairs.jsonl short.txt", capsys)
    assert "|nrefs:2-3|" in out


def test_baseline_is_compared_pair_by_pair(capsys):
    out, rows = run("r2.txt r.txt --baseline h.txt --tok any_script", capsys)
    # Only the last pair differs: 青年 against 一个青年, of 是个青年.
    gap = rows["ROUGE-1", "precision"]["difference"]
    assert gap["mean"] == pytest.approx((1 - 3 / 4) / 3)
    assert gap["low"] == 0
    gap = rows["ROUGE-1", "recall"]["difference"]
    assert gap["mean"] == pytest.approx((2 / 4 - 3 / 4) / 3)
    assert f"minus the baseline: {100 * (2 / 3 - 3 / 4) / 3:+.2f} [" in out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            "h.txt short.txt",
            "'short.txt', line 3: expected 3 lines, as 'h.txt' has, got 2",
        ),
        (
            "short.txt h.txt",
            "'h.txt', line 3: expected 2 lines, as 'short.txt' has, got 3",
        ),
        ("h.txt r.txt --baseline short.txt", "'short.txt', line 3: expected 3 lines"),
        ("h.txt empty.txt", "'empty.txt': the file is empty"),
        ("bad.txt r.txt", "'bad.txt', line 2: invalid UTF-8 at byte 8"),
        ("h.txt missing.txt", "'missing.txt': No such file"),
        ("h.txt", "'h.txt': expected a .jsonl file, or files of references too"),
        ("broken.jsonl", "'broken.jsonl', line 2: no JSON: Expecting ':' delimiter"),
        ("lacks.jsonl", "line 1: expected a field 'reference', got the fields ["),
        ("number.jsonl", "expected a text or a list of texts in 'reference', got 3"),
        ("none.jsonl", "expected a text or a list of texts in 'reference', got []"),
        ("list.jsonl", "expected a text in 'hypothesis', got [\"a\"]"),
        ("array.jsonl", "line 1: expected an object, got '["),
        (
            "h.txt r.txt --limit 0b",
            "--limit: expected none, or as 75b or 10w, got '0b'",
        ),
        ("h.txt r.txt --limit 75", "--limit: expected none"),
        ("h.txt r.txt --num-resamples 0", "num_resamples: expected an integer ≥ 1"),
        ("h.txt r.txt --json no/out.json", "No such file or directory: 'no/out.json'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(capsys, args, message):
    with pytest.raises(SystemExit, match="^2$"):
        main(args.split())
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_options_that_are_none_end_with_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main("h.txt r.txt --multi all".split())
    assert stop.value.code == 2
    assert "--multi" in capsys.readouterr().err


def test_runs_as_a_module(tmp_path):
    command = [sys.executable, "-W", "error", "-m", "jaxseq.summarize.rouge"]
    files = [str(tmp_path / name) for name in ("h.txt", "r.txt")]
    root = Path(__file__).parents[3]
    ended = subprocess.run(
        [*command, *files], cwd=root, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert "ROUGE-L.f|n:3|" in ended.stdout
