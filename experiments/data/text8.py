"""Text8: the first 10⁸ characters of the English Wikipedia of 2006, cleaned.

    >>> from experiments.data import text8
    >>> text8.fetch("cache")
    PosixPath('cache/text8')

One line of 17,005,207 words of the letters a to z, made by Matt Mahoney
(http://mattmahoney.net/dc/textdata.html). It comes over plain HTTP, so the checksums of
archive and file are looked at. Both are as several independent public programs that
fetch text8 have them; they were not computed from a download of our own.
"""

import hashlib
import http.client
import io
import os
import shutil
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import NamedTuple

from jaxseq.text.files import CorpusError

from ..results import replace


class Content(NamedTuple):
    """What a file should hold."""

    num_bytes: int
    sha256: str


URL = "http://mattmahoney.net/dc/text8.zip"
ARCHIVE = Content(
    31_344_016, "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
)
TEXT = Content(
    100_000_000, "6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7"
)
_TIMEOUT = 30  # seconds without a byte


def fetch(folder: str | os.PathLike[str], url: str = URL) -> Path:
    """The file text8, downloaded into a folder unless it is there.

    Args:
      folder: of the file, 100 MB; made if it is missing.
      url: of the archive, 31 MB.

    Returns:
      Path of the file: with the right checksum, also if it was there before.

    Raises:
      CorpusError: in one line, if the download fails, if archive or file have another
        checksum, or if the folder cannot be written.
    """
    path = Path(folder) / "text8"
    try:
        if path.exists():
            _check_file(path)
            return path
        archive = _download(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        return replace(path, lambda part: _unpack(archive, part))
    except OSError as error:
        raise CorpusError(f"{os.fspath(path)!r}: {error.strerror}") from None


def _download(url: str) -> io.BytesIO:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as stream:
            archive = io.BytesIO(stream.read(ARCHIVE.num_bytes + 1))
    except urllib.error.HTTPError as error:
        error.close()  # it is the server's answer, too
        raise CorpusError(f"cannot fetch {url}: {error}") from None
    # HTTPException: what answers is no web server. ValueError: the URL is none.
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise CorpusError(f"cannot fetch {url}: {reason}") from None
    _check(archive, ARCHIVE, url, "the download is damaged or another file")
    return archive


def _unpack(archive: io.BytesIO, path: Path) -> None:
    with zipfile.ZipFile(archive) as files, files.open("text8") as member:
        with open(path, "wb") as text:
            shutil.copyfileobj(member, text)
    _check_file(path)


def _check_file(path: Path) -> None:
    with open(path, "rb") as text:
        _check(text, TEXT, repr(os.fspath(path)), "delete it to fetch it again")


def _check(stream: io.BufferedIOBase, content: Content, name: str, hint: str) -> None:
    num_bytes = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != content.sha256:
        raise CorpusError(
            f"{name}: its {num_bytes} bytes have the SHA-256 {found}, expected "
            f"{content.num_bytes} bytes with {content.sha256}; {hint}"
        )
