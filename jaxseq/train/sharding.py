"""One update on many devices: each takes rows of the batch, all have the weights.

With D devices, device d computes the sums Σ L and Σ ∂L/∂w over its rows, and the sums
over devices are formed once an update, as one all-reduce: the textbook's weight
gradients are hoisted out of the loop over time, so nothing waits inside it.

Tables of a large vocabulary may lie in D parts instead, with the moments that the
optimizer has of them: each device keeps V/D rows, has the whole table while it computes
(all-gather), and gets the sum of the gradients of its rows alone (reduce-scatter).

References: Rajbhandari, Rasley, Ruwase, He, ZeRO: memory optimizations toward training
trillion parameter models, SC 2020: keep parts, compute with the whole.
"""

from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jaxseq.checks import check_count, check_instance, expect
from jaxseq.train.state import State
from jaxseq.types import Array, Tree


AXIS = "data"
WHOLE, PARTS = PartitionSpec(), PartitionSpec(AXIS)


class Layout(NamedTuple):
    """What lies where.

    Attributes:
        mesh: D devices in a row; None for the one that JAX takes.
        batch_axis: which axis of every array of a batch counts its rows.
        carry_axis: which axis of every array of the carry does.
        params: `WHOLE`, or a tree that begins as the weights do, with `PARTS` for
            tables that are kept in parts by their first axis.
    """

    mesh: Mesh | None = None
    batch_axis: int = 0
    carry_axis: int = 0
    params: Any = WHOLE


ONE_DEVICE = Layout()


def check_layout(argument: str, layout: Layout) -> None:
    """Checks the devices and the axes; `params` is compared with the weights later.

    Args:
        argument: the name of `layout`, for errors.
        layout: the layout.

    Raises:
        ValueError: naming the argument, or its field.
    """
    check_instance(argument, layout, Layout)
    if layout.mesh is not None:
        check_instance(f"{argument}.mesh", layout.mesh, Mesh)
        names, expected = layout.mesh.axis_names, "devices in a row, as of `mesh`"
        expect(names == (AXIS,), f"{argument}.mesh", expected, names)
    check_count(f"{argument}.batch_axis", layout.batch_axis, least=0)
    check_count(f"{argument}.carry_axis", layout.carry_axis, least=0)


def mesh(num_devices: int | None = None) -> Mesh:
    """Returns the first devices in a row, those of all processes if there are several.

    Args:
        num_devices: D; None for all there are.

    Raises:
        ValueError: if there are fewer devices, or a process would have none of them.
    """
    devices = jax.devices()
    num_devices = len(devices) if num_devices is None else num_devices
    check_count("num_devices", num_devices)
    most = f"at most {len(devices)}, as many as there are"
    expect(num_devices <= len(devices), "num_devices", most, num_devices)
    used = devices[:num_devices]
    idle = set(range(jax.process_count())) - {each.process_index for each in used}
    least = f"at least one of each of the {jax.process_count()} processes"
    expect(not idle, "num_devices", least, num_devices)
    row = np.array(used)
    return Mesh(row, (AXIS,), axis_types=(AxisType.Auto,))


def over(num_devices: int) -> Layout:
    """Returns a layout of whole weights: on the first devices, or the one JAX takes.

    Args:
        num_devices: D.

    Raises:
        ValueError: as `mesh` does.
    """
    return ONE_DEVICE if num_devices == 1 else Layout(mesh(num_devices))


def local(tree: Tree) -> Tree:
    """Returns the copies that this process has of arrays that all processes have.

    Args:
        tree: of arrays, whole on each device.
    """

    def copy(leaf: Array) -> Array:
        return leaf if leaf.is_fully_addressable else leaf.addressable_data(0)

    return jax.tree.map(copy, tree)


def rows(axis: int) -> PartitionSpec:
    """Returns how an array lies whose rows the devices share, by the rows' axis.

    Args:
        axis: which one counts the rows.
    """
    return PartitionSpec(*[None] * axis, AXIS)


def of_params(where: Layout, num_devices: int, params: Tree) -> Tree:
    """Returns how every array of the weights lies.

    Args:
        where: the layout.
        num_devices: D.
        params: the weights.

    Raises:
        ValueError: naming a table that D does not divide.
    """
    specs = jax.tree.broadcast(where.params, params, is_leaf=_is_spec)

    def check(path, leaf, spec):
        divides = spec == WHOLE or (leaf.ndim and leaf.shape[0] % num_devices == 0)
        name = f"params{jax.tree_util.keystr(path)}"
        expected = f"a multiple of {num_devices} rows, as it is kept in parts"
        expect(divides, name, expected, list(leaf.shape))

    jax.tree_util.tree_map_with_path(check, params, specs)
    return specs


def place(
    where: Layout, optimizer: optax.GradientTransformation, state: State
) -> State:
    """Returns a state laid out; it is whole on the host or on one device before.

    Args:
        where: the layout.
        optimizer: of the state: its moments lie where the weights do.
        state: the same in every process.

    Raises:
        ValueError: naming the argument, or an array that D does not divide.
    """
    check_layout("where", where)
    check_instance("state", state, State)
    if where.mesh is None:
        return state
    devices = where.mesh
    specs = of_params(where, devices.size, state.params)
    moments = optax.tree_utils.tree_map_params(
        optimizer,
        lambda _, spec: spec,
        state.optimizer_state,
        specs,
        transform_non_params=lambda _: WHOLE,
    )
    carry = jax.tree.map(lambda _: rows(where.carry_axis), state.carry)
    skips = jax.tree.map(lambda _: WHOLE, state.skips)
    return jax.tree.map(
        lambda leaf, spec: _put(devices, spec, np.asarray(leaf)),
        state,
        State(specs, moments, carry, skips),
    )


def place_batch(where: Layout, batch: Tree) -> Tree:
    """Puts a batch from the host on the devices: of each row its own device.

    Args:
        where: the layout.
        batch: the same in every process.

    Raises:
        ValueError: if D does not divide the rows.
    """
    if where.mesh is None:
        return jax.device_put(batch)
    devices, axis, num_devices = where.mesh, where.batch_axis, where.mesh.size

    def put(leaf):
        leaf = np.asarray(leaf)
        fits = leaf.ndim > axis and leaf.shape[axis] % num_devices == 0
        expected = f"a multiple of {num_devices} rows along axis {axis}"
        expect(fits, "batch", expected, list(leaf.shape))
        return _put(devices, rows(axis), leaf)

    return jax.tree.map(put, batch)


def place_scalars(where: Layout, *numbers: int) -> tuple[jax.Array, ...]:
    """Puts numbers of 32 bits on every device.

    Args:
        where: the layout.
        *numbers: integers in 0 … 2³² - 1.

    Returns:
        Each as a scalar, uint32.
    """
    arrays = [np.asarray(number, np.uint32) for number in numbers]
    if where.mesh is None:
        return tuple(jax.device_put(arrays))
    devices = where.mesh
    return tuple(_put(devices, WHOLE, array) for array in arrays)


def _put(devices: Mesh, spec: PartitionSpec, array: np.ndarray) -> jax.Array:
    # Asks for what this process' devices hold, and compares nothing between processes.
    sharding = NamedSharding(devices, spec)
    return jax.make_array_from_callback(array.shape, sharding, array.__getitem__)


def _is_spec(leaf: object) -> bool:
    return isinstance(leaf, PartitionSpec)
