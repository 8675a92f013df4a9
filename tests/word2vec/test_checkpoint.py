import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.word2vec import checkpoint, vocab
from jaxseq.word2vec.corpus import Corpus
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.training import State


VOCAB = vocab.rank({"one": 3, "two": 2}, min_count=1)
TEXT = Corpus(np.array([0, 1, 0, -1], np.int32), 3, 1)
TRAINED = checkpoint.about(VOCAB, TEXT, {"seed": 1, "reach": 5})


def make_state():
    inputs = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3)), jnp.float32)
    return State(Params(inputs, inputs[:1]), epoch=2, span=7, num_trained=3_000_000_000)


def test_a_state_comes_back(tmp_path):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, make_state(), TRAINED)
    state = checkpoint.load(path, TRAINED)
    np.testing.assert_array_equal(state.params.inputs, make_state().params.inputs)
    np.testing.assert_array_equal(state.params.outputs, make_state().params.outputs)
    assert state.params.inputs.dtype == jnp.float32
    assert state[1:] == make_state()[1:]
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (checkpoint.about(VOCAB, TEXT, {"seed": 2, "reach": 5}), "seed differ"),
        (checkpoint.about(VOCAB, TEXT, {"seed": 1, "reach": 4}), "reach differ"),
        (
            checkpoint.about(
                VOCAB, TEXT._replace(ids=TEXT.ids[::-1]), {"seed": 1, "reach": 5}
            ),
            "text differ",
        ),
        (
            checkpoint.about(
                vocab.rank({"one": 3, "too": 2}, 1), TEXT, {"seed": 1, "reach": 5}
            ),
            "vocabulary differ",
        ),
        (
            checkpoint.about(
                vocab.rank({"one": 4, "two": 2}, 1), TEXT, {"seed": 1, "reach": 5}
            ),
            "vocabulary differ",
        ),
    ],
)
def test_another_training_is_refused_by_name(tmp_path, other, named):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, make_state(), TRAINED)
    with pytest.raises(ValueError, match=rf"checkpoint\.npz.*{named}"):
        checkpoint.load(path, other)


def test_matrices_that_are_not_finite_leave_the_old_file(tmp_path):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, make_state(), TRAINED)
    before = path.read_bytes()
    params = make_state().params
    bad = params._replace(outputs=params.outputs.at[0, 0].set(jnp.nan))
    with pytest.raises(FloatingPointError, match="outputs are not all finite"):
        checkpoint.save(path, make_state()._replace(params=bad), TRAINED)
    assert path.read_bytes() == before


def test_another_compression_is_no_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, make_state(), TRAINED)
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x01\x02") + 10] = 77
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no checkpoint of word2vec"):
        checkpoint.load(path, TRAINED)


@pytest.mark.parametrize("num_kept", [0, 10, 300, -1])
def test_a_file_cut_short_is_refused(tmp_path, num_kept):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, make_state(), TRAINED)
    path.write_bytes(path.read_bytes()[:num_kept])
    with pytest.raises(ValueError, match=r"checkpoint\.npz.*no checkpoint") as caught:
        checkpoint.load(path, TRAINED)
    assert "\n" not in str(caught.value)


def test_what_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "checkpoint.npz"
    np.savez(path, inputs=np.zeros(3))
    with pytest.raises(ValueError, match="no checkpoint"):
        checkpoint.load(path, TRAINED)
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ValueError, match="no checkpoint"):
        checkpoint.load(tmp_path / "array.npy", TRAINED)
    with pytest.raises(ValueError, match="No such file"):
        checkpoint.load(tmp_path / "missing.npz", TRAINED)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, make_state(), TRAINED)
    before = path.read_bytes()

    def fail(stream, **arrays):
        stream.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save(path, make_state(), TRAINED)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]
