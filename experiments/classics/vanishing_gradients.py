"""How errors fade or grow on their way back: Hochreiter 1991 to Pascanu 2013.

Hochreiter 1991, Hochreiter and Schmidhuber 1997: through a logistic unit with |w| < 4
an error shrinks at every step; through the cell of an LSTM it does not. Bengio, Simard,
Frasconi 1994: a unit that latches, w > 1, keeps its sign against noise below a
threshold h*, and just there its gradient vanishes. Pascanu, Mikolov, Bengio 2013: the
largest singular value of W below 1/γ is enough for vanishing; the wall of the error.
Ours, in 24 s: .22 a step through logistic units of ‖W‖ = 1, 1 exactly through the cell,
h* equal to 1e-7.

    python -m experiments.classics.vanishing_gradients --out out

What counts is the product of the Jacobians, not the spectral radius of W: for
y_t = tanh(W y_{t-1} + b) with W = [[8, 8], [-8, -8]], of spectral radius 0, and
b = (-4, 4 + atanh ½), the product of l of them at the fixed point (0, ½) has the norm
14.142 · 2^(l-1).
"""

import dataclasses
import functools
import math
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq import commands
from jaxseq.cells import Cell, elman, gru, lstm, lstm_1997
from jaxseq.cells.activations import logistic
from jaxseq.unroll import unroll

from ..results import replace
from . import claims
from .claims import at_least, at_most, between
from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Follow errors back through time."""

    num_networks: int = 20
    """Networks as they are drawn, for each cell."""
    num_hidden: int = 32
    """Hidden units."""
    num_steps: int = 100
    """The longest lag."""
    seed: int = 0
    """Of the weights and the inputs."""
    out: Path = Path("out")
    """Folder of the results: they go to OUT/classics/vanishing_gradients/."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        super().__post_init__()
        self.expect_least("num_steps", 20)


REDUCED = Config()

CELLS: dict[str, Cell] = {
    "Elman, logistic": elman.cell(logistic),
    "Elman, tanh": elman.cell(),
    "GRU": gru.reset_after(),
    "LSTM": lstm.cell(),
    "LSTM 1997": lstm_1997.cell(),
    "LSTM 1997, truncated": lstm_1997.truncated(),
}
W = np.array([[8.0, 8.0], [-8.0, -8.0]])
FIXED = np.array([0.0, 0.5])
LATCH_WEIGHTS = (1.25, 2.0, 3.0)
NOISES = {"0.9 h*": 0.9, "3 h*": 3.0}
WALL_STEPS, WALL_TARGET = 50, 0.7


def train(config: Config) -> dict:
    """Measures; nothing is trained.

    Returns:
        "norms": for each cell the length of ∂L/∂s_{T-l} over that of ∂L/∂s_T, for each
        lag l, geometric means over networks; "products": of l Jacobians of the
        counter-example; "thresholds": h* of the latch; "runs": its states, with noise
        below and above h*, and "latched": products along the first; "wall": the error
        over (w, b), and how much steeper it is there; "claims".
    """
    with jax.enable_x64(True):
        norms = {name: _norms(config, cell) for name, cell in CELLS.items()}
        products = _products(10)
        thresholds = {w: _threshold(w) for w in LATCH_WEIGHTS}
        runs = {
            n: _latch(2.0, by * thresholds[2.0], config) for n, by in NOISES.items()
        }
        latched = [p for _, p in runs["0.9 h*"]]
        wall = _wall()
    late = config.num_steps // 2
    radius = float(np.abs(np.linalg.eigvals(W)).max())
    found = {w: _threshold_by_iteration(w) for w in LATCH_WEIGHTS}
    error = max(abs(found[w] - thresholds[w]) for w in LATCH_WEIGHTS)
    carousel = np.abs(np.log(norms["LSTM 1997, truncated"])).max()
    rate = (norms["Elman, logistic"][10] / norms["Elman, logistic"][5]) ** 0.2
    listed = [
        at_most("Elman, logistic: factor a step", "≤ ¼ ‖W‖", 0.25, rate),
        at_most("LSTM 1997, cell: change of the error", "1 exactly", 1e-12, carousel),
        at_most(
            f"Elman, tanh, over LSTM at lag {late}",
            "vanishes",
            1e-3,
            norms["Elman, tanh"][late] / norms["LSTM 1997, truncated"][late],
        ),
        at_most("counter-example: spectral radius", "0", 1e-6, radius),
        between("  product of 1 Jacobian", "14.142", 14.142, products[0], 14.1422),
        between("  of 10", "7240.77", 7240.76, products[9], 7240.78),
        at_most("h* by its formula and by iteration", "-", 1e-6, error),
        at_least(
            "latched by noise under h*: least x", "> 0", 0.0, _least(runs["0.9 h*"])
        ),
        at_most("  product over 20 steps", "→ 0", 1e-3, latched[20]),
        at_most("by noise of 3 h*: least x", "< 0", 0.0, _least(runs["3 h*"])),
        at_least("wall: steepest slope over median", "a wall", 100, wall["ratio"]),
    ]
    return {
        "norms": {name: each.tolist() for name, each in norms.items()},
        "products": products,
        "thresholds": {f"{w:g}": h for w, h in thresholds.items()},
        "latched": latched,
        "runs": {name: [x for x, _ in run] for name, run in runs.items()},
        "wall": wall,
        "claims": listed,
    }


def draw(folder: Path, result: dict) -> list[Path]:
    """Draws the gradient's length over the lag, and the wall of the error."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.4, 3.9), dpi=130, layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.25, 0.9, 1))
    for name, norms in result["norms"].items():
        left.semilogy(np.maximum(norms, 1e-30), label=name)
    products = np.asarray(result["products"])
    lags = np.arange(1, len(products) + 1)
    left.semilogy(lags, products, "k.", ms=4, label="counter-example")
    left.set(xlabel="lag", ylabel="length of the error, of lag 0", ylim=(1e-20, 1e18))
    left.grid(alpha=0.3)
    left.legend(fontsize="small", loc="upper right")
    for name, xs in result["runs"].items():
        middle.plot(xs, lw=1, label=f"noise in ± {name}")
    middle.axhline(0, color="0.5", lw=0.8, ls=":")
    middle.set(xlabel="step", ylabel="x", ylim=(-1.1, 1.5), title="a latch, w = 2")
    middle.legend(fontsize="small", loc="upper right")
    wall = result["wall"]
    mesh = right.pcolormesh(
        wall["ws"], wall["bs"], wall["errors"], norm=LogNorm(1e-4, 1), rasterized=True
    )
    figure.colorbar(mesh, ax=right, label=r"$(\sigma(x_{50}) - 0.7)^2$")
    right.set(xlabel="w", ylabel="b", title="the wall of the error")
    path = folder / "vanishing.png"
    return [replace(path, lambda part: figure.savefig(part, format="png"))]


def main(args: Sequence[str] | None = None) -> None:
    """Runs the experiment as the command line says."""
    claims.run(
        "vanishing_gradients", commands.parse(Config, args, __doc__), train, draw
    )


@functools.partial(jax.jit, static_argnums=(0, 1))
def _norms_of_one(config: Config, cell: Cell, key) -> jax.Array:
    """Sends one random error back from the last state: its lengths, lag by lag."""
    key_params, key_xs, key_error = jax.random.split(key, 3)
    size = config.num_hidden
    params = cell.init(key_params, size, size, jnp.float64)
    xs = jax.random.normal(key_xs, (config.num_steps, size))

    def step(state, x_t):
        return unroll(cell, params, state, x_t[None]).state, state

    state_T, states = jax.lax.scan(step, cell.zero_state(params, ()), xs)
    leaves, tree = jax.tree.flatten(state_T)
    # An LSTM's cell is its last leaf; of other cells the state has one leaf.
    error = [jnp.zeros_like(leaf) for leaf in leaves]
    error[-1] = jax.random.normal(key_error, leaves[-1].shape)

    def back(d_state, inputs):
        state, x_t = inputs
        _, pull = jax.vjp(lambda s: unroll(cell, params, s, x_t[None]).state, state)
        (d_state,) = pull(d_state)
        return d_state, _length(d_state)

    d_state = tree.unflatten(error)
    _, lengths = jax.lax.scan(back, d_state, (states, xs), reverse=True)
    return jnp.concatenate([_length(d_state)[None], lengths[::-1]]) / _length(d_state)


def _length(tree) -> jax.Array:
    return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)))


def _norms(config: Config, cell: Cell) -> np.ndarray:
    """Returns geometric means over networks, of lags 0 to T."""
    keys = jax.random.split(jax.random.key(config.seed), config.num_networks)
    lengths = jax.vmap(lambda key: _norms_of_one(config, cell, key))(keys)
    return np.exp(np.log(np.maximum(np.asarray(lengths), 1e-300)).mean(0))


def _products(num_steps: int) -> list[float]:
    """Multiplies Jacobians of the counter-example at its fixed point."""
    params = elman.Params(
        U=jnp.zeros((2, 1)), W=jnp.asarray(W), b=jnp.array([-4.0, 4 + math.atanh(0.5)])
    )

    def step(y):
        return unroll(elman.cell(), params, y, jnp.zeros((1, 1))).state

    # At the fixed point every step has the same.
    jacobian = np.asarray(jax.jacrev(step)(jnp.asarray(FIXED)))
    powers = [np.linalg.matrix_power(jacobian, n + 1) for n in range(num_steps)]
    return [float(np.linalg.norm(power, 2)) for power in powers]


def _threshold(w: float) -> float:
    """Returns h* = w x* - atanh(x*), x* = √(1 - 1/w): where two fixed points meet."""
    x = math.sqrt(1 - 1 / w)
    return w * x - math.atanh(x)


def _threshold_by_iteration(w: float) -> float:
    """Finds by halving the largest |h| that leaves a positive state positive."""
    low, high = 0.0, w
    for _ in range(26):
        h = (low + high) / 2
        x = 1.0
        for _ in range(20_000):
            x, before = math.tanh(w * x - h), x
            if x < 0 or abs(x - before) < 1e-16:
                break
        low, high = (low, h) if x < 0 else (h, high)
    return (low + high) / 2


def _least(run: list[tuple[float, float]]) -> float:
    return min(x for x, _ in run)


def _latch(w: float, bound: float, config: Config) -> list[tuple[float, float]]:
    """Runs x_t = tanh(w x_{t-1} + h_t) with noise in ±bound.

    Returns:
        At each step x_t, and the product of w (1 - x²) since the start: ∂a_t/∂a_0.
    """
    rng = np.random.default_rng(config.seed)
    x, product = 1.0, 1.0
    run = [(x, product)]
    for h in rng.uniform(-bound, bound, config.num_steps):
        x = math.tanh(w * x + h)
        product *= w * (1 - x**2)
        run.append((x, product))
    return run


def wall_error(w, b) -> jax.Array:
    """Returns (σ(x_50) - .7)² of x_t = w σ(x_{t-1}) + b, x_0 = .5."""

    def step(_, x):
        return w * jax.nn.sigmoid(x) + b

    x = jax.lax.fori_loop(0, WALL_STEPS, step, jnp.float64(0.5))
    return (jax.nn.sigmoid(x) - WALL_TARGET) ** 2


def _wall() -> dict:
    """Returns the error over (w, b), and how steep it gets."""
    ws, bs = jnp.linspace(3.0, 7.0, 161), jnp.linspace(-4.0, -1.0, 121)
    over = jax.vmap(
        jax.vmap(jax.value_and_grad(wall_error, (0, 1)), (0, None)), (None, 0)
    )
    errors, (d_w, d_b) = jax.jit(over)(ws, bs)
    slopes = np.hypot(np.asarray(d_w), np.asarray(d_b))
    return {
        "ws": ws.tolist(),
        "bs": bs.tolist(),
        "errors": np.maximum(np.asarray(errors), 1e-12).tolist(),
        "ratio": float(slopes.max() / np.median(slopes)),
    }


if __name__ == "__main__":
    main()
