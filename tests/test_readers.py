"""Rubbish in files: refused by a `ValueError` of one line, or read; nothing else."""

import io
import random
import zipfile

import hypothesis
import hypothesis.strategies as st
import pytest

from tests.readers import READERS, refuses


@pytest.mark.parametrize("name", READERS)
def test_what_is_sound_is_read(name, tmp_path):
    assert not refuses(READERS[name], READERS[name].samples[0], tmp_path)


@hypothesis.settings(
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(content=st.binary(max_size=200))
@pytest.mark.parametrize("name", READERS)
def test_any_bytes_are_read_or_refused(name, content, tmp_path):
    refuses(READERS[name], content, tmp_path)


def spoilt(sample, draw):
    """Cuts, swaps, repeats and flips at a few places of a file."""
    content = bytearray(sample)
    for _ in range(draw.randint(1, 3)):
        first, last = sorted(draw.randint(0, len(content)) for _ in range(2))
        match draw.randint(0, 4):
            case 0:
                del content[first:last]
            case 1:
                content[first:first] = content[first:last]
            case 2:
                content[first:last] = bytes(reversed(content[first:last]))
            case 3 if first < len(content):
                content[first] ^= 1 << draw.randint(0, 7)
            case _:
                content[first:first] = draw.choice((b"9" * 25, b"\0", b"[" * 3000))
    return bytes(content)


@pytest.mark.parametrize("name", READERS)
def test_spoilt_files_are_read_or_refused(name, tmp_path):
    draw = random.Random(name)
    reader = READERS[name]
    refused = [
        refuses(reader, spoilt(draw.choice(reader.samples), draw), tmp_path)
        for _ in range(150)
    ]
    assert name == "tokens" or any(refused)


def test_a_shape_that_no_machine_holds_is_refused(tmp_path):
    before, after = b"(2, 3), }" + b" " * 14, b"(999999999999999, 3), }"
    sound, content = io.BytesIO(READERS["npz"].samples[0]), io.BytesIO()
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(before, after))
    assert after in content.getvalue()
    assert refuses(READERS["npz"], content.getvalue(), tmp_path)
