"""What jaxseq must compute, written again from the papers in NumPy, one step at a time.

Nothing here comes from jaxseq. A function takes ONE sequence, `xs [T, I]`; a padded
batch with lengths, resets and directions means: cut out every sequence, run it alone,
put it back (`unroll_each`). That is slow and obviously right.

Everything is analytic, so that a complex step gives derivatives to the last digit:
∂f/∂x = Im f(x + ih) / h with h so small that its square vanishes (Squire, Trapp, SIAM
Review 40, 1998). Dropping the imaginary part of a value stops its derivative.
"""

import numpy as np


COMPLEX_STEP = 1e-100


# Activations.


def logistic(a):
    return 1 / (1 + np.exp(-a))


def relu(a):
    return a * (a.real > 0)


def identity(a):
    return a


ACTIVATIONS = {
    "tanh": np.tanh,
    "logistic": logistic,
    "relu": relu,
    "identity": identity,
}


# One step of each cell: weights w by name, state and input of one sequence.


def elman_step(f):
    """Elman 1990 and the lecture: s_t = f(U x_t + W s_{t-1} + b)."""

    def step(w, state, x):
        (s,) = state
        s = np.array(
            [f(w["U"][j] @ x + w["W"][j] @ s + b) for j, b in enumerate(w["b"])]
        )
        return (s,), s

    return step


def leaky_step(w, state, x):
    """A cell of one's own, for `derived`: some of the state stays."""
    (s,) = state
    s = 0.5 * np.tanh(s) + np.tanh(w["U"] @ x + w["W"] @ s + w["b"])
    return (s,), s


def jordan_step(mu, f, g):
    """Jordan 1986: the state units take in the last output, and decay by μ."""

    def step(w, state, x):
        s, y = state
        s = mu * s + y
        h = f(w["U"] @ x + w["W"] @ s + w["b_h"])
        y = g(w["V"] @ h + w["b_y"])
        return (s, y), y

    return step


def lstm_step(w, state, x):
    """Gers, Schmidhuber, Cummins 2000, in the lecture's form on [h_{t-1}, x_t]."""
    h, c = state
    both = np.concatenate([h, x])
    f = logistic(w["W_f"] @ both + w["b_f"])
    i = logistic(w["W_i"] @ both + w["b_i"])
    o = logistic(w["W_o"] @ both + w["b_o"])
    candidate = np.tanh(w["W_c"] @ both + w["b_c"])
    c = f * c + i * candidate
    h = o * np.tanh(c)
    return (h, c), h


def lstm_1997_step(w, state, x):
    """Hochreiter, Schmidhuber 1997, appendix A.1, with (3) and (5) for h and g."""
    y, s = state
    both = np.concatenate([y, x])
    y_in = logistic(w["W_i"] @ both + w["b_i"])
    y_out = logistic(w["W_o"] @ both + w["b_o"])
    net_c = w["W_c"] @ both + w["b_c"]
    g = 4 / (1 + np.exp(-net_c)) - 2
    s = s + y_in * g
    h = 2 / (1 + np.exp(-s)) - 1
    y = y_out * h
    return (y, s), y


def lstm_coupled_step(w, state, x):
    """Greff et al. 2017, CIFG without peepholes: f_t = 1 - i_t."""
    h, c = state
    both = np.concatenate([h, x])
    i = logistic(w["W_i"] @ both + w["b_i"])
    f = 1 - i
    o = logistic(w["W_o"] @ both + w["b_o"])
    candidate = np.tanh(w["W_c"] @ both + w["b_c"])
    c = f * c + i * candidate
    h = o * np.tanh(c)
    return (h, c), h


def lstm_linear_step(w, state, x):
    """Chopra, Auli, Rush 2016: the output is o_t times the cell, without tanh."""
    h, c = state
    both = np.concatenate([h, x])
    f = logistic(w["W_f"] @ both + w["b_f"])
    i = logistic(w["W_i"] @ both + w["b_i"])
    o = logistic(w["W_o"] @ both + w["b_o"])
    c = c * f + i * np.tanh(w["W_c"] @ both + w["b_c"])
    return (c * o, c), c * o


def lstm_peephole_step(w, state, x):
    """Gers, Schraudolph, Schmidhuber 2002: the output gate sees the new cell."""
    h, c = state
    both = np.concatenate([h, x])
    f = logistic(w["W_f"] @ both + np.diag(w["p_f"]) @ c + w["b_f"])
    i = logistic(w["W_i"] @ both + np.diag(w["p_i"]) @ c + w["b_i"])
    candidate = np.tanh(w["W_c"] @ both + w["b_c"])
    c = f * c + i * candidate
    o = logistic(w["W_o"] @ both + np.diag(w["p_o"]) @ c + w["b_o"])
    h = o * np.tanh(c)
    return (h, c), h


def gru_after_step(w, state, x):
    """PyTorch's and cuDNN's GRU: the reset gate acts on W_n h + b_m."""
    (h,) = state
    r = logistic(w["U_r"] @ x + w["W_r"] @ h + w["b_r"])
    z = logistic(w["U_z"] @ x + w["W_z"] @ h + w["b_z"])
    n = np.tanh(w["U_n"] @ x + w["b_n"] + r * (w["W_n"] @ h + w["b_m"]))
    h = (1 - z) * n + z * h
    return (h,), h


def gru_before_step(w, state, x):
    """Cho et al. 2014, eqs. (5) to (8): the reset gate acts on h."""
    (h,) = state
    r = logistic(w["U_r"] @ x + w["W_r"] @ h + w["b_r"])
    z = logistic(w["U_z"] @ x + w["W_z"] @ h + w["b_z"])
    candidate = np.tanh(w["U_n"] @ x + w["W_n"] @ (r * h) + w["b_n"])
    h = z * h + (1 - z) * candidate
    return (h,), h


def held(step, places):
    """The same step, no error going back through these places of the state."""

    def step_held(w, state, x):
        state = tuple(s.real if k in places else s for k, s in enumerate(state))
        return step(w, state, x)

    return step_held


# A sequence, and a padded batch of them.


def run(step, w, state, xs):
    """One sequence alone: `xs [T, I]`; returns `ys [T, O]` and the final state."""
    ys = []
    for x in xs:
        state, y = step(w, state, x)
        ys.append(y)
    return ys, state


def unroll_one(step, w, state_0, reset_state, xs, length, resets, reverse):
    """One padded row: the sequences in it are cut apart and run one by one."""
    num_outputs = len(step(w, state_0, np.zeros(xs.shape[1]))[1])
    ys = np.zeros((len(xs), num_outputs), complex)
    cuts = [0] + [t for t in range(1, length) if resets[t]] + [length]
    pieces = [(a, b) for a, b in zip(cuts, cuts[1:], strict=False) if a < b]
    state = state_0
    for number, (a, b) in enumerate(reversed(pieces) if reverse else pieces):
        if number > 0 or (resets[a] and not reverse):
            state = reset_state
        piece, state = run(step, w, state, xs[a:b][::-1] if reverse else xs[a:b])
        ys[a:b] = piece[::-1] if reverse else piece
    return ys, state


def unroll_each(step, w, state_0, reset_state, xs, lengths, resets, reverse=False):
    """Every row of a batch alone: `xs [T, ..., I]`, states `[..., ·]`."""
    batch = xs.shape[1:-1]
    ys, states = {}, {}
    for b in np.ndindex(*batch):
        ys[b], states[b] = unroll_one(
            step,
            w,
            tuple(s[b] for s in state_0),
            tuple(s[b] for s in reset_state),
            xs[(slice(None), *b)],
            int(lengths[b]),
            resets[(slice(None), *b)],
            reverse,
        )
    outputs = np.zeros((len(xs), *batch, next(iter(ys.values())).shape[-1]), complex)
    final = tuple(np.zeros(s.shape, complex) for s in state_0)
    for b in np.ndindex(*batch):
        outputs[(slice(None), *b)] = ys[b]
        for whole, one in zip(final, states[b], strict=True):
            whole[b] = one
    return outputs, final


def gradients(function, arguments):
    """Complex-step gradients of a real function of a dict of arrays."""
    arguments = {name: np.array(a, complex) for name, a in arguments.items()}
    result = {name: np.zeros(a.shape) for name, a in arguments.items()}
    for name, a in arguments.items():
        for k in np.ndindex(*a.shape):
            kept, a[k] = a[k], a[k] + COMPLEX_STEP * 1j
            result[name][k] = function(arguments).imag / COMPLEX_STEP
            a[k] = kept
    return result


# The output layer and the losses.


def readout(V, b, s):
    num_hidden = len(s)
    return np.array([sum(v[j] * s[j] for j in range(num_hidden)) for v in V]) + b


def softmax(a):
    return np.exp(a) / np.sum(np.exp(a))


def cross_entropy(a, y):
    return -sum(y_k * np.log(o_k) for y_k, o_k in zip(y, softmax(a), strict=True))


def squared_error(o, y):
    return sum((o_k - y_k) ** 2 for o_k, y_k in zip(o, y, strict=True)) / 2


def bernoulli(a, y):
    o = logistic(a)
    terms = y * np.log(o) + (1 - y) * np.log(1 - o)
    return -sum(terms)


def one_hot(k, num_classes):
    return np.array([1.0 if j == k else 0.0 for j in range(num_classes)])


# Attention of one sequence: queries [T, H], memory [M, D], values [M, N], mask [M].


def dot_score(scale):
    return lambda w, h, m: scale * sum(a * b for a, b in zip(h, m, strict=True))


def general_score(w, h, m):
    """Luong, Pham, Manning 2015: h^T W m."""
    return sum(h[i] * (w["W"][i] @ m) for i in range(len(h)))


def additive_score(w, h, m):
    """Bahdanau, Cho, Bengio 2014: v^T tanh(W h + U m + b)."""
    return sum(
        w["v"][a] * np.tanh(w["W"][a] @ h + w["U"][a] @ m + w["b"][a])
        for a in range(len(w["v"]))
    )


def attention(score, w, queries, memory, values, mask):
    contexts = np.zeros((len(queries), values.shape[1]), complex)
    weights = np.zeros((len(queries), len(memory)), complex)
    counted = [j for j in range(len(memory)) if mask[j]]
    for t, h in enumerate(queries):
        powers = {j: np.exp(score(w, h, memory[j])) for j in counted}
        for j in counted:
            weights[t, j] = powers[j] / sum(powers.values())
            contexts[t] = contexts[t] + weights[t, j] * values[j]
    return contexts, weights
