"""Sentences from text files: one a line, in files of any size and lines of any length.

A line of text8 is 100 MB long. Where a line is longer than `LONG_LINE` its sentence is
an iterator instead of a list: it reads on while its tokens are asked for, so that the
line is neither held, nor cut into sentences, nor truncated. Everybody who reads
sentences one after the other may treat both alike.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from jaxseq.checks import check_function, expect
from jaxseq.text.files import read_chunks


LONG_LINE = 2**20  # characters


def from_files(
    *paths: str | os.PathLike[str], split: Callable[[str], list[str]] = str.split
) -> Iterator[Iterable[str]]:
    """The sentences of UTF-8 text files, one a line.

    Memory is a block of text and its tokens. Lines are cut into blocks at white space
    only: one of Chinese that is long and has none is held as a whole.

    Args:
      *paths: files, plain or `.gz`, `.bz2`, `.xz`; or folders, for all files in them in
        the order of their names, hidden ones (`.name`) left out.
      split: the tokens of a text; by default what stands between white space. Others:
        `jaxseq.text.tokens.words.split`, `jaxseq.text.tokens.characters.split`,
        `jaxseq.word2vec.chinese.words`. Tokens of white space alone are dropped.

    Yields:
      The tokens of each line: a list, which may be empty, or of a line of more than
      `LONG_LINE` characters an iterator, to be used up before the next sentence.

    Raises:
      ValueError: if there is no file, or `split` is no function; later, if an iterator
        was not used up.
      CorpusError: at the sentence it concerns, if a file cannot be read, as
        `jaxseq.text.files.read_lines` says.
    """
    check_function("split", split)
    files = [file for path in paths for file in _files(path)]
    given = ", ".join(repr(os.fspath(path)) for path in paths)
    expect(len(files) > 0, "paths", "at least one file", given or "none")
    dropping = split if split is str.split else spaceless(split)
    return itertools.chain.from_iterable(_sentences(file, dropping) for file in files)


def _files(path: str | os.PathLike[str]) -> list[Path]:
    """The file itself, or the files of a folder."""
    is_path = isinstance(path, str | os.PathLike)
    expect(is_path, "paths", "files or folders, one an argument", repr(path)[:40])
    path = Path(path)
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if not file.name.startswith("."))


def spaceless(split: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Returns a split that drops tokens of white space alone.

    Args:
        split: the tokens of a text.
    """
    # `str.strip` leaves nothing, which is false, of a token of white space alone.
    return lambda text: list(filter(str.strip, split(text)))


def _sentences(
    path: Path, split: Callable[[str], list[str]]
) -> Iterator[Iterable[str]]:
    parts = _parts(path)
    for part, is_end in parts:
        if is_end:
            yield split(part)
            continue
        rest = _to_end_of_line(part, parts)
        yield itertools.chain.from_iterable(map(split, rest))
        if next(rest, None) is not None:
            raise ValueError(
                f"{os.fspath(path)!r}: expected a sentence of more than {LONG_LINE} "
                "characters to be read to its end, got the next one asked for before"
            )


def _to_end_of_line(part: str, parts: Iterator[tuple[str, bool]]) -> Iterator[str]:
    yield part
    for part, is_end in parts:
        yield part
        if is_end:
            return


def _parts(path: Path) -> Iterator[tuple[str, bool]]:
    """Pairs (text, whether its line ends there): lines, and parts of long lines."""
    pending: list[str] = []  # of the line that has not ended
    num_pending = 0
    for chunk in read_chunks(path):
        *lines, last = chunk.split("\n")
        if lines:
            lines[0] = "".join(pending) + lines[0]
            yield from zip(lines, itertools.repeat(True), strict=False)
            pending, num_pending = [], 0
        pending.append(last)
        num_pending += len(last)
        cut = _after_last_space(last) if num_pending >= LONG_LINE else 0
        if cut:
            pending[-1] = last[:cut]
            yield "".join(pending), False
            pending, num_pending = [last[cut:]], len(last) - cut
    if num_pending:
        yield "".join(pending), True


def _after_last_space(text: str) -> int:
    """Where the last white space of a text ends, 0 if there is none."""
    if text[-1].isspace():
        return len(text)
    return len(text) - len(text.rsplit(maxsplit=1)[-1])
