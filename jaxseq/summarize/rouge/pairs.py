"""Hypotheses and references in files: a line each, or a field of JSON objects.

A file whose name has `.jsonl` in it, before `.gz`, `.bz2` or `.xz` if it is compressed,
holds a JSON object a line; any other one text a line. Line i of every file belongs to
pair i. A field of references may hold a list of texts, which may differ in length.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from jaxseq.text import jsonl
from jaxseq.text.files import CorpusError, read_lines


File: TypeAlias = str | os.PathLike[str]


class Fields(NamedTuple):
    """Names of the fields of a JSON object.

    Attributes:
        hypothesis: of a text.
        reference: of a text, or of a list of them.
    """

    hypothesis: str = "hypothesis"
    reference: str = "reference"


class Pairs(NamedTuple):
    """n hypotheses, and for each of them its references.

    Attributes:
        hypotheses: n texts.
        references: n lists of texts.
    """

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
    found = [_read_references(path, fields) for path in references]
    for path, lists in zip(references, found, strict=True):
        _check_length(path, len(lists), hypotheses, len(texts))
    found = found or [_read_references(hypotheses, fields)]
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
    if not _is_json(path):
        return list(read_lines(path))
    return [jsonl.text(row, fields.hypothesis) for row in jsonl.read_rows(path)]


def _read_references(path: File, fields: Fields) -> list[list[str]]:
    if not _is_json(path):
        return [[line] for line in read_lines(path)]
    return [jsonl.texts(row, fields.reference) for row in jsonl.read_rows(path)]


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
