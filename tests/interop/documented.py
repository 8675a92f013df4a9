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


# ONNX: the operators RNN, GRU and LSTM, with the names of their documentation.


def onnx_activation(name, alpha=None, beta=None):
    return {
        "Sigmoid": sigmoid,
        "Tanh": np.tanh,
        "Relu": lambda x: np.maximum(0, x),
        "Affine": lambda x: alpha * x + beta,
        "LeakyRelu": lambda x: np.where(x >= 0, x, alpha * x),
        "ThresholdedRelu": lambda x: np.where(x > alpha, x, 0),
        "ScaledTanh": lambda x: alpha * np.tanh(beta * x),
        "HardSigmoid": lambda x: np.minimum(np.maximum(alpha * x + beta, 0), 1),
        "Elu": lambda x: np.where(x >= 0, x, alpha * (np.exp(x) - 1)),
        "Softsign": lambda x: x / (1 + np.abs(x)),
        "Softplus": lambda x: np.log(1 + np.exp(x)),
    }[name]


def onnx_rnn(x, state, W, R, Wb, Rb, P, act, clip, **flags):
    return (act[0](clip(W @ x + R @ state[0] + Wb + Rb)),)


def onnx_gru(x, state, W, R, Wb, Rb, P, act, clip, linear_before_reset=0):
    (H,) = state
    (Wz, Wr, Wh), (Rz, Rr, Rh) = np.split(W, 3), np.split(R, 3)
    (Wbz, Wbr, Wbh), (Rbz, Rbr, Rbh) = np.split(Wb, 3), np.split(Rb, 3)
    f, g = act
    zt = f(clip(Wz @ x + Rz @ H + Wbz + Rbz))
    rt = f(clip(Wr @ x + Rr @ H + Wbr + Rbr))
    if linear_before_reset:
        ht = g(clip(Wh @ x + rt * (Rh @ H + Rbh) + Wbh))
    else:
        ht = g(clip(Wh @ x + Rh @ (rt * H) + Rbh + Wbh))
    return ((1 - zt) * ht + zt * H,)


def onnx_lstm(x, state, W, R, Wb, Rb, P, act, clip, input_forget=0):
    H, C = state
    (Wi, Wo, Wf, Wc), (Ri, Ro, Rf, Rc) = np.split(W, 4), np.split(R, 4)
    (bi, bo, bf, bc), (Pi, Po, Pf) = np.split(Wb + Rb, 4), np.split(P, 3)
    f, g, h = act
    it = f(clip(Wi @ x + Ri @ H + Pi * C + bi))
    ft = 1 - it if input_forget else f(clip(Wf @ x + Rf @ H + Pf * C + bf))
    ct = g(clip(Wc @ x + Rc @ H + bc))
    C = ft * C + it * ct
    ot = f(clip(Wo @ x + Ro @ H + Po * C + bo))
    return ot * h(C), C


ONNX = {
    "RNN": (onnx_rnn, 1, ["Tanh"]),
    "GRU": (onnx_gru, 1, ["Sigmoid", "Tanh"]),
    "LSTM": (onnx_lstm, 2, ["Sigmoid", "Tanh", "Tanh"]),
}
TAKE_ALPHA = (
    "Affine",
    "LeakyRelu",
    "ThresholdedRelu",
    "ScaledTanh",
    "HardSigmoid",
    "Elu",
)
TAKE_BETA = ("Affine", "ScaledTanh", "HardSigmoid")


def onnx_outputs(kind, inputs, attributes):
    """Runs a node, `layout` and all; inputs by name, in the node's axes.

    A sequence of length 0 ends in 0, as in onnxruntime.
    """
    step, num_states, default = ONNX[kind]
    given = dict(attributes)
    direction = given.pop("direction", "forward")
    limit = given.pop("clip", np.inf)
    layout = given.pop("layout", 0)
    names = given.pop("activations", None)
    alphas = list(given.pop("activation_alpha", []))
    betas = list(given.pop("activation_beta", []))
    w = as_float64({k: a for k, a in inputs.items() if a is not None})
    X = w["X"].swapaxes(0, 1) if layout else w["X"]
    num_steps, num_rows, _ = X.shape
    num_directions, _, size = w["R"].shape
    rows = w["R"].shape[1]
    B = w.get("B", np.zeros((num_directions, 2 * rows)))
    P = w.get("P", np.zeros((num_directions, 3 * size)))
    lengths = w.get("sequence_lens", np.full(num_rows, num_steps)).astype(int)
    names = names or default * num_directions
    act = [
        onnx_activation(
            name,
            alphas.pop(0) if name in TAKE_ALPHA else None,
            betas.pop(0) if name in TAKE_BETA else None,
        )
        for name in names
    ]
    Y = np.zeros((num_steps, num_directions, num_rows, size))
    ends = np.zeros((num_states, num_directions, num_rows, size))
    for d in range(num_directions):
        mine = act[len(default) * d : len(default) * (d + 1)]
        for row, length in enumerate(lengths):
            initial = []
            for name in ("initial_h", "initial_c")[:num_states]:
                every = w.get(name, np.zeros((num_directions, num_rows, size)))
                every = every.swapaxes(0, 1) if layout and name in w else every
                initial.append(every[d, row])
            state, order = tuple(initial), range(length)
            for t in reversed(order) if d == 1 or direction == "reverse" else order:
                state = step(
                    *(X[t, row], state, w["W"][d], w["R"][d], *np.split(B[d], 2), P[d]),
                    *(mine, lambda a: np.clip(a, -limit, limit)),
                    **given,
                )
                Y[t, d, row] = state[0]
            if length:
                ends[:, d, row] = state
    if layout:
        return [Y.transpose(2, 0, 1, 3), *(end.swapaxes(0, 1) for end in ends)]
    return [Y, *ends]
