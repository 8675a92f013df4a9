"""Recurrent layers as PyTorch, Keras and ONNX document them, in float64, step by step.

Nothing here comes from jaxseq. Each takes the weights under the names and in the layout
of its library, and ONE sequence `[T, I]`; the equations are those of the documentation.
"""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def as_float64(weights):
    if isinstance(weights, dict):
        return {k: np.asarray(a).astype(np.float64) for k, a in weights.items()}
    return [np.asarray(a).astype(np.float64) for a in weights]


# PyTorch: torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN.


def torch_lstm(x, state, W_i, W_h, b_i, b_h):
    h, c = state
    i, f, g, o = np.split(W_i @ x + b_i + W_h @ h + b_h, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def torch_gru(x, state, W_i, W_h, b_i, b_h):
    (h,) = state
    x_r, x_z, x_n = np.split(W_i @ x + b_i, 3)
    h_r, h_z, h_n = np.split(W_h @ h + b_h, 3)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    n = np.tanh(x_n + r * h_n)
    return ((1 - z) * n + z * h,)


def torch_rnn(x, state, W_i, W_h, b_i, b_h):
    return (np.tanh(W_i @ x + b_i + W_h @ state[0] + b_h),)


TORCH = {"LSTM": (torch_lstm, 2), "GRU": (torch_gru, 1), "RNN": (torch_rnn, 1)}


def torch_outputs(name, state_dict, xs, num_layers, suffixes):
    """Runs a module of PyTorch on one sequence `[T, I]`."""
    step, num_states = TORCH[name]
    w = as_float64(state_dict)
    for k in range(num_layers):
        of_directions = []
        for suffix in suffixes:
            mine = [
                w[f"{kind}_l{k}{suffix}"]
                for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ]
            state = (np.zeros(mine[1].shape[1]),) * num_states
            ys = []
            for x in xs[::-1] if suffix else xs:
                state = step(x, state, *mine)
                ys.append(state[0])
            of_directions.append(ys[::-1] if suffix else ys)
        xs = np.concatenate(of_directions, axis=-1)
    return xs


# Keras 3: LSTMCell, GRUCell and SimpleRNNCell of keras.layers.


def keras_lstm(x, state, kernel, recurrent, bias):
    h, c = state
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def keras_gru(x, state, kernel, recurrent, bias):
    (h,) = state
    if bias.ndim == 2:  # reset_after
        x_z, x_r, x_h = np.split(x @ kernel + bias[0], 3)
        r_z, r_r, r_h = np.split(h @ recurrent + bias[1], 3)
        z, r = sigmoid(x_z + r_z), sigmoid(x_r + r_r)
        candidate = np.tanh(x_h + r * r_h)
    else:
        x_z, x_r, x_h = np.split(x @ kernel + bias, 3)
        to_z, to_r, to_h = np.split(recurrent, 3, axis=1)
        z, r = sigmoid(x_z + h @ to_z), sigmoid(x_r + h @ to_r)
        candidate = np.tanh(x_h + (r * h) @ to_h)
    return (z * h + (1 - z) * candidate,)


def keras_simple(x, state, kernel, recurrent, bias):
    return (np.tanh(x @ kernel + bias + state[0] @ recurrent),)


KERAS = {
    "LSTM": (keras_lstm, 2),
    "GRU": (keras_gru, 1),
    "SimpleRNN": (keras_simple, 1),
}


def keras_outputs(name, weights, xs):
    """Runs a layer of Keras on one sequence; of six arrays, a Bidirectional one."""
    step, num_states = KERAS[name]
    weights = as_float64(weights)
    of_directions = []
    for start in range(0, len(weights), 3):
        mine = weights[start : start + 3]
        state = (np.zeros(mine[1].shape[0]),) * num_states
        ys = []
        for x in xs[::-1] if start else xs:
            state = step(x, state, *mine)
            ys.append(state[0])
        of_directions.append(ys[::-1] if start else ys)
    return np.concatenate(of_directions, axis=-1)
