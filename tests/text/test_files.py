import bz2
import gzip
import lzma
import tracemalloc

import pytest
from hypothesis import given, strategies as st

from jaxseq.text.files import CorpusError, read_chunks, read_lines


TEXT = "first line\n\nzweite Zeile mit é\n第三行，中文\n🙂 emoji\n"
WRITERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def write(folder, data, name="corpus.txt"):
    path = folder / name
    path.write_bytes(data)
    return path


def message_of(path, reader=read_lines):
    with pytest.raises(CorpusError) as caught:
        list(reader(path))
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("suffix", WRITERS)
def test_read_lines_gives_same_lines_compressed_or_not(tmp_path, suffix):
    path = write(tmp_path, WRITERS[suffix](TEXT.encode()), "corpus.txt" + suffix)
    assert list(read_lines(path)) == TEXT.split("\n")[:-1]
    assert "".join(read_chunks(path)) == TEXT


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"one", ["one"]),
        (b"one\n", ["one"]),
        (b"\n", [""]),
        (b"\n\n\n", ["", "", ""]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\r\nb\nc", ["a", "b", "c"]),
        (b"a\rb\n", ["a\rb"]),
        (b"a\r", ["a"]),
        (b"\r", [""]),
        (b"a\r\r", ["a\r"]),
        (b"a\rb\n\r", ["a\rb", ""]),
        (b"\xef\xbb\xbfa\nb\n", ["a", "b"]),
        (b"a\n\xef\xbb\xbfb", ["a", "\ufeffb"]),
        ("a\x0bb\x0cc\x1cd\x85e\u2028f".encode(), ["a\x0bb\x0cc\x1cd\x85e\u2028f"]),
    ],
)
def test_read_lines_splits_at_lf_and_crlf_only(tmp_path, data, lines):
    path = write(tmp_path, data)
    assert list(read_lines(path)) == lines
    assert "".join(read_chunks(path)).removesuffix("\n") == "\n".join(lines)


@given(
    lines=st.lists(st.text(st.characters(exclude_characters="\0\r\n", codec="utf-8")))
)
def test_read_lines_returns_what_was_written(tmp_path_factory, lines):
    lines = ["start", *lines]
    data = "".join(line + "\n" for line in lines).encode()
    path = write(tmp_path_factory.mktemp("lines"), data)
    assert list(read_lines(path)) == lines


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 5, 7, 64])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_readers_do_not_depend_on_where_blocks_end(
    tmp_path, monkeypatch, block_bytes, line_end
):
    path = write(tmp_path, (TEXT + "last 行").replace("\n", line_end).encode())
    monkeypatch.setattr("jaxseq.text.files._BLOCK_BYTES", block_bytes)
    assert list(read_lines(path)) == [*TEXT.split("\n")[:-1], "last 行"]
    assert "".join(read_chunks(path)) == TEXT + "last 行"


@pytest.mark.parametrize("reader", [read_lines, read_chunks])
@pytest.mark.parametrize(
    "prefix", [b"", b"x\n" * 5, b"y" * 1_500_000, b"z\n" * 600_000]
)
@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (b"a\0b", "NUL byte"),
        ("汉字处理".encode("gbk"), "GBK"),
        ("caf\xe9 au lait".encode("latin-1"), "Latin-1"),
        (b"ab\xed\xa0\x80cd", "lone surrogate"),
        (b"ab\xff", "invalid UTF-8"),
        ("汉".encode()[:2], "cut short"),
    ],
)
def test_readers_name_the_byte_offset_of_a_fault(tmp_path, reader, prefix, bad, found):
    path = write(tmp_path, prefix + bad)
    message = message_of(path, reader)
    first = next(i for i, byte in enumerate(bad) if byte == 0 or byte >= 0x80)
    assert f"at byte {len(prefix) + first}" in message
    assert found in message


@pytest.mark.parametrize("block_bytes", [3, 64, 2**20])
@pytest.mark.parametrize("bad", [b"x\0", b"caf\xe9 au lait"])
@pytest.mark.parametrize("num_lines", [0, 1, 7])
def test_read_lines_names_the_line_of_a_fault(
    tmp_path, monkeypatch, block_bytes, bad, num_lines
):
    monkeypatch.setattr("jaxseq.text.files._BLOCK_BYTES", block_bytes)
    path = write(tmp_path, b"ab\n" * num_lines + bad + b"\nlast\n")
    assert f"{str(path)!r}, line {num_lines + 1}: " in message_of(path)
    assert "line" not in message_of(path, read_chunks).rpartition(str(path))[2]


def test_read_lines_counts_the_byte_order_mark_in_offsets(tmp_path):
    assert "at byte 4;" in message_of(write(tmp_path, b"\xef\xbb\xbfa\0"))


def test_read_lines_names_the_offset_in_the_uncompressed_stream(tmp_path):
    path = write(tmp_path, gzip.compress(b"x" * 5000 + b"\xff\n"), "corpus.gz")
    assert "at byte 5000:" in message_of(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_read_lines_recognises_utf_16(tmp_path, encoding):
    assert "UTF-16" in message_of(write(tmp_path, "plain text\n".encode(encoding)))


@pytest.mark.parametrize(
    ("compress", "kind"),
    [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")],
)
def test_read_lines_recognises_compressed_data_under_a_plain_name(
    tmp_path, compress, kind
):
    assert f"looks like {kind} data" in message_of(write(tmp_path, compress(b"a" * 99)))


def test_read_lines_rejects_files_that_cannot_be_read(tmp_path):
    assert "No such file" in message_of(tmp_path / "none.txt")
    assert "directory" in message_of(tmp_path)
    assert "empty" in message_of(write(tmp_path, b""))
    assert "empty" in message_of(write(tmp_path, b"\xef\xbb\xbf"))
    assert "empty" in message_of(write(tmp_path, gzip.compress(b""), "empty.gz"))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "flip"])
def test_read_lines_rejects_damaged_compressed_files(tmp_path, suffix, damage):
    whole = bytearray(WRITERS[suffix](TEXT.encode() * 100))
    if damage == "cut":
        del whole[len(whole) // 2 :]
    elif damage == "garbage":
        whole[:] = b"this is no compressed data at all"
    else:
        whole[len(whole) // 2] ^= 0x10
    path = write(tmp_path, bytes(whole), "corpus" + suffix)
    assert "damaged or cut short" in message_of(path)


def test_read_lines_names_the_start_of_a_line_that_is_too_long(tmp_path):
    path = write(tmp_path, b"ab\n" + b"c" * 11 + b"\nd\n")
    with pytest.raises(CorpusError, match=r"line at byte 3 is longer than .* = 10;"):
        list(read_lines(path, max_line_bytes=10))
    assert list(read_lines(path, max_line_bytes=11)) == ["ab", "c" * 11, "d"]
    path = write(tmp_path, b"\xef\xbb\xbf" + b"c" * 3_000_000)
    with pytest.raises(CorpusError, match="line at byte 3 is longer"):
        list(read_lines(path, max_line_bytes=2_000_000))
    with pytest.raises(ValueError, match="^max_line_bytes: expected an integer ≥ 1"):
        list(read_lines(path, max_line_bytes=0))


def peak_megabytes(reader, path):
    tracemalloc.start()
    num_chars = sum(len(piece) for piece in reader(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return num_chars, peak / 2**20


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_read_lines_needs_memory_for_one_block_only(tmp_path, suffix):
    data = b"the quick brown fox jumps over the lazy dog\n" * 700_000
    path = write(tmp_path, WRITERS[suffix](data), "corpus.txt" + suffix)
    del data
    num_chars, peak = peak_megabytes(read_lines, path)
    assert num_chars == 43 * 700_000
    assert peak < 16


def test_read_lines_holds_a_long_line_once_when_it_is_given(tmp_path):
    path = write(tmp_path, b"0123456789" * 3_000_000 + b"\nend\n")
    lines = read_lines(path)
    tracemalloc.start()
    line = next(lines)
    held = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    assert len(line) == 30_000_000
    assert held < 1.5 * 30


def test_readers_take_one_line_of_30_megabytes(tmp_path):
    path = write(tmp_path, b"0123456789" * 3_000_000 + b"\nend\n")
    num_chars, peak = peak_megabytes(read_lines, path)
    assert num_chars == 30_000_003
    assert peak < 2.5 * 30
    num_chars, peak = peak_megabytes(read_chunks, path)
    assert num_chars == 30_000_005
    assert peak < 8
