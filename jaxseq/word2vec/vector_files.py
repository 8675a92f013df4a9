"""Files of word vectors in word2vec's two formats, as gensim reads and writes them.

    header      "V D", line end
    text        "word x₁ x₂ ... x_D", line end, V times
    binary      "word ", D little-endian float32, V times

In the binary format word2vec.c ends each vector with a line end and gensim does not;
both are read, and gensim's way is written. Words are UTF-8 and may hold anything but a
space, a line end or a NUL: U+3000 and U+00A0 are no separators. In text each number is
the shortest that gives the same float32 again: both formats are exact.

The functions' names are gensim's (4.4.0). On purpose this differs:

* Words are written in their own order, where gensim sorts by count.
* Counts are None without a file of counts, where gensim makes some up.
* A file that is not what its header says, that names a word twice or that holds NaN is
  an error, where gensim reads what it can. Memory is asked for as vectors are read: no
  header has it allocated for what is not there.

References: word2vec.c (Mikolov et al. 2013), the formats. gensim: as
`jaxseq.word2vec.similarity`.
"""

import codecs
import os
from typing import BinaryIO

import numpy as np

from jaxseq.checks import check_count, expect
from jaxseq.word2vec.streams import FilePath, reading, writing
from jaxseq.word2vec.vector_records import (
    read_binary,
    read_header,
    read_text,
    too_large,
)
from jaxseq.word2vec.vectors import Vectors, make


_MAX_COUNT_DIGITS = 18
_SEPARATORS = " \n\0"


def save_word2vec_format(
    vectors: Vectors,
    path: FilePath,
    fvocab: FilePath | None = None,
    binary: bool = False,
) -> None:
    """Writes vectors: either whole files or, on any failure, none.

    Args:
        vectors: the vectors.
        path: where to; an old file is replaced in one step. A file that ends in `.gz`,
            `.bz2` or `.xz` is compressed.
        fvocab: where to write the counts, "word count" on each line.
        binary: whether to write the binary format.

    Raises:
        ValueError: if a word cannot be written, or if there are no counts for `fvocab`.
        OSError: if a file cannot be written; old ones are then unharmed.
    """
    words = [_encoded(word) for word in vectors.words]
    counts = [] if vectors.counts is None else vectors.counts.tolist()
    if fvocab is not None:
        expect(len(counts) > 0, "vectors", "counts, as fvocab is given", "none")
    with writing(path, *([] if fvocab is None else [fvocab])) as (stream, *others):
        stream.write(b"%d %d\n" % vectors.rows.shape)
        for word, row in zip(words, vectors.rows, strict=True):
            if binary:
                stream.write(word + b" " + row.astype("<f4", copy=False).tobytes())
            else:
                stream.write(word + b" " + " ".join(map(str, row)).encode() + b"\n")
        for other in others:
            for word, count in zip(words, counts, strict=True):
                other.write(b"%s %d\n" % (word, count))


def load_word2vec_format(
    path: FilePath,
    fvocab: FilePath | None = None,
    binary: bool = False,
    *,
    unicode_errors: str = "strict",
    limit: int | None = None,
) -> Vectors:
    """Reads vectors; memory is the table and a block, half as much again if compressed.

    A file that is cut short is an error wherever the cut is, but for one in text whose
    cut only shortens the very last number.

    Args:
        path: the file; `.gz`, `.bz2` and `.xz` are uncompressed on the way.
        fvocab: a file of counts; it must have every word that is read.
        binary: whether it is in the binary format.
        unicode_errors: what to do with words that are no UTF-8, as in `bytes.decode`:
            "replace" gets over those that the C program cut amid a character.
        limit: how many vectors to read, the first of the file; None for all.

    Returns:
        The vectors.

    Raises:
        ValueError: in one line that names the file, and the line or the byte, if it
            cannot be read or is no such file; or that names the argument.
    """
    if limit is not None:
        check_count("limit", limit)
    try:
        codecs.lookup_error(unicode_errors)
    except LookupError as error:
        raise ValueError(f"unicode_errors: {error}") from None
    with reading(path) as stream:
        words, rows = _table(stream, binary, unicode_errors, limit)
        vectors = make(words, rows)
    if fvocab is None:
        return vectors
    with reading(fvocab) as stream:
        return vectors._replace(counts=_counts(stream, words, unicode_errors))


def _table(
    stream: BinaryIO, binary: bool, unicode_errors: str, limit: int | None
) -> tuple[list[str], np.ndarray]:
    header = read_header(stream)
    num_read = min(header.num_words, limit or header.num_words)
    # At once what the file's size vouches for, whatever its header says; more, as it is
    # uncompressed, by doubling.
    least = (4 if binary else 2) * header.size  # bytes of a vector
    vouched = min(num_read, os.fstat(stream.fileno()).st_size // least)
    read = read_binary if binary else read_text
    id_of: dict[str, int] = {}
    try:
        rows = np.empty((vouched, header.size), np.float32)
        for where, raw, row in read(stream, header, num_read):
            word = _decoded(where, raw, unicode_errors)
            if word in id_of:
                got = f"{word!r} again, as in vector {id_of[word] + 1}"
                raise ValueError(f"{where}: expected a new word, got {got}")
            if not np.isfinite(row).all():
                got = f"inf or NaN for {word!r}"
                raise ValueError(f"{where}: expected finite numbers, got {got}")
            if len(id_of) == len(rows):
                more = min(num_read, 2 * len(rows) + 1)
                rows.resize((more, header.size), refcheck=False)
            rows[len(id_of)] = row
            id_of[word] = len(id_of)
    except MemoryError:
        raise too_large(header, num_read) from None
    return list(id_of), rows


def _counts(stream: BinaryIO, words: list[str], unicode_errors: str) -> np.ndarray:
    count_of: dict[str, int] = {}
    for number, line in enumerate(stream, start=1):
        raw, _, digits = line.rstrip(b" \r\n").partition(b" ")
        if not digits.isdigit() or len(digits) > _MAX_COUNT_DIGITS:
            got = repr(line[:60].decode("utf-8", "backslashreplace"))
            raise ValueError(f"line {number}: expected 'word count', got {got}")
        count_of[_decoded(f"line {number}", raw, unicode_errors)] = int(digits)
    for word in words:
        if word not in count_of:
            raise ValueError(f"expected a count for {word!r}, got none")
    return np.array([count_of[word] for word in words], np.int64)


def _encoded(word: str) -> bytes:
    is_kept = not any(separator in word for separator in _SEPARATORS)
    expect(is_kept, "words", "none with a space, line end or NUL", repr(word))
    try:
        return word.encode()
    except UnicodeEncodeError:
        raise ValueError(f"words: expected UTF-8, got {word!r}") from None


def _decoded(where: str, raw: bytes, unicode_errors: str) -> str:
    try:
        word = raw.decode("utf-8", unicode_errors)
    except UnicodeDecodeError as error:
        expected = "a word in UTF-8 (or unicode_errors='replace')"
        got = f"{raw[:40]!r}, {error.reason}"
        raise ValueError(f"{where}: expected {expected}, got {got}") from None
    if any(separator in word for separator in _SEPARATORS):
        # a binary file whose D is wrong looks like this
        expected = "a word without line end or NUL"
        raise ValueError(f"{where}: expected {expected}, got {word[:40]!r}")
    return word
