"""Files of trained summarizers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import copy_model, model_file
from jaxseq.text import vocab


KNOWN = vocab.build([["a", "b"]])
SETTINGS = {"num_hidden": 3, "tokens": "words"}
ABOUT = model_file.about(KNOWN, SETTINGS)
TREE = {"params": copy_model.init(jax.random.key(0), 6, 2, 3), "best": jnp.ones(2)}


def blank():
    return jax.tree.map(lambda a: a * 0, TREE)


def test_a_tree_comes_back_bit_by_bit(tmp_path):
    model_file.save(tmp_path / "a.npz", TREE, ABOUT)
    read = model_file.load(tmp_path / "a.npz", blank(), ABOUT)
    jax.tree.map(np.testing.assert_array_equal, read, TREE)
    assert model_file.settings_of(tmp_path / "a.npz")["num_hidden"] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize(
    ("about", "message"),
    [
        (model_file.about(vocab.build([["a", "c"]]), SETTINGS), "vocabulary differ"),
        (model_file.about(KNOWN, SETTINGS | {"tokens": "x"}), "tokens differ"),
        (model_file.about(KNOWN, {"tokens": "words"}), "num_hidden differ"),
    ],
)
def test_what_is_of_something_else_is_refused(tmp_path, about, message):
    model_file.save(tmp_path / "a.npz", TREE, ABOUT)
    with pytest.raises(ValueError, match=f"a.npz' is of something else: {message}$"):
        model_file.load(tmp_path / "a.npz", blank(), about)


def test_other_shapes_are_refused(tmp_path):
    model_file.save(tmp_path / "a.npz", TREE, ABOUT)
    other = blank() | {"params": copy_model.init(jax.random.key(0), 6, 2, 4)}
    with pytest.raises(ValueError, match="a.npz': its array .* not what was expected"):
        model_file.load(tmp_path / "a.npz", other, ABOUT)
    wide = blank() | {"best": jnp.zeros(3)}
    narrow = {"best": jnp.zeros(3, jnp.float32)}
    model_file.save(tmp_path / "b.npz", TREE | narrow, ABOUT)
    with pytest.raises(ValueError, match="not what was expected"):
        model_file.load(tmp_path / "b.npz", wide, ABOUT)
    more = blank() | {"z": jnp.zeros(2)}
    with pytest.raises(ValueError, match="not what was expected"):
        model_file.load(tmp_path / "a.npz", more, ABOUT)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut"])
def test_what_is_no_such_file_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    for call in (
        lambda: model_file.load(tmp_path / "a.npz", blank(), ABOUT),
        lambda: model_file.settings_of(tmp_path / "a.npz"),
    ):
        with pytest.raises(ValueError, match="a.npz': no file of a summarizer") as e:
            call()
        assert "\n" not in str(e.value)
    with pytest.raises(ValueError, match="nowhere.npz': No such file"):
        model_file.settings_of(tmp_path / "nowhere.npz")


def test_an_old_file_is_unharmed_where_writing_fails(tmp_path, monkeypatch):
    model_file.save(tmp_path / "a.npz", TREE, ABOUT)
    before = (tmp_path / "a.npz").read_bytes()

    def fail(*args, **leaves):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_file.np, "savez", fail)
    with pytest.raises(OSError, match="No space"):
        model_file.save(tmp_path / "a.npz", TREE, ABOUT)
    assert (tmp_path / "a.npz").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_arrays_that_are_not_finite_leave_the_old_file(tmp_path):
    path = tmp_path / "a.npz"
    model_file.save(path, TREE, ABOUT)
    before = path.read_bytes()
    bad = jax.tree.map(lambda a: a * jnp.nan, TREE)
    with pytest.raises(FloatingPointError, match="not all finite"):
        model_file.save(path, bad, ABOUT)
    assert path.read_bytes() == before


def test_another_compression_is_refused_in_one_line(tmp_path):
    path = tmp_path / "a.npz"
    model_file.save(path, TREE, ABOUT)
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x01\x02") + 10] = 77
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no file of a summarizer"):
        model_file.load(path, blank(), ABOUT)
