"""SHA-256 of arrays, of files, and of a text that carries its own.

None of the formats that hold a checkpoint's arrays sees a flipped bit in them: it comes
back as another number. A digest of the bytes does.

Reference: FIPS 180-4, Secure Hash Standard, 2015.
"""

import hashlib
import os
from pathlib import Path

import numpy as np


def of_array(array: np.ndarray) -> str:
    """Returns the digest of an array: its dtype, shape and bytes, in C order.

    Args:
        array: of any shape.
    """
    digest = hashlib.sha256(f"{array.dtype}{list(array.shape)}".encode())
    # As bytes: the buffer protocol does not know bfloat16.
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def of_files(folder: Path) -> dict[str, str]:
    """Returns the digest of every file under a folder, by its path from there.

    Args:
        folder: with other folders in it, or none.

    Raises:
        ValueError: if something is neither file nor folder: a link could lead anywhere.
    """
    found = {}
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            inner = of_files(Path(entry.path))
            found |= {f"{entry.name}/{name}": digest for name, digest in inner.items()}
        elif entry.is_file(follow_symlinks=False):
            with open(entry.path, "rb") as stream:
                found[entry.name] = hashlib.file_digest(stream, "sha256").hexdigest()
        else:
            raise ValueError(f"{entry.name!r} is neither a file nor a folder")
    return found


def sealed(text: str) -> bytes:
    """Returns a text in UTF-8, after a line with its digest.

    Args:
        text: any.
    """
    body = text.encode("utf-8")
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def unsealed(content: bytes) -> str:
    """Returns the text that was sealed.

    Args:
        content: what `sealed` returned.

    Raises:
        ValueError: if a bit of it is another one.
    """
    digest, _, body = content.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ValueError("its digest is not that of its content")
    return body.decode("utf-8")
