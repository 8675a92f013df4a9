"""JSON Lines: objects with texts, and what is said of a line that is none."""

import pytest

from jaxseq.text import jsonl
from jaxseq.text.files import CorpusError


def rows(tmp_path, text):
    path = tmp_path / "a.jsonl"
    path.write_bytes(text.encode("utf-8"))
    return list(jsonl.read_rows(path))


def test_texts_come_as_they_are(tmp_path):
    text = '\ufeff{"a": "\\u00e4\\ud83d\\ude00"}\r\n{"a": ["x", ""], "b": 1}'
    first, second = rows(tmp_path, text)
    assert jsonl.text(first, "a") == "ä😀"
    assert jsonl.texts(first, "a") == ["ä😀"]
    assert jsonl.texts(second, "a") == ["x", ""]
    assert second.place.endswith("a.jsonl', line 2")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", r"no JSON: Expecting value \(column 1\)"),
        ('{"a": ', r"no JSON: Expecting value \(column 7\)"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5000, "no JSON: Exceeds the limit"),
        ("[1]", r"expected an object, got '\[1\]'"),
        ("null", "expected an object, got 'null'"),
    ],
)
def test_a_line_without_an_object_is_named(tmp_path, line, message):
    with pytest.raises(CorpusError, match=f"a.jsonl', line 2: .*{message}") as caught:
        rows(tmp_path, f'{{"a": "x"}}\n{line}\n')
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", [jsonl.text, jsonl.texts])
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"b": "x", "c": 1}', r"expected a field 'a', got the fields \['b', 'c'\]"),
        ('{"a": 3}', "expected a text.* in 'a', got 3"),
        ('{"a": null}', "expected a text.* in 'a', got null"),
        ('{"a": [3]}', r"expected a text.* in 'a', got (\[3\]|3)$"),
        ('{"a": []}', r"expected a text.* in 'a', got \[\]$"),
        ('{"a": "x \\ud800"}', r".* in 'a', got a lone surrogate, \"\\ud800\"$"),
    ],
)
def test_a_field_without_a_text_is_named(tmp_path, read, line, message):
    (row,) = rows(tmp_path, line)
    with pytest.raises(CorpusError, match=f"a.jsonl', line 1: {message}"):
        read(row, "a")
