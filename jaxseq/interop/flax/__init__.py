"""Flax's recurrent layers, trained by the hand-written deltas: change one import line.

    from flax import linen as nn     ->   from jaxseq.interop.flax import linen as nn
    from flax import nnx             ->   from jaxseq.interop.flax import nnx

`linen` and `nnx` are Flax's own modules with one name replaced: `RNN`. Its parameters,
their names and their initial values, its arguments, its outputs and its final carry are
those of Flax's `RNN` around the same cell, so checkpoints go both ways; the pass over
the whole sequence is `jaxseq.unroll.unroll`. The cells are Flax's own classes.

By hand are `LSTMCell`, `OptimizedLSTMCell` and `GRUCell` with their default functions
(`sigmoid`, `tanh`), and `SimpleCell` with `tanh`, `relu`, `sigmoid` or `identity` and
without `residual`; `RNN.is_by_hand` says whether a layer is. Every other cell or option
(`ConvLSTMCell`, a cell of one's own, `variable_axes`, another `promote_dtype`, ...),
a carry whose dtype is neither that of the products nor float32 above it, and a batch
without sequences run in Flax's own scan, as before. `unroll` has no effect by hand.

What differs, by hand:

- A sequence of length 0 ends in its initial carry. Flax returns that of step T.
- Lengths outside 0 … T raise a `ValueError`; inside `jit`, where they cannot, they are
  cut to that range. Flax wraps or cuts them, unseen.
- `seq_lengths` with `return_carry` works with any number of batch axes. Flax's works
  with one.
- With no step at all (T = 0), `seq_lengths` and `return_carry` give the initial carry;
  Flax raises a `TypeError`.
- A narrow `dtype` (bfloat16) around a float32 carry: products take narrow factors and
  add up in float32, outputs are rounded to `dtype`, as `jaxseq.precision` describes;
  the carries that `seq_lengths` selects, too. Flax rounds the products instead.
- Flags (`reverse`, `time_major`, ...) that are no bool raise a `ValueError`.
- Forward mode (`jax.jvp`) raises a `TypeError`; Flax's `RNN` takes the parameters.
- What a cell does inside (`capture_intermediates`, interceptors) is not seen, except
  in `init`.

Files: `linen`, `nnx`; `sequence` reads a whole sequence, `trees` turns Flax's
parameters into jaxseq's and back, `activations` finds the functions with a slope.

Reference: Heek et al., Flax: A neural network library and ecosystem for JAX, 2024,
version 0.12: `flax.linen.recurrent` and `flax.nnx.nn.recurrent`.
"""
