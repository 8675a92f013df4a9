"""What a checkpoint says beside its arrays: one file of JSON that seals all the others.

It begins with the digest of its own content, and holds those of the other files.
"""

import errno
import json
from pathlib import Path
from typing import Any

from jaxseq.checks import expect
from jaxseq.train import about, digests


FORMAT = 1
NAME = "checkpoint.json"
_LARGEST = 2**26  # bytes; some hundred a leaf are needed, and two hundred a record
# What the system says of files that are gone, or that the disk does not give back.
DAMAGE = (errno.EIO, errno.EISDIR, errno.ELOOP, errno.ENOENT, errno.ENOTDIR)
_ENTRIES = {
    "format": int,
    "number": int,
    "score": float | None,
    "host": dict,
    "settings": dict,
    "software": dict,
    "leaves": dict,
    "files": dict,
}
_LEAF = (("dtype", str), ("shape", list), ("sha256", str))


class Damaged(ValueError):
    """A checkpoint is not what was written; the message is one line."""


def write(place: Path, entries: dict[str, Any]) -> None:
    """Writes the file, when all others are there; it adds their digests.

    Args:
        place: the folder of the checkpoint.
        entries: what the file shall hold, fit for JSON.

    Raises:
        ValueError: if it would be larger than what is read again.
    """
    entries = entries | {"files": digests.of_files(place)}
    text = json.dumps(entries, allow_nan=False, ensure_ascii=False)
    content = digests.sealed(text)
    expected = f"{_LARGEST} bytes at most, with all records"
    expect(len(content) <= _LARGEST, NAME, expected, len(content))
    (place / NAME).write_bytes(content)


def read(place: Path) -> dict[str, Any]:
    """Reads the file, and compares every other one with its digest.

    Args:
        place: the folder of the checkpoint.

    Returns:
        What it holds; of another format nothing is known but that.

    Raises:
        Damaged: if a bit of any of them is another one.
        OSError: in one line, if they cannot be read for another reason: they may be
            whole.
    """
    try:
        head = unchecked(place)
        if head["format"] != FORMAT:
            return head
        found = digests.of_files(place)
    except (OSError, RecursionError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, OSError) and error.errno not in DAMAGE:
            message = f"cannot read the checkpoint {str(place)!r}: {reason}"
            raise OSError(message) from error
        raise Damaged(f"{str(place)!r} is damaged: {reason}") from None
    found.pop(NAME)
    if wrong := about.differences(found, head["files"]):
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise Damaged(f"{str(place)!r} is damaged: its file {wrong[0]!r}{more}")
    return head


def unchecked(place: Path) -> dict[str, Any]:
    """Reads the file alone.

    Args:
        place: the folder of the checkpoint.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is not what was written.
    """
    with open(place / NAME, "rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"{NAME} has more than {_LARGEST} bytes")
    head = json.loads(digests.unsealed(content))
    if not isinstance(head, dict) or not _is_ours(head):
        raise ValueError(f"{NAME} is not what this program writes")
    return head


def _is_ours(head: dict[str, Any]) -> bool:
    if isinstance(head.get("format"), int) and head["format"] != FORMAT:
        return True  # of another version of this program
    return all(isinstance(head.get(k), t) for k, t in _ENTRIES.items()) and all(
        isinstance(leaf, dict) and all(isinstance(leaf.get(k), t) for k, t in _LEAF)
        for leaf in head["leaves"].values()
    )
