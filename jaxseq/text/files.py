"""Text files read as a stream: plain, .gz, .bz2 or .xz, always strict UTF-8.

Whatever is wrong with a file ends in a `CorpusError` of one line that names the file
and the byte offset in the uncompressed stream; `read_lines` adds the line where it is
the text that is at fault. Nothing is ever replaced or skipped: a corpus in the wrong
encoding trains a model without complaint, and a wrong one.

* A byte order mark at the start is dropped.
* Lines end in LF or CRLF; a lone CR, form feed or U+2028 is part of its line. A CR that
  ends the file is a CRLF cut short, and ends its line.
* Blank lines are kept, a last line without a line end counts, NUL bytes do not pass.
"""

import bz2
import codecs
import gzip
import lzma
import os
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from jaxseq.checks import check_count


COMPRESSED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
"""Suffixes of files that are uncompressed on the way, and what opens them."""
MAX_LINE_BYTES = 256 * 2**20
_BLOCK_BYTES = 2**20
_BOM = codecs.BOM_UTF8
_MAGIC = {
    b"\x1f\x8b": "gzip data",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ": "xz data",
    b"PK\x03\x04": "a zip archive",
    b"%PDF": "a PDF document",
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class CorpusError(ValueError):
    """A text file that cannot be used; the message is one line."""


def read_lines(
    path: str | os.PathLike[str], max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[str]:
    """The lines of a UTF-8 text file, without their line ends.

    Memory is one block of 1 MiB and its lines, so that files of any size can be read. A
    longer line takes about twice its size while it is put together (five times if it is
    ASCII with one emoji: Python then takes 4 bytes a character). For a file that is one
    endless line there is `read_chunks`.

    Args:
      path: the file; `.gz`, `.bz2` and `.xz` are uncompressed on the way.
      max_line_bytes: longest line that is accepted, in bytes.

    Yields:
      One string a line, blank lines as "".

    Raises:
      CorpusError: at the first `next`, if the file is missing, a directory or empty;
        later, at the line it concerns, if it is no UTF-8, holds a NUL byte, has a
        longer line, or if its compressed data are damaged or cut short.
      ValueError: if `max_line_bytes` is no positive number.
    """
    check_count("max_line_bytes", max_line_bytes)
    head = b""
    parts: list[bytes] = []  # the line that is not finished yet
    line_start = num_pending = num_lines = 0
    for offset, block in _blocks(path):
        head = head or block[:4096]
        if not num_pending:
            line_start = offset
        first, last = block.find(b"\n"), block.rfind(b"\n")
        if first < 0:
            parts.append(block)
            num_pending += len(block)
            if num_pending > max_line_bytes:
                raise _too_long(path, line_start, max_line_bytes)
            continue
        parts.append(block[:first])
        where = path, head, line_start, num_lines
        yield from _lines(*where, _take(parts), max_line_bytes)
        num_lines += 1
        if first < last:
            where = path, head, offset + first + 1, num_lines
            lines = block[first + 1 : last]
            yield from _lines(*where, lines, max_line_bytes)
            num_lines += lines.count(b"\n") + 1
        parts.append(block[last + 1 :])
        line_start, num_pending = offset + last + 1, len(parts[0])
    if num_pending:
        where = path, head, line_start, num_lines
        yield from _lines(*where, _take(parts), max_line_bytes)


def read_chunks(path: str | os.PathLike[str]) -> Iterator[str]:
    """The text of a UTF-8 file in pieces of about 1 MiB, whatever its lines.

    For models of characters: constant memory even if the file is one line. CRLF becomes
    LF, as for `read_lines`; the line ends stay in the text.

    Args:
      path: the file, as for `read_lines`.

    Yields:
      Non-empty strings; a character is never cut, nor is a CRLF.

    Raises:
      CorpusError: as `read_lines`.
    """
    head = pending = b""
    start = 0
    for offset, block in _blocks(path):
        head = head or block[:4096]
        start, data = offset - len(pending), pending + block
        cut = _whole(data)
        text = _decode(path, head, start, data, cut)
        if text:
            yield text.replace("\r\n", "\n")
        start, pending = start + cut, data[cut:]
    if pending:
        # either a CRLF cut short or a character cut short, which does not pass
        yield _decode(path, head, start, pending).replace("\r", "\n")


def _blocks(path: str | os.PathLike[str]) -> Iterator[tuple[int, bytes]]:
    """Pairs (byte offset, block) of the uncompressed stream after its BOM."""
    offset = 0
    try:
        with _open(path) as stream:
            block = stream.read(_BLOCK_BYTES)
            if block.startswith(_BOM):
                block, offset = block[len(_BOM) :], len(_BOM)
            if not block:
                raise CorpusError(f"{_name(path)}: the file is empty")
            while block:
                yield offset, block
                offset += len(block)
                block = stream.read(_BLOCK_BYTES)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise _damaged(path, offset, error) from None
    except OSError as error:
        if error.errno is None:  # bz2 reports damaged data as a bare OSError
            raise _damaged(path, offset, error) from None
        raise CorpusError(f"{_name(path)}: {error.strerror}") from None


def _open(path: str | os.PathLike[str]) -> BinaryIO:
    opener = COMPRESSED.get(os.path.splitext(os.fspath(path))[1].lower(), open)
    return opener(path, "rb")  # type: ignore[return-value]


def _lines(
    path: str | os.PathLike[str],
    head: bytes,
    start: int,
    num_lines: int,
    data: bytes,
    max_line_bytes: int,
) -> Iterator[str]:
    if len(data) > max_line_bytes:
        position = 0
        for line in data.split(b"\n"):
            if len(line) > max_line_bytes:
                raise _too_long(path, start + position, max_line_bytes)
            position += len(line) + 1
    text = _decode(path, head, start, data, num_lines=num_lines)
    del data  # a line may be as long as memory allows
    for line in text.split("\n"):
        yield line.removesuffix("\r")


def _take(parts: list[bytes]) -> bytes:
    """The parts as one, their list emptied so that they are freed."""
    joined = b"".join(parts)
    parts.clear()
    return joined


def _decode(
    path: str | os.PathLike[str],
    head: bytes,
    start: int,
    data: bytes,
    end: int | None = None,
    num_lines: int | None = None,
) -> str:
    """The text of `data[:end]`; `num_lines` stand before it, if anybody counts them."""
    nul = data.find(b"\0", 0, end)
    try:
        text = (data[:end] if nul < 0 else data[:nul]).decode("utf-8")
    except UnicodeDecodeError as error:
        bad = data[error.start : error.start + 4].split(b"\n")[0][:2]
        shown = " ".join(f"0x{byte:02x}" for byte in bad)
        at_end = error.reason == "unexpected end of data"
        hint = _hint(head, data[error.start : error.start + 256], at_end)
        place = _place(path, data, error.start, num_lines)
        raise CorpusError(
            f"{place}: invalid UTF-8 at byte {start + error.start}: "
            f"{shown} ({error.reason}); {hint}"
        ) from None
    if nul >= 0:
        place = _place(path, data, nul, num_lines)
        raise CorpusError(f"{place}: NUL byte at byte {start + nul}; {_hint(head)}")
    return text


def _hint(head: bytes, bad: bytes = b"", at_end: bool = False) -> str:
    """What the file may be, from its first bytes and those at the fault."""
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return f"looks like {kind}"
    if max(head[0::2].count(0), head[1::2].count(0)) > len(head) // 8:
        return "looks like UTF-16 without byte order mark"
    if not bad:
        return "looks like binary data"
    if bad[0] == 0xED and bad[1:2] >= b"\xa0":
        return "looks like a lone surrogate"
    if at_end and len(bad) > 1:
        return "looks like a file cut short"
    runs = re.findall(rb"[\x80-\xff]+(?=[\x00-\x7f])", bad + b"\n")
    if runs and all(len(run) % 2 == 0 and min(run) >= 0xA1 for run in runs):
        return "looks like GBK or another two-byte encoding"
    return "looks like Latin-1 or another one-byte encoding"


def _whole(data: bytes) -> int:
    """Length of `data` without a last CR or a last character that may go on."""
    if data.endswith(b"\r"):
        return len(data) - 1
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            needs = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if back < needs else len(data)
        if byte < 0x80:
            break
    return len(data)


def _too_long(
    path: str | os.PathLike[str], start: int, max_line_bytes: int
) -> CorpusError:
    return CorpusError(
        f"{_name(path)}: the line at byte {start} is longer than "
        f"max_line_bytes = {max_line_bytes}; read_chunks takes lines of any length"
    )


def _damaged(
    path: str | os.PathLike[str], offset: int, error: Exception
) -> CorpusError:
    reason = str(error).replace("\n", " ") or type(error).__name__
    return CorpusError(
        f"{_name(path)}: damaged or cut short compressed data after "
        f"byte {offset} of the uncompressed stream ({reason})"
    )


def _place(
    path: str | os.PathLike[str], data: bytes, position: int, num_lines: int | None
) -> str:
    if num_lines is None:
        return _name(path)
    line = num_lines + data.count(b"\n", 0, position) + 1
    return f"{_name(path)}, line {line}"


def _name(path: str | os.PathLike[str]) -> str:
    return repr(os.fspath(path))
