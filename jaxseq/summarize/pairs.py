"""Documents with their summaries from files: JSONL, TSV, or two line-aligned files.

    {"document": "…", "summary": "…"}     JSONL: an object a line; "split" may say which
                                          part of its corpus it is of: "train", "valid"
                                          or "validation", "test"; other keys are left
    document <TAB> summary                TSV: two columns
    a.article.txt and a.title.txt         two files, line by line, as Gigaword comes

Each may be compressed: .gz, .bz2, .xz, as in `jaxseq.text.files`. A file that cannot
be used ends in a `CorpusError` of one line that names the file and the line.
"""

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from jaxseq.checks import expect
from jaxseq.text import jsonl
from jaxseq.text.files import COMPRESSED, CorpusError, read_lines


FilePath: TypeAlias = str | os.PathLike[str]
SPLITS = ("train", "valid", "test")


class Pair(NamedTuple):
    """A text and its summary; either may be blank, as lines of files are.

    Attributes:
        document: the text.
        summary: of the text.
        split: one of `SPLITS`, if the file says it.
    """

    document: str
    summary: str
    split: str | None = None


def from_files(paths: Sequence[FilePath]) -> Iterator[Pair]:
    """Reads one file of pairs, by its name JSONL or TSV, or two line-aligned files.

    Args:
        paths: a file that ends in `.jsonl`, `.json` or `.tsv`; or the documents' and
            the summaries'.

    Yields:
        The pairs, in the order of the file.

    Raises:
        CorpusError: in one line, naming the file and the line.
        ValueError: if there are more files, or none.
    """
    expected = "one file, or two: the documents' and the summaries'"
    is_list = not isinstance(paths, str | os.PathLike)
    expect(is_list, "paths", expected, repr(paths))
    expect(len(paths) in (1, 2), "paths", expected, len(paths))
    if len(paths) == 2:
        return from_lines(*paths)
    suffixes = [s.lower() for s in Path(paths[0]).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    if kind in (".jsonl", ".json"):
        return from_jsonl(paths[0])
    if kind == ".tsv":
        return from_tsv(paths[0])
    raise CorpusError(
        f"{_name(paths[0])}: one file of pairs ends in .jsonl or .tsv (and .gz, .bz2 "
        "or .xz); of documents and summaries in two files, name both"
    )


def from_jsonl(path: FilePath) -> Iterator[Pair]:
    """Reads an object with "document", "summary" and perhaps "split" from each line.

    Args:
        path: the file.

    Raises:
        CorpusError: as `from_files`; and if some lines have a "split" and some do not.
    """
    first = None
    for row in jsonl.read_rows(path):
        document, summary = (jsonl.text(row, f) for f in ("document", "summary"))
        pair = Pair(document, summary, _split(row))
        first = first or pair
        if (pair.split is None) != (first.split is None):
            got = "none" if pair.split is None else repr(pair.split)
            raise CorpusError(
                f"{row.place}: expected a 'split' in all lines or in none, got {got}"
            )
        yield pair


def from_tsv(path: FilePath) -> Iterator[Pair]:
    """Reads a document and a summary, with a tab between them, from each line.

    Args:
        path: the file.

    Raises:
        CorpusError: as `from_files`.
    """
    for number, line in enumerate(read_lines(path), start=1):
        columns = line.split("\t")
        if len(columns) != 2:
            got = f"{len(columns)} columns, {line[:40]!r}"
            raise CorpusError(
                f"{_name(path)}, line {number}: expected document, tab, summary, got "
                f"{got}"
            )
        yield Pair(*columns)


def from_lines(documents: FilePath, summaries: FilePath) -> Iterator[Pair]:
    """Reads line n of one file with line n of another.

    Args:
        documents: the file of the documents.
        summaries: the file of the summaries.

    Raises:
        CorpusError: as `from_files`; and where one file ends before the other.
    """
    lines = itertools.zip_longest(read_lines(documents), read_lines(summaries))
    for number, (document, summary) in enumerate(lines, start=1):
        if document is None or summary is None:
            short, long = documents, summaries
            if summary is None:
                short, long = summaries, documents
            num_lines = number + sum(1 for _ in lines)
            raise CorpusError(
                f"{_name(short)}: expected {num_lines:,} lines, as {_name(long)} has, "
                f"got {number - 1:,}"
            )
        yield Pair(document, summary)


def _split(row: jsonl.Row) -> str | None:
    if "split" not in row.fields:
        return None
    name = jsonl.text(row, "split")
    name = "valid" if name == "validation" else name
    if name not in SPLITS:
        expected = "'train', 'valid' or 'test' in 'split'"
        raise CorpusError(f"{row.place}: expected {expected}, got {name[:40]!r}")
    return name


def _name(path: FilePath) -> str:
    return repr(os.fspath(path))
