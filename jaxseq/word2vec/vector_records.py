"""The records of a file of word vectors: one word and its numbers after the other.

Both readers take the stream behind the header and give, for each vector, where it
starts, the bytes of its word, and its row `[D]`. They hold one block of the file, or
twice the largest vector that is really there, whatever the header says. What is wrong
is a ValueError of one line, that says where and what was expected.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, TypeAlias

import numpy as np


# Where ("line 3", "byte 412"), the word, the numbers.
Record: TypeAlias = tuple[str, bytes, np.ndarray]

_BLOCK_BYTES = 2**20
_MAX_WORD_BYTES = 2**16
_MAX_NUMBER_BYTES = 64
_MAX_SIZE = 2**18  # numbers of a vector: a header may promise any
_TEXT_BYTES = b"0123456789.eE+- \n"
_MIN_TELLING_BYTES = 32  # so many bytes of text are hardly a vector by chance


class Header(NamedTuple):
    """The first line of a file.

    Attributes:
        num_words: V.
        size: D.
        num_bytes: the length of the line, in bytes.
    """

    num_words: int
    size: int
    num_bytes: int


def read_header(stream: BinaryIO) -> Header:
    """Reads "V D".

    Args:
        stream: the file, at its beginning.

    Raises:
        ValueError: if the line is no such header.
    """
    line = stream.readline(256)
    if not line:
        raise ValueError("line 1: expected a header 'V D', got an empty file")
    fields = line.removeprefix(b"\xef\xbb\xbf").split()  # a byte order mark
    is_header = len(fields) == 2 and line.endswith(b"\n")
    if not is_header or not all(re.fullmatch(rb"0*[1-9]\d{,14}", f) for f in fields):
        expected = "a header 'V D', two integers ≥ 1"
        raise ValueError(f"line 1: expected {expected}, got {_shown(line)}")
    size = int(fields[1])
    if size > _MAX_SIZE:
        expected = f"vectors of {_MAX_SIZE} numbers at most"
        raise ValueError(f"line 1: expected {expected}, got {size}")
    return Header(int(fields[0]), size, len(line))


def read_text(stream: BinaryIO, header: Header, num_read: int) -> Iterator[Record]:
    """Reads the first vectors of the text format; if these are all, the end too.

    Args:
        stream: the file, after what was read before.
        header: V and D.
        num_read: how many to read.

    Raises:
        ValueError: in one line, if the file is damaged.
    """
    longest = _MAX_WORD_BYTES + _MAX_NUMBER_BYTES * header.size
    for i in range(num_read):
        where = f"line {i + 2}"
        line = stream.readline(longest)
        if not line:
            raise _ended(where, i, header)
        word, _, numbers = line.rstrip().partition(b" ")
        try:
            row = np.fromstring(numbers, np.float32, sep=" ")
        except ValueError:
            row = np.empty(0, np.float32)
        # The parser takes any white space, or none at all, for a separator.
        if len(row) != header.size or numbers.count(b" ") != header.size - 1:
            expected = f"a word and {header.size} numbers, a space before each"
            raise ValueError(f"{where}: expected {expected}, got {_shown(line)}")
        yield where, word, row
    if num_read == header.num_words:
        for i, line in enumerate(iter(lambda: stream.readline(longest), b"")):
            if line.strip():
                raise _goes_on(f"line {num_read + 2 + i}", header)


def read_binary(stream: BinaryIO, header: Header, num_read: int) -> Iterator[Record]:
    """Reads the first vectors of the binary format; if these are all, the end too.

    Args:
        stream: the file, after what was read before.
        header: V and D.
        num_read: how many to read.

    Raises:
        ValueError: in one line, if the file is damaged.
    """
    num_bytes = 4 * header.size
    block, start, offset = b"", 0, header.num_bytes  # offset: of the block in the file
    for i in range(num_read):
        while True:
            space = block.find(b" ", start, start + _MAX_WORD_BYTES)
            end = space + 1 + num_bytes
            if space >= 0 and end <= len(block):
                break
            if space < 0 and len(block) - start >= _MAX_WORD_BYTES:
                expected = f"a space within {_MAX_WORD_BYTES} bytes"
                raise ValueError(f"byte {offset + start}: expected {expected}")
            # Not the bytes of a vector at once: a header may promise any number.
            more = stream.read(max(_BLOCK_BYTES, len(block) - start))
            if not more:
                raise _ended(f"byte {offset + len(block)}", i, header)
            block, start, offset = block[start:] + more, 0, offset + start
        where, numbers = f"byte {offset + start}", block[space + 1 : end]
        if i == 0 and num_bytes >= _MIN_TELLING_BYTES:
            if not numbers.translate(None, _TEXT_BYTES):
                got = "text: binary=False reads it"
                raise ValueError(f"{where}: expected {num_bytes} bytes, got {got}")
        # The line end is the C program's, after the vector before.
        yield where, block[start:space].lstrip(b"\n"), np.frombuffer(numbers, "<f4")
        start = end
    if num_read == header.num_words:
        rest = block[start:] + stream.read(1 + len(b"\n"))
        if rest not in (b"", b"\n"):
            raise _goes_on(f"byte {offset + start}", header)


def too_large(header: Header, num_read: int) -> ValueError:
    """Returns the error for vectors that do not fit into memory.

    Args:
        header: of the file.
        num_read: how many vectors were read before.
    """
    got = f"{num_read} vectors of {header.size} numbers"
    return ValueError(f"line 1: expected no more than memory can hold, got {got}")


def _ended(where: str, num_read: int, header: Header) -> ValueError:
    expected = f"vector {num_read + 1} of {header.num_words}, of {header.size} numbers"
    return ValueError(f"{where}: expected {expected}, got the end of the file")


def _goes_on(where: str, header: Header) -> ValueError:
    expected = f"the end, after the {header.num_words} vectors of the header"
    return ValueError(f"{where}: expected {expected}, got more")


def _shown(line: bytes) -> str:
    hint = " (binary=True reads the binary format)" if b"\0" in line else ""
    text = line[:40].decode("utf-8", "backslashreplace")
    return f"{text.rstrip()!r}{'...' * (len(line) > 40)}{hint}"
