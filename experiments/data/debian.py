"""The shipped corpus: Debian package descriptions and their one-line synopses.

    >>> from experiments.data import debian
    >>> [len(debian.load(split)) for split in ("train", "valid", "test")]
    [36014, 1646, 1543]

README.md beside this file says where the texts come from.
"""

import hashlib
import json
import lzma
from pathlib import Path
from typing import NamedTuple

from jaxseq.text.files import CorpusError


SPLITS = ("train", "valid", "test")
SHA256 = "a99fc3c44bc55e1dca9767ee77d0d28e4e04cb2ed1a364d8ac038f6dec928734"


class Pair(NamedTuple):
    """A text and its summary.

    Attributes:
      document: opening of the package's description, about 28 words.
      summary: its synopsis, about 7 words.
      package: name of the binary package.
      source: name of the source package.
    """

    document: str
    summary: str
    package: str
    source: str


def path() -> Path:
    """Where the corpus lies."""
    return Path(__file__).with_name("debian.jsonl.xz")


def load(split: str) -> list[Pair]:
    """The pairs of one split, sorted by package.

    Args:
      split: "train" (36,014 pairs), "valid" (1,646) or "test" (1,543). No family of
        source packages is on two sides.

    Raises:
      CorpusError: in one line, if the file is missing or not the one that was shipped.
      ValueError: if there is no such split.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, got {split!r}")
    return _load(path(), SHA256, split)


def _load(file: Path, sha256: str, split: str) -> list[Pair]:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise CorpusError(
            f"{str(file)!r} is not there: the Debian texts come with a checkout, not "
            "with an installed jaxseq; give a file of your own (--help says how)"
        ) from None
    except OSError as error:
        raise CorpusError(f"{str(file)!r}: {error.strerror}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise CorpusError(
            f"{str(file)!r} is damaged: its {len(data)} bytes have the SHA-256 "
            f"{found}, expected {sha256}; restore it from the repository"
        )
    rows = map(json.loads, lzma.decompress(data).decode().splitlines())
    return [
        Pair(row["document"], row["summary"], row["package"], row["source"])
        for row in rows
        if row["split"] == split
    ]
