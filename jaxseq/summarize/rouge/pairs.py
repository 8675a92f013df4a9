"""Hypotheses and references in files: a line each, or a field of JSON objects.

A file whose name has `.jsonl` in it, before `.gz`, `.bz2` or `.xz` if it is compressed,
holds a JSON object a line; any other one text a line. Line i of every file belongs to
pair i. A field of references may hold a list of texts, which may differ in length.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from jaxseq.text.files import CorpusError, read_lines


File: TypeAlias = str | os.PathLike[str]


class Fields(NamedTuple):
    """Names of the fields of a JSON object."""

    hypothesis: str = "hypothesis"
    reference: str = "reference"


class Pairs(NamedTuple):
    """n hypotheses, and for each of them its references."""

    hypotheses: list[str]
    references: list[list[str]]


DEFAULT = Fields()


def read(
    hypotheses: File, references: Sequence[File] = (), fields: Fields = DEFAULT
) -> Pairs:
    """Reads pairs.

    Args:
        hypotheses: a file.
        references: any number of files; none if they stand with the hypotheses.
        fields: where they stand in JSON.

    Returns:
        As many pairs as each of the files has lines.

    Raises:
        CorpusError: in one line that names the file, and the line if there is one.
    """
    if not references and not _is_json(hypotheses):
        raise CorpusError(
            f"{_name(hypotheses)}: expected a .jsonl file, or files of references too"
        )
    texts = _read_hypotheses(hypotheses, fields)
    found = [_read(path, fields.reference, many=True) for path in references]
    for path, lists in zip(references, found, strict=True):
        _check_length(path, len(lists), hypotheses, len(texts))
    found = found or [_read(hypotheses, fields.reference, many=True)]
    lists = [
        [text for each in line for text in each] for line in zip(*found, strict=True)
    ]
    return Pairs(texts, lists)


def read_baseline(
    path: File, hypotheses: File, num_pairs: int, fields: Fields = DEFAULT
) -> list[str]:
    """Reads the hypotheses of another system; errors as those of `read`.

    Args:
        path: the file.
        hypotheses: the file that it is compared with.
        num_pairs: how many texts that one has.
        fields: where they stand in JSON.
    """
    texts = _read_hypotheses(path, fields)
    _check_length(path, len(texts), hypotheses, num_pairs)
    return texts


def _read_hypotheses(path: File, fields: Fields) -> list[str]:
    return [text for (text,) in _read(path, fields.hypothesis, many=False)]


def _read(path: File, field: str, many: bool) -> list[list[str]]:
    if not _is_json(path):
        return [[line] for line in read_lines(path)]
    lines = enumerate(read_lines(path), start=1)
    return [
        _texts(f"{_name(path)}, line {number}", line, field, many)
        for number, line in lines
    ]


def _texts(place: str, line: str, field: str, many: bool) -> list[str]:
    """The texts of one JSON object."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        why = f"{error.msg} at column {error.colno}"
        raise CorpusError(f"{place}: no JSON: {why}") from None
    except RecursionError:
        raise CorpusError(f"{place}: JSON that is nested too deeply") from None
    if not isinstance(row, dict) or field not in row:
        has = f"the fields {sorted(row)}" if isinstance(row, dict) else "no object"
        raise CorpusError(f"{place}: expected a field {field!r}, got {has}")
    texts = row[field] if many and isinstance(row[field], list) else [row[field]]
    if not texts or not all(isinstance(text, str) for text in texts):
        expected = "a text or a list of texts" if many else "a text"
        got = json.dumps(row[field])[:40]
        raise CorpusError(f"{place}: expected {expected} in {field!r}, got {got}")
    return texts


def _check_length(path: File, found: int, like: File, expected: int) -> None:
    if found != expected:
        raise CorpusError(
            f"{_name(path)}, line {min(found, expected) + 1}: expected {expected} "
            f"lines, as {_name(like)} has, got {found}"
        )


def _is_json(path: File) -> bool:
    return ".jsonl" in Path(path).suffixes[-2:]


def _name(path: File) -> str:
    return repr(os.fspath(path))
