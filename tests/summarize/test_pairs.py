"""Pairs from JSONL, TSV and line-aligned files, and what is said of broken ones."""

import gzip
import lzma

import pytest

from jaxseq.summarize import pairs
from jaxseq.summarize.pairs import Pair
from jaxseq.text.files import CorpusError


EXPECTED = [Pair("a long text", "text"), Pair("zwei Ä", "Ä"), Pair("", "")]


def write(path, text):
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    with opener(path, "wt", encoding="utf-8", newline="") as stream:
        stream.write(text)
    return path


@pytest.mark.parametrize("end", ["", ".gz", ".xz"])
def test_each_form_gives_the_same_pairs(tmp_path, end):
    jsonl = write(
        tmp_path / f"a.jsonl{end}",
        '{"document": "a long text", "summary": "text", "id": 7}\n'
        '{"summary": "\\u00c4", "document": "zwei Ä"}\n'
        '{"document": "", "summary": ""}\n',
    )
    tsv = write(tmp_path / f"a.tsv{end}", "a long text\ttext\r\nzwei Ä\tÄ\r\n\t\r\n")
    documents = write(tmp_path / f"a.article.txt{end}", "a long text\nzwei Ä\n\n")
    titles = write(tmp_path / f"a.title.txt{end}", "text\nÄ\n\n")
    for paths in ([jsonl], [tsv], [documents, titles]):
        assert list(pairs.from_files(paths)) == EXPECTED


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"document": "a", "summary": "b"}\n{"docu\n', "line 2: no JSON"),
        ("a.jsonl", "[1]\n", r"line 1: expected an object, got '\[1\]'"),
        (
            "a.jsonl",
            '{"document": "a"}\n',
            r"line 1: expected a field 'summary', got the fields \['document'\]",
        ),
        ("a.jsonl", '{"document": 3, "summary": "b"}\n', "'document', got 3"),
        ("a.jsonl", '{"document": "", "summary": null}\n', "'summary', got null"),
        (
            "a.jsonl",
            '{"document": "a", "summary": "b", "split": "dev"}\n',
            "line 1: expected 'train', 'valid' or 'test' in 'split', got 'dev'",
        ),
        (
            "a.jsonl",
            '{"document": "a", "summary": "b", "split": "test"}\n'
            '{"document": "a", "summary": "b"}\n',
            "line 2: expected a 'split' in all lines or in none, got none",
        ),
        (
            "a.jsonl",
            '{"document": "a", "summary": "b"}\n'
            '{"document": "a", "summary": "b", "split": "test"}\n',
            "line 2: expected a 'split' in all lines or in none, got 'test'",
        ),
        ("a.tsv", "a\tb\na b\n", "line 2: .* got 1 columns, 'a b'"),
        ("a.tsv", "a\tb\tc\n", "line 1: .* got 3 columns"),
        ("a.txt", "a\n", "ends in .jsonl or .tsv"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, name, text, message):
    path = write(tmp_path / name, text)
    with pytest.raises(CorpusError, match=f"{name}.*{message}") as caught:
        list(pairs.from_files([path]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("short", [0, 1])
def test_the_shorter_of_two_files_is_named(tmp_path, short):
    long = write(tmp_path / "long", "1\n2\n3\n")
    both = [long, long]
    both[short] = write(tmp_path / "short", "1\n2\n")
    message = "short': expected 3 lines, as .*long' has, got 2$"
    with pytest.raises(CorpusError, match=message):
        list(pairs.from_files(both))


@pytest.mark.parametrize("num", [0, 3])
def test_there_are_one_or_two_files(num):
    with pytest.raises(ValueError, match=f"^paths: expected one file, .* got {num}$"):
        pairs.from_files(["a.tsv"] * num)
