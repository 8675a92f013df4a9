import functools
import hashlib
import http.server
import threading
import zipfile

import pytest

from experiments.data import text8
from jaxseq.text.files import CorpusError


TEXT = b" anarchism originated as a term of abuse" * 1000


def content(data):
    return text8.Content(len(data), hashlib.sha256(data).hexdigest())


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """An archive in the place of the real one."""
    path = tmp_path / "server" / "text8.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("text8", TEXT)
    monkeypatch.setattr(text8, "ARCHIVE", content(path.read_bytes()))
    monkeypatch.setattr(text8, "TEXT", content(TEXT))
    return path


@pytest.fixture
def server(archive):
    """Address of a web server of the archive's folder."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=archive.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def fault_of(folder, url):
    """The message with which nothing comes into the folder."""
    with pytest.raises(CorpusError) as caught:
        text8.fetch(folder, url)
    message = str(caught.value)
    assert "\n" not in message
    assert not folder.exists() or not list(folder.iterdir())
    return message


def test_fetch_downloads_once(tmp_path, server, archive):
    folder = tmp_path / "cache" / "deep"
    path = text8.fetch(folder, f"{server}/text8.zip")
    assert path == folder / "text8"
    assert path.read_bytes() == TEXT
    assert list(folder.iterdir()) == [path]
    archive.unlink()
    assert text8.fetch(str(folder), f"{server}/text8.zip") == path


def test_fetch_names_what_is_wrong_with_the_download(tmp_path, server, archive):
    folder, url = tmp_path / "cache", archive.as_uri()
    assert "No such file" in fault_of(folder, url + ".gone")
    assert "HTTP Error 404" in fault_of(folder, f"{server}/none.zip")
    assert "cannot fetch nowhere: " in fault_of(folder, "nowhere")
    whole = archive.read_bytes()
    for data in (whole[:-1], whole + b"x", whole[:50] + b"?" + whole[51:]):
        archive.write_bytes(data)
        message = fault_of(folder, url)
        assert f"its {len(data)} bytes have the SHA-256" in message
        assert f"expected {len(whole)} bytes" in message


def test_fetch_says_in_one_line_that_nobody_answers(tmp_path):
    # Port 0 is nobody's.
    message = fault_of(tmp_path / "cache", "http://127.0.0.1:0/text8.zip")
    assert message.startswith("cannot fetch http://127.0.0.1:0/text8.zip: ")


def test_fetch_refuses_a_damaged_file_that_is_there(tmp_path, archive):
    path = tmp_path / "text8"
    path.write_bytes(TEXT[:-1])
    with pytest.raises(CorpusError, match="39999 bytes .* delete it to fetch it again"):
        text8.fetch(tmp_path, archive.as_uri())
    assert path.read_bytes() == TEXT[:-1]


def test_fetch_leaves_nothing_if_the_file_cannot_be_written(tmp_path, archive):
    folder = tmp_path / "file"
    folder.write_bytes(b"")
    with pytest.raises(CorpusError, match=r"file/text8': Not a directory|File exists"):
        text8.fetch(folder, archive.as_uri())
    assert folder.read_bytes() == b""


def test_fetch_leaves_nothing_if_the_text_is_another(tmp_path, archive, monkeypatch):
    monkeypatch.setattr(text8, "TEXT", content(b"another"))
    assert "expected 7 bytes" in fault_of(tmp_path / "cache", archive.as_uri())
