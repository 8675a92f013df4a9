"""Build pairs (description, synopsis) from the package indexes that apt keeps.

    python -m experiments.data.build_debian OUT.jsonl.xz
    python -m experiments.data.build_debian OUT.jsonl.xz Packages Translation-en ...

Without files it asks `apt-get indextargets` for Debian's main component; apt keeps the
long texts only if told so: `apt-get -o Acquire::Languages=en update`. With files, name
those of the newest suite first: a package is taken from the first index that has it.
Files may be plain, .gz, .bz2, .xz or, through apt's own helper, .lz4 and .zst.

A pair is the opening of a description's first paragraph and its one-line synopsis.
Rows are one JSON object a line, sorted by package. The result is a pure function of the
indexes: same files, same bytes. See README.md beside this file for the rules' purpose.
"""

import argparse
import hashlib
import json
import lzma
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from .apt_index import Description, find, read


class Row(NamedTuple):
    """One line of the corpus, fields in the order of the file."""

    split: str
    package: str
    source: str
    document: str
    summary: str


def build(descriptions: Iterable[Description]) -> tuple[list[Row], Counter[str]]:
    """All rules: the rows sorted by package, and how many each rule dropped.

    Args:
      descriptions: in order of preference; of one package the first one counts.

    Returns:
      The rows and a count by reason, "pairs" for those that are kept.
    """
    reasons: Counter[str] = Counter()
    first: dict[str, Description] = {}
    for description in descriptions:
        first.setdefault(description.package, description)
    rows = []
    seen: set[tuple[str, ...]] = set()
    # of several packages of one text the shortest name tends to be the program itself
    for item in sorted(first.values(), key=lambda d: (len(d.package), d.package)):
        row = Row(
            split=split_of(item.source),
            package=item.package,
            source=item.source,
            document=opening(paragraph(item.body)),
            summary=" ".join(item.synopsis.split()),
        )
        marks = {
            "same document": ("document", row.document.lower()),
            "same synopsis head": ("head", row.source, head(row.summary)),
            "same synopsis": ("synopsis", row.summary.lower()),
        }
        reason = unfit(row) or next((k for k, m in marks.items() if m in seen), "pairs")
        reasons[reason] += 1
        if reason == "pairs":
            rows.append(row)
            seen.update(marks.values())
    return sorted(rows, key=lambda row: row.package), reasons


def paragraph(body: str) -> str:
    """The first paragraph on one line, up to a blank (" .") or an indented line."""
    lines = []
    for line in body.split("\n"):
        if line.strip() in ("", ".") or line[0].isspace():
            break
        lines.append(line)
    return " ".join(" ".join(lines).split())


_BOUNDARY = re.compile(r"(?<=[a-z0-9)\"'][.!?])\s+(?=[A-Z\"'(])")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|etc|vs|Inc|Dr|Mr|Corp|resp)\.$")
_SHORT_OPENING = 130
_SHORT_SENTENCE = 20


def opening(text: str) -> str:
    """The first sentence, with the second one if the first is under 130 characters.

    A sentence of under 20 characters counts as part of the one after it.
    """
    ends = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        end = match.start()
        if end - start >= _SHORT_SENTENCE and not _ABBREVIATION.search(text[:end]):
            ends.append(end)
            start = match.end()
    ends.append(len(text))
    takes_two = ends[0] < _SHORT_OPENING and len(ends) > 1
    return text[: ends[1]] if takes_two else text[: ends[0]]


_TOKEN = re.compile(r"[a-z0-9]+(?:[-.'/+_][a-z0-9]+)*|[^\sa-z0-9]")
_STUB = re.compile(
    r"transitional|meta-?package|dummy package|debug(ging)? symbols|debcargo"
)
_TRIPLET = re.compile(
    r"^(gcc|g\+\+|gobjc(\+\+)?|gfortran|gdc|gnat|gccgo|gccrs|gm2|cpp|binutils|lib.*)"
    r".*-(aarch64|alpha|amd64|arc|arm|arm64|armel|armhf|hppa|hppa64|i386|i686|ia64"
    r"|loong64|loongarch64|m68k|mips\w*|powerpc\w*|ppc64\w*|riscv64|s390x|sh4|sparc64"
    r"|x32|x86-64)(-linux-gnu\w*|-cross)\b"
)
_KIND = re.compile(
    r"(this|the) (sub-?)?package (contains|provides|includes|ships|installs) "
    r"(the )?(development|header|static|debug(ging)?|documentation|shared|common"
    r"|architecture[- ]independent)\b"
)
_DOCUMENT_TOKENS = range(8, 101)
_SUMMARY_TOKENS = range(3, 21)


def unfit(row: Row) -> str | None:
    """The rule that a pair breaks by itself, None if it breaks none."""
    document, summary = row.document.lower(), row.summary.lower()
    document_tokens, summary_tokens = _TOKEN.findall(document), _TOKEN.findall(summary)
    if _STUB.search(f"{summary}\n{document}"):
        return "transitional, meta or debug"
    if _TRIPLET.search(row.package):
        return "cross toolchain"
    if _KIND.match(document):
        return "boilerplate"
    if len(document_tokens) not in _DOCUMENT_TOKENS:
        return "length"
    if len(summary_tokens) not in _SUMMARY_TOKENS:
        return "length"
    shared = set(document_tokens) & set(summary_tokens)
    if not any(len(token) > 3 for token in shared):
        return "no shared word"
    return None


def head(summary: str) -> str:
    """A synopsis without the part that tells the packages of one source apart."""
    return re.split(r"\s+--?\s+|\s*[(,:]", summary.lower())[0].strip()


_PREFIX = re.compile(
    r"^(lib|python3?-?|golang-?|node-?|ruby-?|r-cran-|r-bioc-|haskell-?|rust-?|php-?)"
)
_VERSION = re.compile(r"-?\d+(\.\d+)*")
_PER_MILLE_TEST, _PER_MILLE_VALID = 40, 40


def split_of(source: str) -> str:
    """train, valid or test, by a hash of the source's family.

    The family is the name without the prefix of its language and without version
    numbers, so that gcc-12 and gcc-13, or libfoo and python-foo, are on one side.
    """
    family = _VERSION.sub("", _PREFIX.sub("", source))
    place = int(hashlib.sha256(family.encode()).hexdigest(), 16) % 1000
    if place < _PER_MILLE_TEST:
        return "test"
    return "valid" if place < _PER_MILLE_TEST + _PER_MILLE_VALID else "train"


def write(rows: Iterable[Row], path: str | Path) -> None:
    """JSON lines, compressed to the same bytes on every machine with the same xz."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    data = "".join(encode(row._asdict()) + "\n" for row in rows).encode()
    # text is not aligned: 4 context bits of the last character, none of the position
    filters = [
        {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "pb": 0}
    ]
    Path(path).write_bytes(lzma.compress(data, filters=filters))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Build pairs from the package indexes that apt keeps."
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("indexes", nargs="*", help="default: those that apt keeps")
    options = parser.parse_args(arguments)
    try:
        rows, reasons = build(read(options.indexes or find()))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(f"build_debian: {error}")
    write(rows, options.out)
    splits = Counter(row.split for row in rows)
    for name, count in (*reasons.most_common(), *splits.most_common()):
        print(f"{count:7d} {name}")


if __name__ == "__main__":
    main()
