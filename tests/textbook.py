"""The textbook's deltas as NumPy loops: back-propagation through time, index by index.

Shares no code with jaxseq. One sequence at a time; sums are written out where the
textbook writes Σ.
"""

import numpy as np

from tests.oracles import logistic, readout, softmax


def elman_bptt(U, W, b, V, b_o, s_0, xs, ys):
    """The lecture's network with softmax outputs ys `[T, O]`: BP1 to BP5 as sums.

    Returns the loss, the gradients by name, and both deltas, by step.
    """
    num_steps, num_hidden, num_outputs = len(xs), len(b), len(b_o)
    s, o = {-1: s_0}, {}
    for t in range(num_steps):
        s[t] = np.tanh(U @ xs[t] + W @ s[t - 1] + b)
        o[t] = softmax(readout(V, b_o, s[t]))
    loss = -sum(ys[t][k] * np.log(o[t][k]) for t in o for k in range(num_outputs))

    d_U, d_W, d_b = np.zeros(U.shape), np.zeros(W.shape), np.zeros(num_hidden)
    d_V, d_b_o = np.zeros(V.shape), np.zeros(num_outputs)
    d_xs = np.zeros(xs.shape)
    out, hidden = {}, {num_steps: np.zeros(num_hidden)}
    for t in reversed(range(num_steps)):
        out[t], hidden[t] = np.zeros(num_outputs), np.zeros(num_hidden)
        for k in range(num_outputs):
            out[t][k] = o[t][k] - ys[t][k]  # BP1
        for j in range(num_hidden):
            above = sum(out[t][k] * V[k, j] for k in range(num_outputs))
            after = sum(hidden[t + 1][i] * W[i, j] for i in range(num_hidden))
            hidden[t][j] = (above + after) * (1 - s[t][j] ** 2)  # BP2, BP2T
        for k in range(num_outputs):
            d_b_o[k] += out[t][k]
            for j in range(num_hidden):
                d_V[k, j] += out[t][k] * s[t][j]  # BP4V
        for i in range(num_hidden):
            d_b[i] += hidden[t][i]  # BP3
            for j in range(num_hidden):
                d_W[i, j] += hidden[t][i] * s[t - 1][j]  # BP4W
            for j in range(xs.shape[1]):
                d_U[i, j] += hidden[t][i] * xs[t][j]  # BP4U
                d_xs[t, j] += hidden[t][i] * U[i, j]  # BP5
    d_s_0 = np.array([hidden[0] @ W[:, j] for j in range(num_hidden)])
    d = {"U": d_U, "W": d_W, "b": d_b, "V": d_V, "b_o": d_b_o, "s_0": d_s_0, "xs": d_xs}
    return (
        loss,
        d,
        [out[t] for t in range(num_steps)],
        [hidden[t] for t in range(num_steps)],
    )


def lstm_bptt(w, h_0, c_0, xs, d_hs, d_h_T, d_c_T):
    """The lecture's LSTM: gradients of Σ d_hs·h + d_h_T·h_T + d_c_T·c_T by gate."""
    num_steps, num_hidden = len(xs), len(h_0)
    h, c, f, i, o, g, both = {-1: h_0}, {-1: c_0}, {}, {}, {}, {}, {}
    for t in range(num_steps):
        both[t] = np.concatenate([h[t - 1], xs[t]])
        f[t] = logistic(w["W_f"] @ both[t] + w["b_f"])
        i[t] = logistic(w["W_i"] @ both[t] + w["b_i"])
        o[t] = logistic(w["W_o"] @ both[t] + w["b_o"])
        g[t] = np.tanh(w["W_c"] @ both[t] + w["b_c"])
        c[t] = f[t] * c[t - 1] + i[t] * g[t]
        h[t] = o[t] * np.tanh(c[t])

    d = {name: np.zeros(a.shape) for name, a in w.items()}
    d["xs"] = np.zeros(xs.shape)
    d_h, d_c = d_h_T, d_c_T
    for t in reversed(range(num_steps)):
        d_h = d_h + d_hs[t]
        d_c = d_c + d_h * o[t] * (1 - np.tanh(c[t]) ** 2)
        delta = {
            "o": d_h * np.tanh(c[t]) * o[t] * (1 - o[t]),
            "f": d_c * c[t - 1] * f[t] * (1 - f[t]),
            "i": d_c * g[t] * i[t] * (1 - i[t]),
            "c": d_c * i[t] * (1 - g[t] ** 2),
        }
        d_both = np.zeros(num_hidden + xs.shape[1])
        for gate, delta_gate in delta.items():
            d[f"b_{gate}"] += delta_gate
            d[f"W_{gate}"] += np.outer(delta_gate, both[t])
            d_both += w[f"W_{gate}"].T @ delta_gate
        d_h, d["xs"][t] = d_both[:num_hidden], d_both[num_hidden:]
        d_c = d_c * f[t]
    return d | {"h_0": d_h, "c_0": d_c}
