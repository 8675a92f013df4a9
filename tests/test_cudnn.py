"""cuDNN's route: the reasons to fall back, and its packing, against JAX's reference."""

import jax
import jax.numpy as jnp
import pytest
from jax.experimental import rnn

from jaxseq import cudnn
from jaxseq.cells import gru, lstm
from jaxseq.unroll import unroll
from tests.models import inputs, masks, relative_error


ARGS = inputs(lstm.cell(), 6, dtype=jnp.float32)
XS = ARGS[2]


@pytest.fixture
def on_a_gpu(monkeypatch):
    """Pretends that there is a GPU, with the reference in place of cuDNN."""

    def reference(x, h_0, c_0, weights, seq_lengths, **sizes):
        shape = {k: v for k, v in sizes.items() if k != "dropout"}
        unpacked = rnn.unpack_lstm_weights(weights, **shape)
        return rnn.lstm_ref(
            *(x, h_0, c_0, *unpacked, seq_lengths),
            *(sizes["input_size"], sizes["hidden_size"], sizes["num_layers"]),
            *(sizes["dropout"], sizes["bidirectional"]),
        )

    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(rnn, "lstm", reference)


@pytest.mark.usefixtures("on_a_gpu")
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
@pytest.mark.parametrize("reverse", [False, True])
def test_unroll_packs_weights_and_states_for_cudnn(batch, reverse):
    args = inputs(lstm.cell(), 6, batch, dtype=jnp.float32)
    result = cudnn.unroll(lstm.cell(), *args, reverse=reverse)
    want = unroll(lstm.cell(), *args, reverse=reverse)
    assert jax.tree.map(jnp.shape, result) == jax.tree.map(jnp.shape, want)
    assert relative_error(result, want) <= 1e-6


@pytest.mark.usefixtures("on_a_gpu")
def test_unroll_refuses_what_unroll_refuses():
    params, _, xs = ARGS
    with pytest.raises(ValueError, match=r"^xs: expected shape \[T, ..., I\] with I"):
        cudnn.unroll(lstm.cell(), params, None, xs[..., :2])


@pytest.mark.usefixtures("on_a_gpu")
@pytest.mark.parametrize(
    ("cell", "xs", "message"),
    [
        (None, XS, "cell: expected a jaxseq.cells.Cell, got NoneType"),
        (lstm.cell(), XS.tolist(), "xs: expected an array, got list"),
    ],
)
def test_wrong_calls_are_refused_before_the_route_is_chosen(cell, xs, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        cudnn.unroll(cell, ARGS[0], None, xs)
    with pytest.raises(ValueError, match=f"^{message}"):
        cudnn.why_not(cell, xs)


@pytest.mark.usefixtures("on_a_gpu")
@pytest.mark.parametrize(
    ("cell", "xs", "mode", "reason"),
    [
        (gru.reset_after(), XS, {}, "not gru.reset_after"),
        (lstm.cell(), XS.astype(jnp.bfloat16), {}, "float32 alone, not bfloat16"),
        (lstm.cell(), XS, masks(6)["lengths"], "no empty sequences"),
        (lstm.cell(), XS, masks(6)["resets"], "cannot reset"),
        (lstm.cell(), XS[:0], {}, "no empty arrays"),
    ],
)
def test_why_not_says_what_cudnn_cannot_do(cell, xs, mode, reason):
    assert reason in cudnn.why_not(cell, xs, **mode)


@pytest.mark.usefixtures("on_a_gpu")
def test_why_not_is_none_where_cudnn_can():
    assert cudnn.why_not(lstm.cell(), XS) is None


@pytest.mark.skipif(jax.default_backend() == "gpu", reason="there, cuDNN runs")
@pytest.mark.parametrize("mode", ["plain", "all"])
def test_unroll_falls_back_with_the_reason(mode):
    with pytest.warns(UserWarning, match=r"^not by cuDNN: it needs an NVIDIA GPU"):
        result = cudnn.unroll(lstm.cell(), *ARGS, **masks(6)[mode])
    assert relative_error(result, unroll(lstm.cell(), *ARGS, **masks(6)[mode])) == 0


@pytest.mark.gpu
@pytest.mark.skipif(jax.default_backend() != "gpu", reason="needs an NVIDIA GPU")
def test_gradient_of_cudnn_is_that_of_the_deltas():
    def run(unroll, *args):
        result, pull = jax.vjp(lambda *a: unroll(lstm.cell(), *a), *args)
        return result, pull(jax.tree.map(jnp.ones_like, result))

    with jax.default_matmul_precision("highest"):
        assert relative_error(run(cudnn.unroll, *ARGS), run(unroll, *ARGS)) <= 1e-4
