"""Weights of PyTorch's `nn.LSTM`, `nn.GRU` and `nn.RNN`, from and to a `state_dict`.

    layers, params = torch.read(model.state_dict(), prefix="encoder.rnn.")
    ys, states = network.stack(layers, params, None, xs)
    rnn.load_state_dict({k: from_dlpack(a) for k, a in write(layers, params).items()})

PyTorch itself is not needed: a state_dict is any mapping of names to arrays, such as
`jaxseq.interop.safetensors_files.read` gives. Of layer k, counted from 0, with the
suffix `_reverse` for the direction that reads from the end:

    weight_ih_l{k}  [G, I] U     weight_hh_l{k}  [G, H] W                          (1)
    bias_ih_l{k}    [G]    b_x   bias_hh_l{k}    [G]    b_h                        (2)

with G = 4H, gates i f g o (LSTM), G = 3H, gates r z n (GRU, reset after), or G = H. The
inputs of layer k > 0 are the outputs below: I = H, or 2H with both directions. What
becomes of the two biases is said in `jaxseq.interop.gates`.

What a state_dict does not say: whether `batch_first` is set (jaxseq is time-major), the
dropout, and whether an `nn.RNN` has relu in place of tanh: then give `cell`.

Reference: PyTorch (Paszke et al. 2019), documentation of the three modules, equations
and "Variables".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxseq.both import Both
from jaxseq.cells import Cell, elman, gru, lstm
from jaxseq.cells.activations import relu, tanh
from jaxseq.cells.checks import check_cell
from jaxseq.checks import describe, expect
from jaxseq.interop.gates import (
    Orders,
    Stacks,
    activation_of,
    as_like,
    check_params,
    on_device,
    on_host,
    params_of,
    stacks_of,
)
from jaxseq.network import Layer
from jaxseq.types import Array, Tree


class Stack(NamedTuple):
    """What `jaxseq.network.stack` takes: layers, and their parameters.

    Attributes:
        layers: from the inputs up.
        params: of each layer.
    """

    layers: tuple[Layer, ...]
    params: tuple[Tree, ...]


_ORDERS = Orders(lstm="ifgo", gru="rzn")
_NAME = re.compile(r"(weight_ih|weight_hh|bias_ih|bias_hh)_l(\d{1,6})(_reverse)?")
_STACKS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # fields of `Stacks`


class _Module(NamedTuple):
    """What can be read off the names and shapes of a state_dict."""

    cell: Cell
    num_inputs: int
    num_hidden: int
    num_layers: int
    suffixes: tuple[str, ...]  # of the directions
    has_bias: bool


def read(
    state_dict: Mapping[str, Any], prefix: str = "", cell: Cell | None = None
) -> Stack:
    """Reads the weights of one `nn.LSTM`, `nn.GRU` or `nn.RNN`.

    Args:
        state_dict: arrays of NumPy or JAX, or PyTorch's tensors, by name.
        prefix: what the module's names begin with in a larger model, dot included;
            names that begin otherwise are left alone.
        cell: what the module must be; None to read it off the shapes, tanh for an
            `nn.RNN`.

    Returns:
        Layers and parameters, in the dtype of the weights, copied.

    Raises:
        ValueError: in one message that names all that is missing, extra or wrongly
            shaped; projections (`proj_size`) and dtypes that JAX is not set to have.
    """
    is_mapping = isinstance(state_dict, Mapping)
    got = type(state_dict).__name__
    expect(is_mapping, "state_dict", "arrays by name", got)
    _check_prefix(prefix)
    strange = [name for name in state_dict if not isinstance(name, str)]
    expect(not strange, "state_dict", "names that are str", strange[:3])
    found = {
        name[len(prefix) :]: value
        for name, value in state_dict.items()
        if name.startswith(prefix)
    }
    projections = [prefix + name for name in found if name.startswith("weight_hr_")]
    expected = "no projections (proj_size), which jaxseq's LSTM does not have"
    expect(not projections, "state_dict", expected, ", ".join(projections))
    arrays = {name: on_host(prefix + name, value) for name, value in found.items()}
    module = _module(arrays, prefix, cell)
    _check_names(arrays, prefix, module)
    both = len(module.suffixes) == 2
    layers, params = [], []
    for k in range(module.num_layers):
        read_in = [
            params_of(module.cell, _stacks(arrays, k, suffix), _ORDERS)
            for suffix in module.suffixes
        ]
        layers.append(Both(module.cell, module.cell) if both else module.cell)
        params.append(Both(*read_in) if both else read_in[0])
    return Stack(tuple(layers), on_device("state_dict", tuple(params)))


def write(
    layers: Sequence[Layer],
    params: Sequence[Tree],
    prefix: str = "",
    like: Mapping[str, Any] | None = None,
) -> dict[str, Array]:
    """Writes the weights of a stack as a state_dict; inverts `read`, to the bit.

    Args:
        layers: L cells of one kind, all in one direction or all in both.
        params: their parameters; may be traced, unless `like` is given.
        prefix: what the names shall begin with.
        like: a state_dict that was read: biases that have not changed since are written
            as the two that they were, and none where it has none. None for b and 0.

    Returns:
        JAX's arrays by name, weights `[G, I]` and `[G, H]`, biases `[G]`, in PyTorch's
        order; `torch.from_dlpack` takes them.

    Raises:
        ValueError: naming the layer that PyTorch does not have, or another argument.
    """
    _check_prefix(prefix)
    _check_layers(layers, params)
    arrays: dict[str, Array] = {}
    for k, (layer, p) in enumerate(zip(layers, params, strict=True)):
        for suffix, cell, one in _directions(layer, p):
            stacks = stacks_of(cell, one, _ORDERS)
            if like is not None:
                old = _old(like, prefix, k, suffix)
                stacks = as_like("like", cell, stacks, old, _ORDERS)
            for stack, array in zip(_STACKS, stacks, strict=True):
                if array is not None:
                    arrays[f"{prefix}{stack}_l{k}{suffix}"] = array
    return arrays


def _check_prefix(prefix: str) -> None:
    expect(isinstance(prefix, str), "prefix", "a str", type(prefix).__name__)


def _module(arrays: dict[str, np.ndarray], prefix: str, cell: Cell | None) -> _Module:
    """Reads cell, sizes and directions off names and shapes that may be wrong."""
    names = [match for name in arrays if (match := _NAME.fullmatch(name))]
    # A layer beyond the number of names cannot be complete.
    numbers = [k for match in names if (k := int(match[2])) < len(names)]
    known = f"names such as {prefix}weight_hh_l0"
    expect(len(numbers) > 0, "state_dict", known, _listed(prefix, arrays))
    recurrent = [arrays[m[0]] for m in names if m[1] == "weight_hh"]
    matrices = [array for array in recurrent if array.ndim == 2 and array.size]
    got = _listed(prefix, arrays)
    expect(len(matrices) > 0, "state_dict", f"{prefix}weight_hh_l0 [G, H]", got)
    num_rows, num_hidden = matrices[0].shape
    if cell is None:
        cells = {4: lstm.cell(), 3: gru.reset_after(), 1: elman.cell()}
        num_gates, rest = divmod(num_rows, num_hidden)
        fits = rest == 0 and num_gates in cells
        expected = "rows of weight_hh 4H (LSTM), 3H (GRU) or H (RNN)"
        expect(fits, "state_dict", expected, describe(matrices[0]))
        cell = cells[num_gates]
    check_cell("cell", cell)
    _check_cell("cell", cell)
    first = arrays.get("weight_ih_l0", matrices[0])
    return _Module(
        cell=cell,
        num_inputs=first.shape[-1] if first.ndim else 1,
        num_hidden=num_hidden,
        num_layers=1 + max(numbers),
        suffixes=("", "_reverse") if any(m[3] for m in names) else ("",),
        has_bias=any(m[1].startswith("bias") for m in names),
    )


def _check_names(arrays: dict[str, np.ndarray], prefix: str, module: _Module) -> None:
    """Compares names, shapes and dtypes with those of a module, in one message."""
    wanted = _shapes(module)
    dtype = next(iter(arrays.values())).dtype
    wrong = [f"{prefix}{name} missing" for name in wanted if name not in arrays]
    for name, array in arrays.items():
        if name not in wanted:
            wrong.append(f"{prefix}{name} extra")
        elif array.shape != wanted[name] or array.dtype != dtype:
            like = f"{dtype}[{', '.join(map(str, wanted[name]))}]"
            wrong.append(f"{prefix}{name} {describe(array)} in place of {like}")
    sizes = f"I = {module.num_inputs}, H = {module.num_hidden}"
    layers = f"{module.num_layers} layers, {len(module.suffixes)} directions"
    what = f"the weights of {module.cell.name}, {sizes}, {layers}"
    expect(not wrong, "state_dict", what, "; ".join(wrong))


def _shapes(module: _Module) -> dict[str, tuple[int, ...]]:
    num_rows = {lstm.cell(): 4, gru.reset_after(): 3}.get(module.cell, 1)
    num_rows *= module.num_hidden
    shapes: dict[str, tuple[int, ...]] = {}
    num_inputs = module.num_inputs
    for k in range(module.num_layers):
        for suffix in module.suffixes:
            shapes[f"weight_ih_l{k}{suffix}"] = (num_rows, num_inputs)  # (1)
            shapes[f"weight_hh_l{k}{suffix}"] = (num_rows, module.num_hidden)
            if module.has_bias:
                shapes[f"bias_ih_l{k}{suffix}"] = (num_rows,)  # (2)
                shapes[f"bias_hh_l{k}{suffix}"] = (num_rows,)
        num_inputs = len(module.suffixes) * module.num_hidden
    return shapes


def _stacks(arrays: Mapping[str, np.ndarray], k: int, suffix: str) -> Stacks:
    return Stacks(*(arrays.get(f"{name}_l{k}{suffix}") for name in _STACKS))


def _old(like: Mapping[str, Any], prefix: str, k: int, suffix: str) -> Stacks:
    names = [f"{prefix}{name}_l{k}{suffix}" for name in _STACKS]
    missing = [name for name in names[:2] if name not in like]
    expect(not missing, "like", "the state_dict that was read", f"no {missing}")
    return Stacks(
        *(on_host(name, like[name]) if name in like else None for name in names)
    )


def _check_cell(argument: str, cell: Cell) -> None:
    is_one = cell in (lstm.cell(), gru.reset_after())
    is_one = is_one or activation_of(cell) in (tanh, relu)
    expected = "the cell of lstm, gru.reset_after, or elman with tanh or relu"
    expect(is_one, argument, expected, cell.name)


def _check_layers(layers: Sequence[Layer], params: Sequence[Tree]) -> None:
    """Checks that a stack is one module of PyTorch: alike layers on each other."""
    # A cell is a tuple too, of functions.
    is_list = isinstance(layers, Sequence) and not isinstance(layers, Cell | Both)
    expect(is_list, "layers", "a list of cells", type(layers).__name__)
    expect(len(layers) > 0, "layers", "at least one cell", "none")
    expected = f"{len(layers)} entries, one a layer"
    is_list = isinstance(params, Sequence)
    got = len(params) if is_list else type(params).__name__
    expect(is_list and len(params) == len(layers), "params", expected, got)
    num_inputs = num_hidden = 0
    for k, (layer, p) in enumerate(zip(layers, params, strict=True)):
        expect(layer == layers[0], f"layers[{k}]", "the same as layers[0]", "another")
        expected = "Both, as the layer has both directions"
        fits = isinstance(p, Both) or not isinstance(layer, Both)
        expect(fits, f"params[{k}]", expected, type(p).__name__)
        each = _directions(layer, p)
        for _, cell, one in each:
            check_cell(f"layers[{k}]", cell)
            _check_cell(f"layers[{k}]", cell)
            expect(cell is each[0][1], f"layers[{k}]", "one cell, twice", cell.name)
            check_params(f"params[{k}]", cell, one)
            sizes = cell.sizes(one)
            num_inputs = num_inputs or sizes.num_inputs
            num_hidden = num_hidden or sizes.num_hidden
            expected = f"I = {num_inputs}, H = {num_hidden}"
            fits = sizes == (num_inputs, num_hidden)
            got = f"I = {sizes.num_inputs}, H = {sizes.num_hidden}"
            expect(fits, f"params[{k}]", expected, got)
        num_inputs = len(each) * num_hidden


def _directions(layer: Layer, params: Tree) -> list[tuple[str, Cell, Tree]]:
    """Lists suffix, cell and parameters of each direction."""
    if isinstance(layer, Both):
        return list(zip(("", "_reverse"), layer, params, strict=True))
    return [("", layer, params)]


def _listed(prefix: str, arrays: Mapping[str, np.ndarray]) -> str:
    named = [f"{prefix}{name} {describe(array)}" for name, array in arrays.items()]
    return ", ".join(named[:8]) + (", …" if len(named) > 8 else "") or "none"
