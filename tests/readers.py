"""Everything that reads a stranger's bytes, in one table: for what feeds it rubbish.

A reader takes the bytes of a file and a folder to put it in. It may refuse them by a
`ValueError`, or a kind of it, that says why in one line, and in no other way.
"""

import bz2
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.numpy

from jaxseq.interop import safetensors_files
from jaxseq.summarize import archive, pairs
from jaxseq.summarize.rouge import pairs as rouge_pairs
from jaxseq.text import files, jsonl, tokens, vocab
from jaxseq.word2vec import sentences, vector_files


class Reader(NamedTuple):
    """A reader, and files that it reads."""

    read: Callable[[bytes, Path], object]
    samples: tuple[bytes, ...]


def refuses(reader: Reader, content: bytes, folder: Path) -> bool:
    """Says whether it refused the file; what it raises besides goes on."""
    try:
        reader.read(content, folder)
    except ValueError as error:
        if len(str(error).splitlines()) != 1:
            raise AssertionError("not one line") from error
        return True
    return False


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _lines(suffix: str):
    def read(content, folder):
        path = _file(folder, f"a{suffix}", content)
        lines = list(files.read_lines(path, max_line_bytes=2**16))
        text = "".join(files.read_chunks(path))
        assert text.removesuffix("\n") == "\n".join(lines)
        for line in sentences.from_files(path):
            list(line)

    return read


def _tokens(content, folder):
    del folder
    text = content.decode("utf-8", "replace")
    for tokenizer in (tokens.words, tokens.characters):
        split = tokenizer.split(text)
        assert all(split)
        assert tokenizer.split(tokenizer.join(split)) == split
    known = vocab.build([split])
    assert vocab.decode(known, vocab.encode(known, split)) == split


def _rows(content, folder):
    for row in jsonl.read_rows(_file(folder, "a.jsonl", content)):
        jsonl.text(row, "document")
        jsonl.texts(row, "references")


def _pairs(suffix: str):
    def read(content, folder):
        list(pairs.from_files([_file(folder, f"a{suffix}", content)]))

    return read


def _two_files(content, folder):
    documents, _, summaries = content.partition(b"\0")
    paths = [_file(folder, "a", documents), _file(folder, "b", summaries)]
    list(pairs.from_files(paths))
    rouge_pairs.read(paths[0], paths[1:])


def _rouge(content, folder):
    rouge_pairs.read(_file(folder, "a.jsonl", content))


def _vocab(content, folder):
    found = vocab.load(_file(folder, "a.json", content))
    vocab.save(found, folder / "b.json")
    assert vocab.load(folder / "b.json") == found


def _vectors(name: str, binary: bool):
    def read(content, folder):
        vector_files.load_word2vec_format(_file(folder, name, content), binary=binary)

    return read


def _counts(content, folder):
    path = _file(folder, "vectors", b"2 1\na 1\nb 2\n")
    vector_files.load_word2vec_format(path, _file(folder, "counts", content))


def _safetensors(content, folder):
    safetensors_files.read(_file(folder, "a.safetensors", content))


def _archive(content, folder):
    path = _file(folder, "a.npz", content)
    archive.read(path, "a format", "test's file", lambda arrays: arrays["rows"])


_TEXT = "Ein Bär isst,\r\n e\u0301 你 \U0001f44d\U0001f3fd -- x-y\n\n".encode()
_OBJECT = {"document": "a b", "references": ["a", "b"], "n": [1, {"x": None}]}
_ROUGE = {"hypothesis": "a b", "reference": ["a", "b"]}
_ROWS = np.arange(6, dtype=np.float32).reshape(2, 3)
_VECTORS = b"2 3\na 0 1 2\nb 3 4 5\n"
_BINARY = b"2 3\n" + b"".join(
    word + row.tobytes() for word, row in zip((b"a ", b"b "), _ROWS, strict=True)
)
_VOCAB = {
    **{"format": "jaxseq-vocab", "version": 1, "num_unknown": 2},
    **{"tokens": ["a", "b"], "counts": [3, 1]},
}


def _npz() -> bytes:
    stream = io.BytesIO()
    about = np.array(json.dumps({"a": 1}))
    np.savez(stream, format=np.array("a format"), about=about, rows=_ROWS)
    return stream.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


READERS = {
    "text": Reader(_lines(""), (_TEXT, b"\xef\xbb\xbfa\n", b"\xff\xfea\0")),
    "text.gz": Reader(_lines(".gz"), (gzip.compress(_TEXT, mtime=0),)),
    "text.bz2": Reader(_lines(".bz2"), (bz2.compress(_TEXT),)),
    "text.xz": Reader(_lines(".xz"), (lzma.compress(_TEXT),)),
    "tokens": Reader(_tokens, (_TEXT, "\u01c5\u0130 3.14 e.g.".encode())),
    "rows.jsonl": Reader(_rows, (_json(_OBJECT) + b"\n", b'{"document": "\\ud800"}')),
    "pairs.jsonl": Reader(_pairs(".jsonl"), (_json({"document": "", "summary": "a"}),)),
    "pairs.tsv": Reader(_pairs(".tsv"), (b"a b\tc\nd\te\n",)),
    "pairs of lines": Reader(_two_files, (b"a\nb\n\0c\nd\n",)),
    "rouge.jsonl": Reader(_rouge, (_json(_ROUGE),)),
    "vocabulary": Reader(_vocab, (_json(_VOCAB),)),
    "vectors": Reader(_vectors("a.txt", False), (_VECTORS, b"1 1\na 1e-45\n")),
    "vectors.gz": Reader(_vectors("a.gz", False), (gzip.compress(_VECTORS, mtime=0),)),
    "vectors.bin": Reader(_vectors("a.bin", True), (_BINARY,)),
    "counts": Reader(_counts, (b"a 3\nb 1\n",)),
    "safetensors": Reader(
        _safetensors,
        (
            safetensors.numpy.save({"a/b": _ROWS}, {"of": "a test"}),
            b"\2" + b"\0" * 7 + b"{}",
        ),
    ),
    "npz": Reader(_archive, (_npz(),)),
}
