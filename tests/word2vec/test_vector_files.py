import bz2
import gzip
import lzma
import os
import struct
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st

from jaxseq.word2vec import streams, vector_records, vectors
from jaxseq.word2vec.vector_files import load_word2vec_format, save_word2vec_format


UNPACK = {"": bytes, ".gz": gzip.decompress, ".bz2": bz2.decompress}
UNPACK[".xz"] = lzma.decompress
PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
BOTH = pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
WORDS = ("the", "国王", "x\u3000y", "a\xa0b", "\ufeff", "", "e\u0301", "\t", "\r")


def made(words=WORDS, size=3, seed=0):
    rows = np.random.default_rng(seed).normal(size=(len(words), size))
    return vectors.make(words, rows.astype(np.float32), np.arange(len(words))[::-1])


def write(folder, data, name="vectors.bin"):
    path = folder / name
    path.write_bytes(data)
    return path


def same(found, expected):
    is_same = found.words == expected.words and found.id_of == expected.id_of
    return is_same and found.rows.tobytes() == expected.rows.tobytes()


@BOTH
@pytest.mark.parametrize("suffix", UNPACK)
def test_load_returns_what_save_wrote(tmp_path, binary, suffix):
    found = made()
    path, counts = tmp_path / f"vectors{suffix}", tmp_path / f"counts{suffix}"
    for _ in range(2):
        save_word2vec_format(found, path, counts, binary)
        again = load_word2vec_format(path, counts, binary)
        assert same(again, found)
        assert again.counts is not None
        assert again.counts.tolist() == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert sorted(os.listdir(tmp_path)) == sorted([path.name, counts.name])
    assert load_word2vec_format(str(path), binary=binary).counts is None
    save_word2vec_format(found, tmp_path / "plain", binary=binary)
    plain = (tmp_path / "plain").read_bytes()
    assert UNPACK[suffix](path.read_bytes()) == plain
    assert plain.startswith(b"9 3\nthe ")


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
small = finite.filter(lambda x: abs(x) < 1e18)
names = st.text(st.characters(codec="utf-8", exclude_characters=" \n\0"))


@BOTH
@given(data=st.data())
def test_files_hold_any_word_and_any_number(tmp_path_factory, binary, data):
    words = data.draw(st.lists(names, min_size=1, max_size=4, unique=True))
    size = data.draw(st.integers(1, 4))
    number = len(words) * size
    numbers = data.draw(st.lists(small, min_size=number, max_size=number))
    rows = np.array(numbers, np.float32).reshape(len(words), size)
    found = vectors.make(words, rows)
    path = tmp_path_factory.mktemp("files") / "vectors"
    save_word2vec_format(found, path, binary=binary)
    assert same(load_word2vec_format(path, binary=binary), found)


def test_text_is_exact_for_every_kind_of_float32(tmp_path):
    bits = np.random.default_rng(0).integers(0, 2**32, 20_000, np.uint32)
    numbers = bits.view(np.float32)
    numbers = numbers[np.isfinite(numbers) & (np.abs(numbers) < 1e18)][:10_000]
    found = vectors.make([f"w{i}" for i in range(100)], numbers.reshape(100, 100))
    save_word2vec_format(found, tmp_path / "text")
    assert same(load_word2vec_format(tmp_path / "text"), found)
    assert b" 1e-05\n" not in (tmp_path / "text").read_bytes()
    shortest = vectors.make(["a"], np.array([[0.1, 1e-5, 1]], np.float32))
    save_word2vec_format(shortest, tmp_path / "text")
    assert (tmp_path / "text").read_bytes() == b"1 3\na 0.1 1e-05 1.0\n"


def packed(*numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


@pytest.mark.parametrize(
    ("data", "binary"),
    [
        (b"2 2\na 1 2\nb 3 4\n", False),
        (b"2 2\na 1 2\nb 3 4", False),
        (b"2 2\na 1 2 \nb 3 4 \n", False),  # the C program ends numbers with a space
        (b"2 2\r\na 1 2\r\nb 3 4\r\n\r\n", False),
        (b"\xef\xbb\xbf2 2\na 1.0 2e0\nb 3.0000 40e-1\n", False),
        (b"2 2\na " + packed(1, 2) + b"b " + packed(3, 4), True),  # gensim's way
        (b"2 2\na " + packed(1, 2) + b"\nb " + packed(3, 4) + b"\n", True),  # C's way
        (b"2 2\na " + packed(1, 2) + b"\nb " + packed(3, 4), True),
    ],
)
def test_load_reads_both_conventions(tmp_path, data, binary):
    found = load_word2vec_format(write(tmp_path, data), binary=binary)
    assert found.words == ("a", "b")
    assert found.rows.tolist() == [[1, 2], [3, 4]]


@BOTH
@pytest.mark.parametrize("block_bytes", [1, 2, 7, 30])
def test_load_does_not_depend_on_where_blocks_end(
    tmp_path, monkeypatch, binary, block_bytes
):
    found = made(size=7)
    save_word2vec_format(found, tmp_path / "vectors", binary=binary)
    monkeypatch.setattr(vector_records, "_BLOCK_BYTES", block_bytes)
    assert same(load_word2vec_format(tmp_path / "vectors", binary=binary), found)


@BOTH
def test_limit_reads_the_first_vectors_and_no_further(tmp_path, binary):
    found = made()
    path, counts = tmp_path / "vectors", tmp_path / "counts"
    save_word2vec_format(found, path, counts, binary)
    damaged = path.read_bytes()[:-5] + b"\xff\n"
    path.write_bytes(damaged)
    few = load_word2vec_format(path, counts, binary, limit=4)
    assert (few.words, few.rows.tolist()) == (WORDS[:4], found.rows[:4].tolist())
    assert few.counts is not None
    assert few.counts.tolist() == [8, 7, 6, 5]
    save_word2vec_format(found, path, binary=binary)
    assert same(load_word2vec_format(path, binary=binary, limit=100), found)
    with pytest.raises(ValueError, match="limit: expected an integer ≥ 1, got 0"):
        load_word2vec_format(path, binary=binary, limit=0)


@BOTH
def test_words_cut_amid_a_character_need_unicode_errors(tmp_path, binary):
    cut = "国王".encode()[:-1]
    row = packed(1, 2) if binary else b"1 2\n"
    path = write(tmp_path, b"2 2\na " + row + cut + b" " + row)
    where = "byte 14" if binary else "line 3"
    with pytest.raises(ValueError, match=f"{where}: expected a word in UTF-8"):
        load_word2vec_format(path, binary=binary)
    replaced = load_word2vec_format(path, binary=binary, unicode_errors="replace")
    assert replaced.words == ("a", "国\ufffd")
    ignored = load_word2vec_format(path, binary=binary, unicode_errors="ignore")
    assert ignored.words == ("a", "国")
    with pytest.raises(ValueError, match="unicode_errors: unknown .* 'nobody'"):
        load_word2vec_format(path, binary=binary, unicode_errors="nobody")


TWO = "expected vector 2 of 2, of 2 numbers, got the end of the file"
WIDTH = "expected a word and 2 numbers, a space before each, got "
ROW = packed(1, 2)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1: expected a header 'V D', got an empty file"),
        (b"\n", "line 1: expected a header 'V D', two integers ≥ 1, got ''"),
        (b"the 0.1 0.2\n", "line 1: expected a header .* got 'the 0.1 0.2'"),
        (b"2 2", "line 1: expected a header .* got '2 2'"),
        (b"2 -2\na 1 2\n", "line 1: expected a header .* got '2 -2'"),
        (b"0 2\n", "line 1: expected a header .* got '0 2'"),
        (b"2 0\na\nb\n", "line 1: expected a header .* got '2 0'"),
        (b"1_0 2\n", "line 1: expected a header .* got '1_0 2'"),
        (b"9" * 500 + b" 2\n", "line 1: expected a header .* got '999"),
        (
            b"9" * 15 + b" " + b"9" * 15 + b"\n",
            "line 1: expected vectors of 262144 numbers at most, got 99999999",
        ),
        (b"2 2\na 1 2\n", f"line 3: {TWO}"),
        (b"1 2\na 1 2\nb 3 4\n", "line 3: expected the end, after the 1 vectors of"),
        (
            b"1 2\na 1 2\n\n\nb 3 4\n",
            "line 5: expected the end, after the 1 vectors of",
        ),
        (b"2 2\na 1 2\nb 3\n", f"line 3: {WIDTH}'b 3'"),
        (b"2 2\na 1 2\nb 3 4 5\n", f"line 3: {WIDTH}'b 3 4 5'"),
        (b"2 2\na 1 2\nb c 3 4\n", f"line 3: {WIDTH}'b c 3 4'"),
        (b"2 2\na 1 2\nb 3 x\n", f"line 3: {WIDTH}'b 3 x'"),
        (b"2 2\na 1 2\nb 3 4x\n", f"line 3: {WIDTH}'b 3 4x'"),
        (b"2 2\na 1 2\nb 3  4\n", f"line 3: {WIDTH}'b 3  4'"),
        (b"2 2\na 1 2\nb 3\t4\n", f"line 3: {WIDTH}"),
        (b"2 2\na 1 2\n\nb 3 4\n", f"line 3: {WIDTH}''"),
        (b"2 2\na 1 2\nb 3 4\0\n", rf"line 3: {WIDTH}'b 3 4\\x00' \(binary=True reads"),
        (
            b"2 2\na 1 2\na 3 4\n",
            "line 3: expected a new word, got 'a' again, as in vec",
        ),
        (
            b"2 2\na 1 2\nb 3 nan\n",
            "line 3: expected finite numbers, got inf or NaN for",
        ),
        (
            b"2 2\na 1 2\nb 3 1e39\n",
            "line 3: expected finite numbers, got inf or NaN for",
        ),
        (
            b"2 2\na 1 2\nb 3 1e38\n",
            r"rows\[1\] \('b'\): expected finite .* longer than",
        ),
        (b"2 2\na 1 2\n\0b 3 4\n", "line 3: expected a word without line end or NUL"),
        (
            b"1 2\na " + packed(1, 2) + b"\n",
            "line 2: expected a word and 2 .*binary=True",
        ),
        (b"1 2\n" + b"a" * 70_000 + b" 1 2\n", f"line 2: {WIDTH}'aaa"),
    ],
)
def test_bad_text_files_are_named_in_one_line(tmp_path, data, message):
    complain(write(tmp_path, data), False, message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1: expected a header 'V D', got an empty file"),
        (b"2 2\n", "byte 4: expected vector 1 of 2, of 2 numbers, got the end"),
        (b"2 2\na " + ROW, f"byte 14: {TWO}"),
        (b"2 2\na " + ROW + b"\n", f"byte 15: {TWO}"),
        (b"2 2\na " + ROW + b"b " + ROW[:-1], f"byte 23: {TWO}"),
        (b"1 2\na " + ROW + b"b " + ROW, "byte 14: expected the end, after the 1 vect"),
        (b"1 2\na " + ROW + b"\n\n", "byte 14: expected the end, after the 1 vectors"),
        (b"2 1\na " + ROW + b"b " + ROW, "byte 10: expected a word "),
        (
            b"2 3\na " + ROW + b"b " + ROW,
            "byte 24: expected vector 2 of 2, of 3 numbers",
        ),
        (b"2 2\na " + ROW + b"a " + ROW, "byte 14: expected a new word, got 'a' again"),
        (b"2 2\na " + ROW + b"b " + packed(1, np.nan), "byte 14: expected finite numb"),
        (b"2 2\na " + ROW + b"b\0 " + ROW, "byte 14: expected a word without .* NUL"),
        (
            b"2 2\na " + ROW + b"b\nc " + ROW,
            "byte 14: expected a word without line end",
        ),
        (
            b"1 2\n" + b"a" * 70_000 + b" " + ROW,
            "byte 4: expected a space within 65536",
        ),
        (
            b"1 8\na" + b" 0.125" * 8 + b"\n",
            "byte 4: expected 32 bytes, got text: binary=F",
        ),
    ],
)
def test_bad_binary_files_are_named_in_one_line(tmp_path, data, message):
    complain(write(tmp_path, data), True, message)


def complain(path, binary, message="", **options):
    with pytest.raises(ValueError, match=message) as caught:
        load_word2vec_format(path, binary=binary, **options)
    assert str(caught.value).startswith(f"{str(path)!r}: ")
    assert "\n" not in str(caught.value)


@BOTH
def test_a_file_cut_anywhere_is_an_error(tmp_path, binary):
    save_word2vec_format(made(), tmp_path / "whole", binary=binary)
    data = (tmp_path / "whole").read_bytes()
    # Cut text is seen unless the cut only shortens the last number.
    last = len(data) if binary else data.rindex(b" ") + 1
    for length in range(last):
        complain(write(tmp_path, data[:length]), binary, "expected")


def test_bytes_are_counted_from_the_start_of_the_file(tmp_path, monkeypatch):
    save_word2vec_format(made(), tmp_path / "whole", binary=True)
    data = (tmp_path / "whole").read_bytes()
    monkeypatch.setattr(vector_records, "_BLOCK_BYTES", 7)
    for length in range(5, len(data)):
        complain(write(tmp_path, data[:length]), True, f"byte {length}: expected vec")
    double = data.replace("国王".encode(), b"the")
    complain(write(tmp_path, double), True, f"byte {double.rindex(b'the')}: expected a")


@BOTH
def test_a_wrong_header_is_an_error(tmp_path, binary):
    save_word2vec_format(made(), tmp_path / "whole", binary=binary)
    data = (tmp_path / "whole").read_bytes()
    for header in (b"8 3", b"10 3", b"9 2", b"9 4", b"3 9", b"1 3", b"9 1"):
        complain(write(tmp_path, header + data[3:]), binary, "expected")


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("damage", ["cut", "garbage", "flip"])
@BOTH
def test_damaged_compressed_files_are_errors(tmp_path, suffix, damage, binary):
    save_word2vec_format(made(size=200), tmp_path / "whole", binary=binary)
    data = bytearray(PACK[suffix]((tmp_path / "whole").read_bytes()))
    if damage == "cut":
        del data[len(data) // 2 :]
    elif damage == "garbage":
        data[:] = b"this is no compressed data at all"
    else:
        data[len(data) // 2] ^= 0x10
    path = write(tmp_path, bytes(data), f"vectors{suffix}")
    complain(path, binary, "vectors" if damage == "flip" else "damaged or cut short")


def test_a_link_to_a_file_is_read(tmp_path):
    save_word2vec_format(made(), tmp_path / "whole")
    (tmp_path / "link").symlink_to(tmp_path / "whole")
    assert load_word2vec_format(tmp_path / "link").words == made().words


def test_files_that_cannot_be_read_are_errors(tmp_path):
    complain(tmp_path / "none", False, "No such file")
    complain(tmp_path, True, "directory")
    save_word2vec_format(made(), tmp_path / "whole")
    os.mkfifo(tmp_path / "pipe")  # nobody writes: to read it would never end
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "link"):
        expected = "path: expected a regular file, got something"
        complain(tmp_path / name, False, expected)
    with pytest.raises(ValueError, match="pipe': path: expected a regular file"):
        load_word2vec_format(tmp_path / "whole", tmp_path / "pipe")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a 2\nb\n", "line 2: expected 'word count', got 'b"),
        (b"a 2\nb c 1\n", "line 2: expected 'word count', got 'b c 1"),
        (b"a 2\nb -1\n", "line 2: expected 'word count', got 'b -1"),
        (b"a 2\nb " + b"9" * 19, "line 2: expected 'word count', got 'b 99"),
        (b"a 2\nb\xff 1\n", "line 2: expected a word in UTF-8"),
        (b"a 2\nc 1\n", "expected a count for 'b', got none"),
        (b"", "expected a count for 'a', got none"),
    ],
)
def test_bad_files_of_counts_are_named(tmp_path, data, message):
    save_word2vec_format(made(["a", "b"]), tmp_path / "vectors")
    path = write(tmp_path, data, "counts")
    with pytest.raises(ValueError, match=message) as caught:
        load_word2vec_format(tmp_path / "vectors", path)
    assert str(caught.value).startswith(f"{str(path)!r}: ")


def test_counts_may_be_of_more_words_and_in_another_order(tmp_path):
    save_word2vec_format(made(["a", "x\u3000y"]), tmp_path / "vectors")
    path = write(tmp_path, f"c 9\nx\u3000y {2**59}\r\na 5\n".encode(), "counts")
    counts = load_word2vec_format(tmp_path / "vectors", path).counts
    assert counts is not None
    assert (counts.tolist(), counts.dtype) == ([5, 2**59], np.int64)


@BOTH
@pytest.mark.parametrize("word", ["a b", "a\n", "\0", "\ud800"])
def test_save_refuses_words_that_no_file_can_hold(tmp_path, binary, word):
    with pytest.raises(ValueError, match="words: expected") as caught:
        save_word2vec_format(made(["a", word]), tmp_path / "vectors", binary=binary)
    assert repr(word) in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_save_refuses_counts_that_are_not_there(tmp_path):
    found = made()._replace(counts=None)
    with pytest.raises(
        ValueError, match="vectors: expected counts, as fvocab is given"
    ):
        save_word2vec_format(found, tmp_path / "vectors", tmp_path / "counts")
    message = "paths: expected different files"
    with pytest.raises(ValueError, match=message):
        save_word2vec_format(made(), tmp_path / "same", tmp_path / "." / "same")
    assert os.listdir(tmp_path) == []


@BOTH
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("fails", ["fsync", "write", "second open"])
def test_save_leaves_the_old_files_if_it_fails(
    tmp_path, monkeypatch, binary, suffix, fails
):
    path, counts = tmp_path / f"vectors{suffix}", tmp_path / "counts"
    save_word2vec_format(made(), path, counts, binary)
    before = path.read_bytes(), counts.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    other, wrong = made(seed=1), counts
    if fails == "fsync":
        monkeypatch.setattr(streams.os, "fsync", fail)
    elif fails == "write":
        other = other._replace(counts=type("Full", (), {"tolist": lambda _: Full()})())
    else:
        wrong = tmp_path / "no folder" / "counts"
    with pytest.raises(OSError, match="No space left|No such file"):
        save_word2vec_format(other, path, wrong, binary)
    assert (path.read_bytes(), counts.read_bytes()) == before
    assert sorted(os.listdir(tmp_path)) == sorted([path.name, counts.name])


def test_a_folder_where_a_file_should_be_leaves_the_other_file(tmp_path):
    path, folder = tmp_path / "vectors.txt", tmp_path / "counts"
    save_word2vec_format(made(), path)
    before = path.read_bytes()
    folder.mkdir()
    with pytest.raises(IsADirectoryError, match="counts"):
        save_word2vec_format(made(seed=1), path, folder)
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["counts", "vectors.txt"]


class Full(list):
    """Counts that fail once the vectors are written."""

    def __init__(self):
        super().__init__([1])

    def __iter__(self):
        raise OSError(28, "No space left on device")


@BOTH
def test_load_needs_memory_for_the_table_and_a_block(tmp_path, monkeypatch, binary):
    rows = np.arange(300_000, dtype=np.float32).reshape(1000, 300)
    found = vectors.make([f"w{i}" for i in range(1000)], rows)
    save_word2vec_format(found, tmp_path / "vectors", binary=binary)
    monkeypatch.setattr(vector_records, "_BLOCK_BYTES", 2**14)
    monkeypatch.setattr(vectors, "_BLOCK_ROWS", 16)
    load_word2vec_format(tmp_path / "vectors", binary=binary)  # imports what it needs
    tracemalloc.start()
    again = load_word2vec_format(tmp_path / "vectors", binary=binary)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert same(again, found)
    assert peak < 1.3 * rows.nbytes  # a quarter are the words


BOMBS = {
    "many vectors": b"1000000 1000",
    "more vectors": b"10000000 1000",
    "a long vector": b"1 1000000000",
    "the longest vector": b"1 262144",
    "more than there is": b"1 99999999999999",
    "many long vectors": b"9" * 15 + b" " + b"9" * 15,
}


@BOTH
@pytest.mark.parametrize("suffix", UNPACK)
def test_bombs_cost_neither_time_nor_memory(tmp_path, suffix, binary):
    """At most 0.1 s and 50 MB each: a header is a stranger's word about sizes."""
    for name, header in BOMBS.items():
        data = PACK.get(suffix, bytes)(header + b"\na 1\n")
        path = write(tmp_path, data, f"{name}{suffix}")
        tracemalloc.start()
        start = time.process_time()
        message = "line 2: expected a word|got the end of the file$|262144 .* at most"
        complain(path, binary, message)
        seconds = time.process_time() - start
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seconds <= 0.1, name
        assert peak <= 50_000_000, name


@BOTH
def test_a_vector_of_many_blocks_is_read(tmp_path, monkeypatch, binary):
    monkeypatch.setattr(vector_records, "_BLOCK_BYTES", 2**10)
    found = made(["a", "b"], size=10_000)
    save_word2vec_format(found, tmp_path / "vectors", binary=binary)
    assert same(load_word2vec_format(tmp_path / "vectors", binary=binary), found)


def test_vectors_that_no_memory_holds_are_an_error_of_one_line(tmp_path):
    """In a process of its own, which gets 10 MB more than it has; they take 30."""
    size = 2**18
    rows = {"text": b" ".join([b"0"] * size) + b"\n", "binary": bytes(4 * size)}
    paths = [tmp_path / name for name in rows]
    for path, row in zip(paths, rows.values(), strict=True):
        words = (b"%d " % i + row for i in range(30))
        path.write_bytes(b"30 %d\n" % size + b"".join(words))
    command = [sys.executable, "-c", OF_LITTLE_MEMORY, *map(str, paths)]
    said = subprocess.check_output(command, text=True).splitlines()
    expected = "line 1: expected no more than memory can hold, got 30 vectors of 262144"
    assert said == [f"{str(path)!r}: {expected} numbers" for path in paths]


OF_LITTLE_MEMORY = """
import resource, sys
from jaxseq.word2vec import vector_files
with open("/proc/self/statm") as stream:
    used = int(stream.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 10_000_000,) * 2)
for path, binary in zip(sys.argv[1:], (False, True), strict=True):
    try:
        vector_files.load_word2vec_format(path, binary=binary)
    except ValueError as error:
        print(error)
"""
