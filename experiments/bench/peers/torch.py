"""PyTorch: `nn.LSTM`, `nn.GRU`, `nn.RNN`, time-major, on JAX's kind of device.

On a CPU with one thread a core, OpenMP's settings as they come (its threads spin);
`nn.LSTM` is oneDNN's there. On an NVIDIA GPU all three are cuDNN's, launched as they
come, and once more (`torch-graph`) recorded as a CUDA graph and replayed. The forward
pass runs in inference mode, the other one by `torch.autograd.grad`; nothing is
compiled.
"""

import functools
import importlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseq.interop import torch as interop

from .. import forms, machine, problem as problems
from ..contender import Contender, Peer, Program, missing_package
from ..forms import CellName, Weights
from ..problem import Answer, Point, Problem


MODULES: dict[CellName, str] = {"lstm": "LSTM", "gru": "GRU", "elman": "RNN"}


def missing(point: Point) -> str | None:
    if reason := missing_package("torch", "torch"):
        return reason
    backend = jax.default_backend()
    if backend == "cpu":
        return None
    if backend == "gpu" and importlib.import_module("torch").cuda.is_available():
        return None
    return f"this torch cannot use the {backend} that JAX uses"


def missing_graph(point: Point) -> str | None:
    """Says why there is no CUDA graph, or returns None."""
    if jax.default_backend() != "gpu":
        return "needs a GPU"
    return missing(point)


def as_it_comes(function: Callable[[], Any]) -> Callable[[], Any]:
    """Launches kernel after kernel."""
    return function


def recorded(function: Callable[[], Any]) -> Callable[[], Any]:
    """Records what a function launches, to be replayed at once."""
    torch = importlib.import_module("torch")
    # As its documentation asks: some calls on a side stream before the recording.
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = function()

    def replay():
        graph.replay()
        return result

    return replay


def build(launch: Callable[..., Callable[[], Any]], problem: Problem) -> Contender:
    """Makes the contender; `launch` is `as_it_comes` or `recorded`."""
    torch = importlib.import_module("torch")
    device = "cpu" if jax.default_backend() == "cpu" else "cuda"
    if device == "cpu":
        torch.set_num_threads(machine.num_cores())
    dtype = getattr(torch, problem.point.dtype)
    form, hidden = problem.form, problem.point.hidden
    rnn = getattr(torch.nn, MODULES[problem.point.cell])(hidden, hidden)
    rnn.to(device=device, dtype=dtype)

    def tensor(array: Any) -> Any:
        # Through float32, which holds every bfloat16: NumPy's bfloat16 is not theirs.
        copied = torch.from_numpy(np.array(array, np.float32))
        return copied.to(device=device, dtype=dtype)

    def convert(weights: Weights) -> dict[str, jax.Array]:
        return interop.write([form.cell], [forms.params(form, weights)])

    state_dict = convert(problem.weights)
    rnn.load_state_dict({name: tensor(a) for name, a in state_dict.items()})
    xs, d_ys = tensor(problem.xs).requires_grad_(), tensor(problem.d_ys)
    params = [getattr(rnn, name) for name in state_dict]

    def outputs():
        with torch.inference_mode():
            return rnn(xs)[0]

    def outputs_and_gradients():
        ys = rnn(xs)[0]
        return ys, *torch.autograd.grad(ys, (xs, *params), d_ys)

    def finished(function):
        run = launch(function)

        def wait():
            result = run()
            if device == "cuda":
                torch.cuda.synchronize()
            return result

        return wait

    forward, backward = finished(outputs), finished(outputs_and_gradients)

    def answer() -> Answer:
        _, d_xs, *d_params = (_array(t, problem.xs.dtype) for t in backward())
        d_state_dict = dict(zip(state_dict, d_params, strict=True))
        (d_canonical,) = jax.vjp(convert, problem.weights)[1](d_state_dict)
        ys = _array(forward(), problem.xs.dtype)
        return problems.answer(ys, d_canonical, d_xs)

    return Contender(Program(forward), Program(backward), answer)


def _array(tensor: Any, dtype: Any) -> jax.Array:
    return jnp.asarray(tensor.detach().float().cpu().numpy(), dtype)


FORMS: dict[CellName, forms.Form] = {
    "lstm": forms.LSTM,
    "gru": forms.GRU_AFTER,
    "elman": forms.ELMAN,
}

PEER = Peer(
    "torch",
    packages=("torch",),
    forms=FORMS,
    missing=missing,
    build=functools.partial(build, as_it_comes),
)
GRAPH = Peer(
    "torch-graph",
    packages=("torch",),
    forms=FORMS,
    missing=missing_graph,
    build=functools.partial(build, recorded),
)
