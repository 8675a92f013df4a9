"""Hopfield's network: energy, fixed points, cycles, against loops over units."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq import hopfield
from jaxseq.hopfield import Network, plus_minus, zero_one


# Outside of `jit` each call would compile its loop again.
recall = jax.jit(hopfield.recall, static_argnums=(0, 4))
sweep = jax.jit(hopfield.sweep, static_argnums=0)

BOTH_UNITS = pytest.mark.parametrize(
    "units", [zero_one, plus_minus], ids=lambda u: u.name
)


def draw(units, *shape, seed=0):
    values = np.random.default_rng(seed).integers(0, 2, shape)
    return jnp.asarray(np.where(values, 1.0, units.off))


def network_of(num_units, seed=0):
    """Symmetric whole-number weights with ties, thresholds that differ."""
    rng = np.random.default_rng(seed)
    T = rng.integers(-3, 4, (num_units, num_units))
    T = np.triu(T, 1) + np.triu(T, 1).T
    return Network(
        jnp.asarray(T * 1.0), jnp.asarray(rng.integers(-2, 3, num_units) * 1.0)
    )


def energy_by_pairs(network, state):
    T, U, V = map(np.asarray, (*network, state))
    pairs = [T[i, j] * V[i] * V[j] for i in range(len(V)) for j in range(i)]
    return -sum(pairs) + sum(U * V)


def sweep_by_hand(units, network, state, order):
    T, U = np.asarray(network.T), np.asarray(network.U)
    V = np.array(state)
    for i in order:
        h = sum(T[i, j] * V[j] for j in range(len(V)) if j != i)
        if h != U[i]:
            V[i] = 1.0 if h > U[i] else units.off
    return V


@BOTH_UNITS
def test_store_is_hebbs_rule(units):
    patterns = draw(units, 5, 7)
    T, U = map(np.asarray, hopfield.store(units, patterns))
    mu = np.where(np.asarray(patterns) == 1, 1, -1)
    for i in range(7):
        for j in range(7):
            expected = 0 if i == j else sum(mu[s, i] * mu[s, j] for s in range(5))
            assert T[i, j] == expected
    assert not U.any()


def test_both_kinds_of_units_store_the_same_weights():
    patterns = draw(plus_minus, 5, 7)
    as_zero_one = (patterns + 1) / 2
    T = hopfield.store(plus_minus, patterns).T
    np.testing.assert_array_equal(hopfield.store(zero_one, as_zero_one).T, T)


@BOTH_UNITS
@pytest.mark.parametrize("seed", range(5))
def test_sweep_updates_one_unit_after_the_other(units, seed):
    network, state = network_of(9, seed), draw(units, 9, seed=seed)
    order = np.random.default_rng(seed).permutation(9)
    after = sweep(units, network, state, jnp.asarray(order))
    np.testing.assert_array_equal(after, sweep_by_hand(units, network, state, order))


@BOTH_UNITS
@pytest.mark.parametrize("seed", range(3))
def test_energy_falls_by_what_each_flip_is_worth(units, seed):
    network, state = network_of(9, seed), draw(units, 9, seed=seed)
    energies = [energy_by_pairs(network, state)]
    for i in np.random.default_rng(seed).integers(0, 9, 25):
        change = hopfield.change_of_energy(units, network, state)[i]
        after = sweep(units, network, state, jnp.array([i]))
        energies.append(energy_by_pairs(network, after))
        assert hopfield.energy(network, after) == energies[-1]
        if (after != state).any():
            assert change == energies[-1] - energies[-2] <= 0
        else:
            assert change >= 0
        state = after


@BOTH_UNITS
def test_change_of_energy_is_exact_for_every_unit(units):
    network, state = network_of(9), draw(units, 9)
    for i in range(9):
        flipped = state.at[i].set(1 + units.off - state[i])
        difference = energy_by_pairs(network, flipped) - energy_by_pairs(network, state)
        assert hopfield.change_of_energy(units, network, state)[i] == difference


@BOTH_UNITS
def test_recall_ends_in_a_fixed_point_of_lower_energy(units):
    network, states = network_of(30), draw(units, 20, 30)
    ended = recall(units, network, states, jax.random.key(0))
    assert ended.is_fixed.all()
    assert not ended.is_cycle.any()
    again = hopfield.at_once(units, network, ended.state)
    np.testing.assert_array_equal(again, ended.state)
    before = hopfield.energy(network, states)
    assert (hopfield.energy(network, ended.state) <= before).all()
    assert ((ended.num_sweeps == 0) == (ended.state == states).all(-1)).all()


def test_zero_one_with_half_the_sums_as_thresholds_is_plus_minus():
    patterns = draw(plus_minus, 8, 40)
    network = hopfield.store(plus_minus, patterns)._replace(
        U=jnp.asarray(np.random.default_rng(1).integers(-5, 6, 40) * 1.0)
    )
    twin = hopfield.as_zero_one(network)
    for seed in range(5):
        state, key = draw(plus_minus, 6, 40, seed=seed), jax.random.key(seed)
        ended = recall(plus_minus, network, state, key)
        twin_ended = recall(zero_one, twin, (state + 1) / 2, key)
        np.testing.assert_array_equal((ended.state + 1) / 2, twin_ended.state)
        together = hopfield.at_once(plus_minus, network, state)
        twin_together = hopfield.at_once(zero_one, twin, (state + 1) / 2)
        np.testing.assert_array_equal((together + 1) / 2, twin_together)


def test_with_thresholds_zero_the_two_differ():
    """The test above can fail."""
    patterns = draw(plus_minus, 8, 40)
    network = hopfield.store(plus_minus, patterns)
    state = draw(plus_minus, 6, 40, seed=1)
    together = hopfield.at_once(plus_minus, network, state)
    twin = hopfield.at_once(zero_one, network, (state + 1) / 2)
    assert ((together + 1) / 2 != twin).any()


def test_a_state_is_as_stable_as_its_opposite():
    network = hopfield.store(plus_minus, draw(plus_minus, 5, 30))
    states = draw(plus_minus, 50, 30, seed=1)
    after = hopfield.at_once(plus_minus, network, states)
    opposite = hopfield.at_once(plus_minus, network, -states)
    np.testing.assert_array_equal(after, -opposite)


ANTI = Network(jnp.array([[0.0, -1.0], [-1.0, 0.0]]), jnp.zeros(2))


def test_at_once_two_states_alternate():
    ended = hopfield.recall_at_once(plus_minus, ANTI, jnp.ones(2))
    assert ended.is_cycle
    assert not ended.is_fixed
    after = hopfield.at_once(plus_minus, ANTI, ended.state)
    assert (after == -ended.state).all()


def test_one_at_a_time_they_do_not():
    ended = recall(plus_minus, ANTI, jnp.ones(2), jax.random.key(0))
    assert ended.is_fixed
    assert not ended.is_cycle
    assert ended.state.sum() == 0


def test_recall_at_once_tells_states_of_a_batch_apart():
    states = jnp.array([[1.0, 1.0], [1.0, -1.0]])
    ended = hopfield.recall_at_once(plus_minus, ANTI, states)
    assert ended.is_cycle.tolist() == [True, False]
    assert ended.is_fixed.tolist() == [False, True]


def test_recall_that_has_no_time_says_so():
    network, states = network_of(30), draw(plus_minus, 20, 30)
    ended = recall(plus_minus, network, states, jax.random.key(0), 1)
    changed = (ended.state != states).any(-1)
    assert changed.any()
    assert not (ended.is_fixed & changed).any()
    assert not ended.is_cycle.any()


def test_ties_leave_a_unit_as_it_is():
    nothing = Network(jnp.zeros((4, 4)), jnp.zeros(4))
    for units in (zero_one, plus_minus):
        state = draw(units, 3, 4)
        ended = recall(units, nothing, state, jax.random.key(0))
        np.testing.assert_array_equal(ended.state, state)


def test_clipped_keeps_signs():
    T = hopfield.clipped(network_of(9)).T
    np.testing.assert_array_equal(T, np.sign(network_of(9).T))


def test_bounded_weights_keep_the_newest():
    patterns = draw(plus_minus, 12, 100)
    bounded = hopfield.store_bounded(plus_minus, patterns, 3)
    assert abs(bounded.T).max() == 3
    ended = recall(plus_minus, bounded, patterns, jax.random.key(0))
    num_wrong = (ended.state != patterns).sum(-1)
    assert num_wrong[-1] < 5 < num_wrong[0]
    free = hopfield.store_bounded(plus_minus, patterns, 12)
    np.testing.assert_array_equal(free.T, hopfield.store(plus_minus, patterns).T)


def test_flip_probability_is_the_papers():
    # Hopfield 1982: N = 100, n = 10: P = 0.0091 (its table of the normal distribution;
    # it is 0.00921), e^-0.91 about 0.40.
    probability = hopfield.flip_probability(zero_one, 10, 100)
    assert abs(probability - 0.00921) < 5e-6
    assert abs(np.exp(-100 * probability) - 0.40) < 5e-3
    assert hopfield.flip_probability(zero_one, 1, 100) == 0
    assert hopfield.flip_probability(plus_minus, 19, 100) == probability


def test_flip_probability_is_how_often_units_flip():
    num_flipped = 0
    for seed in range(200):
        patterns = draw(plus_minus, 20, 100, seed=seed)
        network = hopfield.store(plus_minus, patterns)
        after = hopfield.at_once(plus_minus, network, patterns)
        num_flipped += int((after != patterns).sum())
    expected = hopfield.flip_probability(plus_minus, 20, 100)
    assert abs(num_flipped / (200 * 20 * 100) / expected - 1) < 0.1


def test_recall_sweeps_in_a_new_order_each_time_until_nothing_changes():
    """Followed sweep by sweep: the orders, the states, and how many there were."""
    # Patterns far beyond what it can store: several sweeps are needed.
    network = hopfield.store(plus_minus, draw(plus_minus, 40, 60))
    start, key = draw(plus_minus, 5, 60, seed=1), jax.random.key(3)
    ended = hopfield.recall(plus_minus, network, start, key)
    state, counted, orders = np.asarray(start), np.zeros(5, int), []
    for number in range(int(ended.num_sweeps.max()) + 1):
        order = jax.random.permutation(jax.random.fold_in(key, number), 60).tolist()
        orders.append(tuple(order))
        new = np.stack([sweep_by_hand(plus_minus, network, s, order) for s in state])
        counted += (new != state).any(-1)
        state = new
    assert len(set(orders)) == len(orders) > 2
    np.testing.assert_array_equal(ended.state, state)
    np.testing.assert_array_equal(ended.num_sweeps, counted)


def test_two_states_are_counted_alike_alone_and_beside_slower_ones():
    T = jnp.zeros((8, 8)).at[0, 1].set(-1.0).at[1, 0].set(-1.0)
    for i in range(2, 7):  # a chain: each does what the one before it did
        T = T.at[i + 1, i].set(1.0)
    network = Network(T, jnp.zeros(8))
    cycle = jnp.ones(8)
    slow = -jnp.ones(8).at[0].set(-1.0).at[2].set(-1.0)
    alone = hopfield.recall_at_once(plus_minus, network, cycle)
    both = hopfield.recall_at_once(plus_minus, network, jnp.stack([cycle, slow]))
    assert both.is_cycle.tolist() == [True, False]
    assert both.is_fixed.tolist() == [False, True]
    assert both.num_sweeps.tolist() == [2, 5]
    assert alone.num_sweeps == 2


def test_numpy_arrays_will_do():
    network = network_of(6)
    by_numpy = Network(np.asarray(network.T), np.asarray(network.U))
    state = np.asarray(draw(plus_minus, 3, 6))
    for recall in (
        lambda n, s: hopfield.recall(plus_minus, n, s, jax.random.key(0)),
        lambda n, s: hopfield.recall_at_once(plus_minus, n, s),
    ):
        jax.tree.map(
            np.testing.assert_array_equal,
            recall(by_numpy, state),
            recall(network, jnp.asarray(state)),
        )


NETWORK = network_of(4)
ASYMMETRIC = Network(jnp.array([[0.0, 1.0], [2.0, 0.0]]), jnp.zeros(2))
KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: hopfield.store(plus_minus, jnp.ones((2, 3), int)),
            r"patterns: expected a floating-point dtype, got int64\[2, 3\]",
        ),
        (
            lambda: hopfield.store(plus_minus, jnp.ones(3)),
            r"patterns: expected shape \[n, N\].* got float64\[3\]",
        ),
        (
            lambda: hopfield.store(plus_minus, jnp.zeros((2, 3))),
            r"patterns: expected nothing but -1 and 1, got \[0\.\]",
        ),
        (
            lambda: hopfield.store(zero_one, -jnp.ones((2, 3))),
            r"patterns: expected nothing but 0 and 1, got \[-1\.\]",
        ),
        (
            lambda: hopfield.store_bounded(zero_one, jnp.ones((2, 3)), 0),
            "limit: expected an integer ≥ 1, got 0",
        ),
        (
            lambda: hopfield.recall(plus_minus, NETWORK, jnp.ones(5), KEY),
            r"state: expected float64\[..., 4\], .* got float64\[5\]",
        ),
        (
            lambda: hopfield.recall(plus_minus, NETWORK, jnp.zeros(4), KEY),
            "state: expected nothing but -1 and 1",
        ),
        (
            lambda: hopfield.recall(plus_minus, NETWORK, jnp.ones(4), 0),
            "key: expected a random key",
        ),
        (
            lambda: hopfield.recall(plus_minus, NETWORK, jnp.ones(4), KEY, 0),
            "max_sweeps: expected an integer ≥ 1, got 0",
        ),
        (
            lambda: hopfield.energy(ASYMMETRIC, jnp.ones(2)),
            r"network.T: expected a symmetric .* got 1.0 at \[0, 1\], 2.0 at \[1, 0\]",
        ),
        (
            lambda: hopfield.heard(NETWORK._replace(T=jnp.eye(4)), jnp.ones(4)),
            "network.T: expected a zero diagonal",
        ),
        (
            lambda: hopfield.heard(NETWORK._replace(U=jnp.ones(3)), jnp.ones(4)),
            r"network.U: expected float64\[4\], got float64\[3\]",
        ),
        (
            lambda: hopfield.heard(Network(jnp.ones((2, 3)), jnp.ones(2)), jnp.ones(3)),
            r"network.T: expected shape \[N, N\], N ≥ 1, got float64\[2, 3\]",
        ),
        (
            lambda: hopfield.change_of_energy(
                plus_minus, Network(jnp.ones((2, 3)), jnp.ones(2)), jnp.ones(3)
            ),
            r"network.T: expected shape \[N, N\], N ≥ 1, got float64\[2, 3\]",
        ),
        (
            lambda: hopfield.change_of_energy(plus_minus, NETWORK, jnp.zeros(4)),
            "state: expected nothing but -1 and 1",
        ),
        (
            lambda: hopfield.energy(NETWORK, [1.0, 1.0, 1.0, 1.0]),
            "state: expected an array, got list",
        ),
        (
            lambda: hopfield.recall(plus_minus, (None, None), jnp.ones(4), KEY),
            "network: expected a hopfield.Network, got tuple",
        ),
        (
            lambda: hopfield.at_once(plus_minus, Network(None, None), jnp.ones(4)),
            "network.T: expected an array, got NoneType",
        ),
        (
            lambda: hopfield.heard(Network(jnp.ones(()), jnp.ones(())), jnp.ones(4)),
            r"network.T: expected shape \[N, N\], N ≥ 1, got float64\[\]",
        ),
        (
            lambda: hopfield.heard(
                Network(jnp.ones((0, 0)), jnp.ones(0)), jnp.ones((1, 0))
            ),
            r"network.T: expected shape \[N, N\], N ≥ 1, got float64\[0, 0\]",
        ),
        (
            lambda: hopfield.recall(
                plus_minus, NETWORK._replace(U=jnp.full(4, jnp.nan)), jnp.ones(4), KEY
            ),
            "network.U: expected numbers, got NaN among them",
        ),
        (
            lambda: hopfield.at_once("±1", NETWORK, jnp.ones(4)),
            "units: expected zero_one or plus_minus, got '±1'",
        ),
        (
            lambda: hopfield.sweep(plus_minus, NETWORK, jnp.ones(4), jnp.array([7])),
            r"order: expected 0 to 3, got 7 at \[0\]",
        ),
        (
            lambda: hopfield.sweep(plus_minus, NETWORK, jnp.ones(4), jnp.ones(4)),
            "order: expected an array of an integer dtype, got float64",
        ),
        (
            lambda: hopfield.sweep(
                plus_minus, NETWORK, jnp.ones(4), jnp.zeros((1, 4), int)
            ),
            r"order: expected shape \[K\], got int64\[1, 4\]",
        ),
    ],
)
def test_wrong_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


def test_without_symmetry_there_is_an_update_all_the_same():
    after = hopfield.at_once(plus_minus, ASYMMETRIC, jnp.array([1.0, -1.0]))
    assert after.tolist() == [-1.0, 1.0]
