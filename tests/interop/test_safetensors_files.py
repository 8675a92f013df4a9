"""Model files: to the bit there and back, and what a hostile file cannot do."""

import json
import os
import subprocess
import sys

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from jaxseq import network
from jaxseq.cells import gru, lstm
from jaxseq.interop import safetensors_files as files, torch as interop
from jaxseq.network import Both
from tests.interop.test_torch import assert_same_bits, drawn


ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b.c": np.array(-0.0),
    "d": np.array([np.nan, 1], np.float16),
    "e/f": np.zeros((0, 3)),
    "g": np.array([1.5, -2], jnp.bfloat16),
    "h": np.arange(3),
    "i": np.arange(12.0).reshape(3, 4).T,
}
LAYERS = (lstm.cell(), Both(gru.reset_after(), gru.reset_after()))


def of_header(header, data=b"", size=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if size is None else size
    return size.to_bytes(8, "little") + text + data


def entry(begin=0, end=4, shape=(1,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def test_arrays_come_back_to_the_bit(tmp_path):
    path = tmp_path / "arrays.safetensors"
    files.write(path, ARRAYS, {"made by": "é"})
    found = files.read(path)
    assert found.metadata == {"made by": "é"}
    assert found.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        assert found.arrays[name].shape == array.shape
        assert found.arrays[name].tobytes() == array.tobytes()


def test_same_arrays_give_the_same_bytes(tmp_path):
    path, metadata = tmp_path / "a", {str(k): "x" for k in range(9)}
    written = []
    for pairs in (metadata.items(), reversed(metadata.items())):
        files.write(path, ARRAYS, dict(pairs))
        written.append(path.read_bytes())
    assert written[0] == written[1]


def test_files_of_the_library_and_for_it(tmp_path):
    state_dict = drawn("GRU", 2, prefix="rnn.")
    safetensors.numpy.save_file(state_dict, tmp_path / "theirs", {"format": "pt"})
    read = files.read(tmp_path / "theirs")
    assert read.metadata == {"format": "pt"}
    layers, params = interop.read(read.arrays, "rnn.")
    written = interop.write(layers, params, "rnn.", like=read.arrays)
    files.write(tmp_path / "ours", written, {"format": "pt"})
    again = safetensors.numpy.load_file(tmp_path / "ours")
    assert_same_bits({name: again[name] for name in state_dict}, state_dict)


@pytest.mark.parametrize("dtype", [np.float64, jnp.bfloat16])
def test_trees_come_back_to_the_bit(dtype, tmp_path):
    params = network.init(jax.random.key(0), LAYERS, 3, 4, dtype)
    files.save(tmp_path / "tree", params)
    like = jax.eval_shape(lambda: params)
    again = files.load(tmp_path / "tree", like)
    assert jax.tree.structure(again) == jax.tree.structure(params)
    for leaf, wanted in zip(
        jax.tree.leaves(again), jax.tree.leaves(params), strict=True
    ):
        assert leaf.dtype == wanted.dtype
        assert np.asarray(leaf).tobytes() == np.asarray(wanted).tobytes()
    names = files.read(tmp_path / "tree").arrays
    assert {"0/U", "1/forward/b_m", "1/backward/W"} <= names.keys()


def test_load_names_all_that_differs(tmp_path):
    files.save(tmp_path / "tree", {"a": np.ones(2), "b": np.ones(3), "c": np.ones(1)})
    like = {"a": np.ones(3), "b": np.ones(3, np.float32), "d": np.ones(1)}
    with pytest.raises(ValueError, match="tree': expected the arrays of like") as e:
        files.load(tmp_path / "tree", like)
    for part in (
        "c extra",
        "d missing",
        "a float64[2] in place of float64[3]",
        "b float64[3] in place of float32[3]",
    ):
        assert part in str(e.value)


def test_load_needs_the_setting_of_jax(tmp_path):
    files.save(tmp_path / "tree", {"a": np.ones(2)})
    with (
        jax.enable_x64(False),
        pytest.raises(ValueError, match="jax_enable_x64 is not set, got a"),
    ):
        files.load(tmp_path / "tree", {"a": np.ones(2)})


def test_an_old_file_survives_what_cannot_be_written(tmp_path):
    path = tmp_path / "file"
    files.write(path, {"a": np.ones(2)})
    before = path.read_bytes()
    for arrays, message in (
        ({"a": np.array(["x"])}, "a: expected a dtype of safetensors"),
        ({"a": np.ones(1, complex)}, "a: expected a dtype of safetensors"),
        ({"../a": np.ones(1)}, "name of an array: expected"),
        ({"": np.ones(1)}, "name of an array: expected"),
    ):
        with pytest.raises(ValueError, match=message):
            files.write(path, arrays)
    with pytest.raises(ValueError, match="metadata: expected texts"):
        files.write(path, {}, {"a": 1})
    with pytest.raises(ValueError, match="header: expected at most 262144 bytes"):
        files.write(path, {}, {"a": "x" * (1 << 20)})
    for tree, message in (
        (np.ones(2), "tree: expected a tree whose leaves have names"),
        ({"a": {"b": np.ones(1)}, "a/b": np.ones(1)}, "tree: expected a tree whose"),
        ({"a": "text"}, "a: expected an array, got str"),
    ):
        with pytest.raises(ValueError, match=message):
            files.save(path, tree)
    with pytest.raises(OSError, match="No such file"):
        files.write(tmp_path / "none" / "file", {})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["file"]


BIG = 1 << 62
HOSTILE = {
    "empty": (b"", "at most the file's 0 bytes"),
    "magic": (b"PK\x03\x04" + b"\0" * 60, "header: expected at most the file's 64"),
    "no object": (of_header(b"[1]"), "a JSON object"),
    "cut header": (of_header(b"{", size=9), "at most the file's 9 bytes, got 9"),
    "no JSON": (of_header(b'{"a": nope}'), "Expecting value"),
    "no text": (of_header(b"{\xff}"), "utf-8"),
    "long number": (of_header(b'{"a": ' + b"9" * 5000 + b"}"), "digits"),
    "duplicate": (of_header(b'{"a": 1, "a": 2}'), "each name once"),
    "overlap": (
        of_header({"a": entry(0, 8, (2,)), "b": entry(4, 8)}, bytes(8)),
        "b: data_offsets: expected begin 8",
    ),
    "twice": (of_header({"a": entry(), "b": entry()}, bytes(4)), "expected begin 4"),
    "gap": (of_header({"a": entry(4, 8)}, bytes(8)), "expected begin 0"),
    "beyond": (of_header({"a": entry()}, bytes(3)), "expected 3 bytes, the rest"),
    "rest": (of_header({"a": entry()}, bytes(5)), "expected 5 bytes, the rest"),
    "backwards": (of_header({"a": entry(4, 0)}, bytes(4)), "a begin and an end"),
    "negative": (of_header({"a": entry(-4, 0)}, bytes(4)), "a begin and an end"),
    "float": (of_header({"a": entry(0, 4.0)}, bytes(4)), "a begin and an end"),
    "true": (of_header({"a": entry(shape=[True])}, bytes(4)), "a: shape: expected"),
    "overflow": (of_header({"a": entry(shape=[BIG, 4])}, bytes(4)), "a: data_offsets"),
    "many axes": (of_header({"a": entry(shape=[1] * 17)}, bytes(4)), "at most 16"),
    "dtype": (of_header({"a": entry(dtype="F8_E4M3")}, bytes(4)), "got 'F8_E4M3'"),
    "no dtype": (of_header({"a": entry(dtype=["F32"])}, bytes(4)), "a list of 1"),
    "key": (of_header({"a": entry() | {"x": 1}}, bytes(4)), "a dict of 4"),
    "climbs": (of_header({"x/../../a": entry()}, bytes(4)), "name of an array"),
    "absolute": (of_header({"/etc/passwd": entry()}, bytes(4)), "name of an array"),
    "NUL": (of_header({"a\0": entry()}, bytes(4)), "name of an array"),
    "metadata": (of_header({"__metadata__": {"a": 1}}), "texts by name"),
    "nested": (of_header(b'{"a":' * 50_000), "deep nesting"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name, tmp_path):
    raw, message = HOSTILE[name]
    path = tmp_path / "file"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=message) as e:
        files.read(path)
    assert str(e.value).startswith(f"{str(path)!r}: ")
    assert "\n" not in str(e.value)
    assert len(str(e.value)) < 600


def test_what_is_no_regular_file_is_refused(tmp_path):
    path = tmp_path / "file"
    files.write(path, {})
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file link").symlink_to(path)
    (tmp_path / "fifo link").symlink_to(tmp_path / "fifo")
    assert files.read(tmp_path / "file link") == files.read(path)
    for name, message in (
        ("fifo", "got something else"),
        ("fifo link", "got something else"),
        (".", "got a directory"),
        ("none", "No such file"),
    ):
        with pytest.raises(ValueError, match=message):
            files.read(tmp_path / name)


BOMBS = {
    "header of 100 MB": lambda: of_header(b'{"a":"' + b" " * 100_000_000 + b'"}'),
    "many lists": lambda: of_header(b'{"a":[' + b"[]," * 85_000 + b"[]]}"),
    "nested": lambda: of_header(b'{"a":' * 52_000),
    "a huge array": lambda: of_header({"a": entry(0, BIG, (BIG // 4,))}, bytes(4)),
}
MEASURE = """
import resource, sys, time
from jaxseq.interop import safetensors_files as files
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    before, start = peak(), time.process_time()
    try:
        files.read(path)
    except ValueError as error:
        print(time.process_time() - start, peak() - before, str(error)[-60:])
"""


def test_bombs_cost_neither_time_nor_memory(tmp_path):
    """At most 0.1 s and 50 MB each, in a process of its own, whose peak is known."""
    for name, make in BOMBS.items():
        (tmp_path / name).write_bytes(make())
    command = [sys.executable, "-c", MEASURE, *(str(tmp_path / name) for name in BOMBS)]
    lines = subprocess.check_output(command, text=True).splitlines()
    assert len(lines) == len(BOMBS)
    for line in lines:
        seconds, kilobytes = line.split()[:2]
        assert float(seconds) <= 0.1, line
        assert int(kilobytes) <= 50_000, line


@hypothesis.given(st.data())
def test_a_flipped_byte_of_the_header_gives_an_error_or_other_names(
    tmp_path_factory, data
):
    path = tmp_path_factory.getbasetemp() / "flipped"
    files.write(path, {"a": np.ones(3, np.float32), "b": np.ones(2)}, {"k": "v"})
    raw = bytearray(path.read_bytes())
    size = int.from_bytes(raw[:8], "little")
    raw[data.draw(st.integers(0, 7 + size))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    try:
        contents = files.read(path)
    except ValueError:
        return
    for array in contents.arrays.values():
        assert array.nbytes <= len(raw)
