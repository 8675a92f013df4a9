"""Package indexes as apt keeps them: `Packages` and `Translation-en` files.

Both are lists of stanzas of `Field: value` lines; a line that starts with white space
continues the field above it. `Packages` has the synopsis, `Translation-en` the whole
description; a package finds its own by name and `Description-md5`.
"""

import contextlib
import io
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from jaxseq.text.files import COMPRESSED


class Description(NamedTuple):
    """A binary package in an index; `body` is the text after the synopsis."""

    package: str
    source: str
    synopsis: str
    body: str


def find() -> list[str]:
    """The files of Debian's main component that this machine's apt keeps."""
    command = ["apt-get", "-o", "Acquire::Languages=en", "indextargets"]
    command += ["--format", "$(FILENAME)"]
    files = []
    for created_by in ("Packages", "Translations"):
        filters = ["Origin: Debian", "Component: main", f"Created-By: {created_by}"]
        found = subprocess.run(
            command + filters, stdout=subprocess.PIPE, text=True, check=True
        ).stdout.split()
        if not found:
            raise ValueError(
                f"apt keeps no {created_by} files of Debian main: "
                "run apt-get -o Acquire::Languages=en update"
            )
        files.extend(found)
    return files


def read(paths: Sequence[str | Path]) -> Iterator[Description]:
    """Descriptions from index files of both kinds, in the order of the files.

    Args:
      paths: `Packages` and `Translation-en` files in any mixture.

    Raises:
      ValueError: if a file is neither.
    """
    packages, texts = [], {}
    for path in paths:
        for stanza in _stanzas(path):
            name, md5 = stanza.get("Package"), stanza.get("Description-md5", "")
            if name and "Description-en" in stanza:
                texts[name, md5] = stanza["Description-en"]
            elif name and "Filename" in stanza:
                packages.append(stanza)
            else:
                raise ValueError(
                    f"{path}: neither a Packages nor a Translation-en file"
                )
    for stanza in packages:
        name = stanza["Package"]
        key = name, stanza.get("Description-md5", "")
        text = texts.get(key, stanza.get("Description", ""))
        synopsis, _, body = text.partition("\n")
        source = stanza.get("Source", name).split(" ")[0]
        yield Description(name, source, synopsis, body)


def _stanzas(path: str | Path) -> Iterator[dict[str, str]]:
    """The stanzas of a control file; continued lines lose their leading space."""
    fields: dict[str, str] = {}
    name = ""
    with _open(path) as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            line = line.rstrip("\n")
            if not line:
                if fields:
                    yield fields
                fields = {}
            elif line[0].isspace() and name in fields:
                fields[name] += "\n" + line[1:]
            else:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
    if fields:
        yield fields


_APT_HELPER = "/usr/lib/apt/apt-helper"


@contextlib.contextmanager
def _open(path: str | Path) -> Iterator[IO[bytes]]:
    suffix = Path(path).suffix
    if suffix in (".lz4", ".zst"):
        done = subprocess.run(
            [_APT_HELPER, "cat-file", str(path)], stdout=subprocess.PIPE, check=True
        )
        yield io.BytesIO(done.stdout)
        return
    with COMPRESSED.get(suffix, open)(path, "rb") as stream:  # type: ignore[operator]
        yield stream
