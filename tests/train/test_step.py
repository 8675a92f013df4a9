"""One update: the mean over targets whatever the parts, and never one that is NaN."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec

from jaxseq.train import precision, sharding, state, step
from jaxseq.train.clip import clip_by_global_norm
from jaxseq.train.sharding import Layout
from tests.devices import two_devices


KEY = jax.random.key(0)
NUM_ROWS, NUM_INPUTS, NUM_OUTPUTS = 12, 6, 3
WIDE = precision.FLOAT64


def cost(params, carry, batch, key):
    """A network that adds up what it has seen of each row, with weights of targets."""
    del key
    hidden = jnp.tanh(carry + batch["xs"] @ params["U"])
    errors = hidden @ params["V"] + params["b"].reshape(1, -1) - batch["ys"]
    return step.Cost(
        jnp.sum(batch["weights"][:, None] * errors**2), batch["weights"].sum(), hidden
    )


def params(dtype=jnp.float64):
    draw = np.random.default_rng(1)
    shapes = {"U": (NUM_INPUTS, 4), "V": (4, NUM_OUTPUTS), "b": (NUM_OUTPUTS,)}
    return {k: jnp.asarray(draw.standard_normal(s), dtype) for k, s in shapes.items()}


def batch(number=0, dtype=np.float64):
    draw = np.random.default_rng((2, number))
    rows = {
        "xs": draw.standard_normal((NUM_ROWS, NUM_INPUTS)),
        "ys": draw.standard_normal((NUM_ROWS, NUM_OUTPUTS)),
        # Parts with many targets and with none.
        "weights": (np.arange(NUM_ROWS) > 4) * draw.uniform(0, 2, NUM_ROWS),
    }
    return jax.tree.map(lambda a: a.astype(dtype), rows)


def carry(dtype=jnp.float64):
    return jnp.full((NUM_ROWS, 4), 0.1, dtype)


OPTIMIZER = optax.chain(clip_by_global_norm(0.5), optax.trace(0.9), optax.scale(-0.1))


def run(num_updates, spoil=None, **options):
    optimizer = options.pop("optimizer", OPTIMIZER)
    where = options.get("layout", sharding.ONE_DEVICE)
    options = {"precision": WIDE} | options
    update = jax.jit(step.make(cost, optimizer, **options))
    now = state.begin(params(), optimizer, carry()).state
    now = sharding.place(where, optimizer, now)
    reports = []
    for number in range(num_updates):
        rows = batch(number)
        if number == spoil:
            rows["xs"][3, 2] = np.inf
        rows = sharding.place_batch(where, rows)
        now, report = update(now, rows, jax.random.key(number))
        reports.append(report)
    return now, reports


def equal(first, second):
    return all(
        np.array_equal(a, b) and a.dtype == b.dtype
        for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    )


def close(found, expected, rtol):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def test_an_update_is_that_of_the_mean():
    now, (report,) = run(1)
    total, count, hidden = cost(params(), carry(), batch(), None)

    def mean(params):
        return cost(params, carry(), batch(), None).total / count

    gradient = jax.grad(mean)(params())
    norm = np.sqrt(sum(np.sum(g**2) for g in gradient.values()))
    assert norm > 0.5
    expected = {k: p - 0.1 * gradient[k] * 0.5 / norm for k, p in params().items()}
    close(now.params, expected, 1e-13)
    close(now.carry, hidden, 1e-15)
    close(report, (total, count, norm, True, 0), 1e-13)


@pytest.mark.parametrize("num_parts", [2, 3, 12])
def test_parts_give_what_the_whole_gives(num_parts):
    found, reports = run(4, num_parts=num_parts)
    expected, expected_reports = run(4)
    close(found, expected, 1e-12)
    close(reports, expected_reports, 1e-12)


def one_device():
    return sharding.ONE_DEVICE


def whole():
    return Layout(sharding.mesh(2))


def table():
    specs = {"U": sharding.PARTS, "V": sharding.PARTS, "b": sharding.WHOLE}
    return Layout(sharding.mesh(2), params=specs)


@two_devices
@pytest.mark.parametrize("num_parts", [1, 3])
@pytest.mark.parametrize("make_layout", [whole, table])
def test_two_devices_give_what_one_gives(make_layout, num_parts):
    layout = make_layout()
    found, reports = run(4, num_parts=num_parts, layout=layout)
    expected, expected_reports = run(4)
    close(found, expected, 1e-12)
    close(reports, expected_reports, 1e-12)
    spread = found.params["U"]
    rows = NUM_INPUTS // (2 if layout.params != sharding.WHOLE else 1)
    assert {s.data.shape for s in spread.addressable_shards} == {(rows, 4)}
    # So do the moments: they lie where the weights do.
    moments = found.optimizer_state[1].trace["U"]
    assert moments.sharding.is_equivalent_to(spread.sharding, 2)


@two_devices
@pytest.mark.parametrize("num_parts", [1, 3])
def test_devices_add_up_once_an_update(num_parts):
    layout = whole()
    update = jax.jit(
        step.make(cost, OPTIMIZER, num_parts=num_parts, layout=layout, precision=WIDE)
    )
    now = state.begin(params(), OPTIMIZER, carry()).state
    args = (
        sharding.place(layout, OPTIMIZER, now),
        sharding.place_batch(layout, batch()),
        jax.random.key(0),
    )
    text = update.lower(*args).compile().as_text()
    collectives = re.findall(r" (all-\w+|reduce-scatter|collective-\w+)\(", text)
    assert collectives == ["all-reduce"]
    (shape,) = re.findall(r"= (.*) all-reduce\(", text)
    assert all(f"f64[{each}]" in shape for each in ("6,4", "4,3", "3", ""))


@pytest.mark.parametrize("num_parts", [1, 3])
@pytest.mark.parametrize(
    "make_layout", [one_device, pytest.param(table, marks=two_devices)]
)
def test_an_update_that_is_not_finite_changes_nothing(num_parts, make_layout):
    options = {"num_parts": num_parts, "layout": make_layout()}
    before, _ = run(2, **options)
    after, reports = run(3, spoil=2, **options)
    assert equal(before[:3], after[:3])
    assert (int(after.skips.total), int(after.skips.in_a_row)) == (1, 1)
    assert [bool(report.is_applied) for report in reports] == [True, True, False]
    later, reports = run(4, spoil=2, **options)
    assert not equal(later.params, after.params)
    assert (int(later.skips.total), int(later.skips.in_a_row)) == (1, 0)
    assert [int(report.num_skipped) for report in reports] == [0, 0, 1, 0]


def spoiled(total=1.0, count=1.0, carry=0.0):
    """A cost of a finite gradient, with what is given where row 1 is."""

    def cost(params, state, rows, key):
        is_here = (rows == 1).any()
        return step.Cost(
            jnp.sum(params) * jnp.where(is_here, total, 1.0),
            jnp.where(is_here, count, 1.0),
            jnp.where((rows == 1)[:, None], carry, state + 1),
        )

    return cost


@pytest.mark.parametrize(
    ("cost", "optimizer"),
    [
        (spoiled(count=jnp.nan), OPTIMIZER),
        (spoiled(count=jnp.inf), OPTIMIZER),
        (spoiled(count=-0.5), OPTIMIZER),
        (spoiled(carry=jnp.inf), OPTIMIZER),
        (spoiled(carry=jnp.nan), OPTIMIZER),
        (spoiled(), optax.scale(np.nan)),
        (spoiled(total=1e10), optax.scale(1e300)),
        # The moments alone: divided by infinity, the step is 0.
        (spoiled(total=1e200), optax.scale_by_rms(eps=1.0)),
    ],
    ids=["count NaN", "count inf", "count < 0", "carry inf", "carry NaN"]
    + ["steps NaN", "weights inf", "moments inf"],
)
@pytest.mark.parametrize(
    ("num_parts", "make_layout"),
    [(1, one_device), (2, one_device), pytest.param(1, whole, marks=two_devices)],
)
def test_what_would_leave_the_state_not_finite_changes_nothing(
    cost, optimizer, num_parts, make_layout
):
    layout = make_layout()
    made = step.make(
        cost, optimizer, num_parts=num_parts, layout=layout, precision=WIDE
    )
    before = state.begin(jnp.ones(3), optimizer, jnp.zeros((4, 2))).state
    before = sharding.place(layout, optimizer, before)
    rows = sharding.place_batch(layout, np.arange(4))
    after, report = jax.jit(made)(before, rows, jax.random.key(0))
    assert not report.is_applied
    assert equal(before[:3], after[:3])
    assert (int(after.skips.total), int(report.num_skipped)) == (1, 1)


@pytest.mark.usefixtures("as_users_run_it")
def test_an_optimizer_may_keep_a_key_and_a_carry_a_count():
    optimizer = optax.add_noise(0.1, 0.55, jax.random.key(0))
    count = {"number": jnp.int32(0), "is_first": jnp.asarray(True)}
    now = state.begin(jnp.ones(3), optimizer, count).state

    def cost(params, carry, batch, key):
        return step.Cost(jnp.sum(params), jnp.ones(()), carry)

    _, report = jax.jit(step.make(cost, optimizer))(now, (), KEY)
    assert report.is_applied


@pytest.mark.usefixtures("as_users_run_it")
def test_an_optimizer_may_keep_the_first_weights():
    def cost(params, carry, batch, key):
        return step.Cost(jnp.sum(params**2), jnp.ones(()), carry)

    optimizer = optax.contrib.prodigy()
    now = state.begin(jnp.ones(3), optimizer).state
    update = jax.jit(step.make(cost, optimizer), donate_argnums=0)
    now, report = update(now, (), KEY)
    assert report.is_applied


def test_a_gradient_that_overflows_only_as_a_norm_is_applied():
    huge = optax.chain(clip_by_global_norm(1.0), optax.scale(-1.0))

    def steep(params, carry, batch, key):
        return step.Cost(jnp.sum(params * 1e30), jnp.ones(()), carry)

    update = jax.jit(step.make(steep, huge))
    now = state.begin(jnp.zeros(4, jnp.float32), huge).state
    now, report = update(now, (), jax.random.key(0))
    assert bool(report.is_applied)
    np.testing.assert_allclose(now.params, -np.full(4, 0.5), rtol=1e-6)


@pytest.mark.parametrize("num_parts", [1, 3])
@pytest.mark.parametrize(
    "make_layout", [one_device, pytest.param(whole, marks=two_devices)]
)
def test_each_part_and_device_has_a_key_of_its_own(make_layout, num_parts):
    layout = make_layout()

    def draw(params, carry, batch, key):
        numbers = jnp.full(carry.shape, jax.random.uniform(key, (), carry.dtype))
        return step.Cost(jnp.sum(params), jnp.ones(()), numbers)

    sgd = optax.sgd(0.1)
    update = step.make(draw, sgd, num_parts=num_parts, layout=layout, precision=WIDE)
    before = state.begin(jnp.ones(3), sgd, jnp.zeros(NUM_ROWS)).state
    rows = sharding.place_batch(layout, np.zeros(NUM_ROWS))
    after, _ = jax.jit(update)(sharding.place(layout, sgd, before), rows, KEY)
    num_draws = num_parts * (1 if layout.mesh is None else layout.mesh.size)
    shares = np.asarray(after.carry).reshape(num_draws, -1)
    assert (shares == shares[:, :1]).all()
    assert len(np.unique(shares)) == num_draws


def test_no_targets_are_no_cost():
    def nothing(params, carry, batch, key):
        return step.Cost(jnp.sum(params * 0), jnp.zeros(()), carry)

    sgd = optax.sgd(0.1)
    now = state.begin(jnp.ones(4, jnp.float32), sgd).state
    now, report = jax.jit(step.make(nothing, sgd))(now, (), jax.random.key(0))
    assert bool(report.is_applied)
    assert equal(now.params, jnp.ones(4, jnp.float32))


def test_narrow_numbers_compute_and_wide_ones_keep():
    seen = set()

    def note(params, carry, batch, key):
        seen.update(str(leaf.dtype) for leaf in jax.tree.leaves(params))
        narrow = jax.tree.map(lambda a: a.astype(jnp.bfloat16), batch)
        found = cost(params, carry.astype(jnp.bfloat16), narrow, key)
        return found._replace(carry=carry)

    def trained(numbers):
        sgd = optax.sgd(0.1)
        update = jax.jit(step.make(note, sgd, precision=numbers, num_parts=2))
        now = state.begin(params(jnp.float32), sgd, carry(jnp.float32)).state
        for number in range(3):
            rows = batch(number, np.float32)
            now, report = update(now, rows, jax.random.key(0))
        return now, report

    found, report = trained(precision.BFLOAT16)
    assert seen == {"bfloat16"}
    assert {leaf.dtype for leaf in jax.tree.leaves(found.params)} == {
        jnp.dtype("float32")
    }
    assert report.total.dtype == jnp.float32
    # A hundredth of a weight is less than bfloat16 sees.
    assert not equal(
        found.params, jax.tree.map(lambda p: p.astype("bfloat16"), found.params)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_parts": 5}, "carry: expected a multiple of 5 rows along axis 0"),
        ({"num_parts": 0}, "num_parts: expected an integer ≥ 1, got 0"),
        (
            {"precision": precision.Precision("int32", "float32", "float32")},
            "precision.params: expected a floating-point dtype",
        ),
        (
            {"layout": Layout(sharding.mesh(1), params={"b": PartitionSpec("data")})},
            "",
        ),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        run(1, **options)


@two_devices
def test_a_table_that_devices_do_not_divide_is_refused():
    specs = {"U": sharding.WHOLE, "V": sharding.WHOLE, "b": sharding.PARTS}
    message = r"^params\['b'\]: expected a multiple of 2 rows, as it is kept in parts"
    with pytest.raises(ValueError, match=message):
        run(1, layout=Layout(sharding.mesh(2), params=specs))
    with pytest.raises(ValueError, match="^num_devices: expected at most 2, as many"):
        sharding.mesh(3)
    with pytest.raises(ValueError, match="^batch: expected a multiple of 2 rows"):
        sharding.place_batch(whole(), {"xs": np.zeros((3, 2))})
