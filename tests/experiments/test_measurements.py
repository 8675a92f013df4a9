"""What the classics count, on networks whose answers are known beforehand."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.classics import (
    elman_classes,
    elman_letters,
    elman_words,
    hopfield_capacity,
    hopfield_picture,
    jordan_cycle,
    lstm_adding,
    lstm_long_lag,
    lstm_reber,
    lstm_temporal_order,
    vanishing_gradients,
)
from experiments.classics.lstm_training import Learned
from jaxseq.hopfield import Network, plus_minus, zero_one


def all_off(units, patterns):
    """A network whose units all turn off, whatever they hear."""
    size = patterns.shape[-1]
    zeros = jnp.zeros((size, size), patterns.dtype)
    return Network(zeros, jnp.ones(size, patterns.dtype))


def test_errors_of_memories_are_units_that_end_elsewhere():
    key = jax.random.key(0)
    with jax.enable_x64(False):
        wrong = hopfield_capacity._num_wrong(zero_one, all_off, key, 3, 6, 20)
        drawn = hopfield_capacity._draw(zero_one, jax.random.split(key)[0], (3, 6, 20))
    num_on = np.asarray(drawn).sum(-1)[:, : hopfield_capacity.NUM_TESTED]
    np.testing.assert_array_equal(wrong, num_on)
    assert num_on.any()


def test_both_notations_are_compared_unit_by_unit(monkeypatch):
    key = jax.random.key(0)
    with jax.enable_x64(False):
        assert hopfield_capacity._num_differing(key, 3) == 0
        recall = hopfield_capacity._recall

        def with_one_error(units, *args):
            states = recall(units, *args)
            return states.at[0, 0, 7].set(3.0) if units == plus_minus else states

        monkeypatch.setattr(hopfield_capacity, "_recall", with_one_error)
        assert hopfield_capacity._num_differing(key, 3) == 1


def test_energy_that_rises_once_is_seen():
    falling = np.array([[5.0, 5.0], [4.0, 1.0], [4.0, 0.0]])
    assert hopfield_picture._largest_rise(falling) == 0
    falling[2, 1] = 1.5
    assert hopfield_picture._largest_rise(falling) == 0.5


@pytest.mark.parametrize(("distance", "is_near"), [(0.049, True), (0.051, False)])
def test_runs_are_back_within_a_twentieth_in_any_phase(distance, is_near):
    rounds = np.tile(jordan_cycle.CORNERS, (3, 1))
    for phase in range(4):
        ys = np.roll(rounds, phase, axis=0)[None, :, None].copy()
        ys[0, -3, 0, 1] += distance
        assert jordan_cycle._is_back(ys).tolist() == [[is_near]]
    backwards = rounds[::-1][None, :, None]
    assert jordan_cycle._is_back(backwards).tolist() == [[False]]


def test_letters_errors_are_added_up_over_bits(monkeypatch):
    text = "badiiguuu" * 3
    codes = elman_letters._codes(text)
    outputs = np.random.default_rng(0).uniform(size=(2, len(text), 6))
    monkeypatch.setattr(elman_letters, "read", lambda *args: (outputs,))
    errors = elman_letters._tested(None, text)["errors"]
    for network in range(2):
        sums: dict[str, list[float]] = {name: [] for name in errors}
        for t in range(len(text) - 1):
            squares = [
                (outputs[network, t, k] - codes[t + 1, k]) ** 2 for k in range(6)
            ]
            is_consonant = text[t + 1] in "bdg"
            sums["consonants" if is_consonant else "vowels"].append(sum(squares))
            sums["bit 1"].append(squares[0])
            sums["bit 4"].append(squares[3])
            if is_consonant:
                sums["bit 4 there"].append(squares[3])
        for name, each in sums.items():
            expected = math.sqrt(sum(each) / len(each))
            np.testing.assert_allclose(errors[name][network], expected, rtol=1e-12)


def test_a_network_that_errs_at_first_letters_finds_every_boundary(monkeypatch):
    words = ["many", "a", "boy", "years"]
    codes = elman_words._codes("".join(words))
    is_first = np.concatenate([np.arange(len(word)) == 0 for word in words])
    wanted = np.roll(codes, -1, axis=0)
    outputs = np.where(np.roll(is_first, -1)[:, None], 1 - wanted, wanted)[None]
    monkeypatch.setattr(elman_words, "read", lambda *args: (outputs,))
    errors, places = elman_words._errors(None, words)
    assert places.tolist() == [1, 2, 3, 0, 0, 1, 2, 0, 1, 2, 3, 4]
    np.testing.assert_array_equal(errors[0], places == 0)
    assert elman_words._auc(errors[0], places == 0) == 1


def test_nearest_word_is_another_one():
    vectors = np.array([[0.0], [1.0], [5.0], [5.5]])
    nearest = elman_classes._nearest(vectors, vectors, itself=False)
    assert nearest.tolist() == [1, 0, 3, 2]
    assert elman_classes._nearest(np.array([[4.0]]), vectors).tolist() == [2]


def test_words_are_averaged_over_where_they_stand():
    ids = np.array([*range(29), 3, 3])
    hidden = np.random.default_rng(0).normal(size=(2, 31, 4))
    means = elman_classes._means(hidden, ids)
    np.testing.assert_allclose(means[:, 3], hidden[:, [3, 29, 30]].mean(1))
    np.testing.assert_array_equal(means[:, 5], hidden[:, 5])


def test_threshold_of_the_latch_is_the_one_found_by_iteration():
    # By tangency for w = 2, seven digits: x* = √½, h* = √2 - atanh √½.
    expected = math.sqrt(2) - math.atanh(math.sqrt(0.5))
    assert abs(vanishing_gradients._threshold(2.0) - expected) < 1e-12
    assert abs(vanishing_gradients._threshold_by_iteration(2.0) - expected) < 1e-7


def test_latch_multiplies_its_slopes():
    config = vanishing_gradients.Config(num_steps=20)
    run = vanishing_gradients._latch(2.0, 0.3, config)
    hs = np.random.default_rng(config.seed).uniform(-0.3, 0.3, 20)

    def last_net_input(a):  # the first of them given
        for h in hs[1:4]:
            a = 2 * jnp.tanh(a) + h
        return a

    first = 2.0 * 1.0 + hs[0]
    slope = jax.grad(last_net_input)(first)
    np.testing.assert_allclose(run[1][0], math.tanh(first), rtol=1e-12)
    # ∂a_4/∂a_1 has the slopes of x_1 to x_3.
    np.testing.assert_allclose(run[3][1], slope, rtol=1e-12)


def test_reber_is_solved_where_all_is_right_and_legal(monkeypatch):
    outer = [[1.0, 1.0, 1.0], [1.0, 0.9, 1.0], [0.5, 0.5, 0.5]]
    legal = [[0.99, 0.9995, 0.99], [0.99, 1.0, 0.9989], [1.0, 1.0, 1.0]]
    each = {"outer": outer, "legal": legal, "outer_new": [1.0, 1.0, 0.5]}
    monkeypatch.setattr(lstm_reber, "_trained", lambda *args: each)
    result = lstm_reber.train(lstm_reber.Config())
    assert result["solved"] == [2 * lstm_reber.CHUNK, -1, -1]
    by_name = {claim.what: claim for claim in result["claims"]}
    assert by_name["LSTM: networks that get there"].ours == "0.3333"
    assert by_name["  still there at the end"].ours == "0"


def learned(num_sequences):
    num = len(num_sequences)
    return Learned(None, np.array(num_sequences), np.zeros((num, 3)))


def test_one_wrong_output_makes_an_answer_wrong(monkeypatch):
    errors = np.zeros((2, 5, 4))
    errors[0, :3, 2] = 0.31
    errors[1, 1] = 0.29
    module = lstm_temporal_order
    monkeypatch.setattr(module, "learn", lambda *args: learned([2_000, -1]))
    monkeypatch.setattr(module, "test", lambda *args: errors)
    result = module.train(module.Config())
    assert result["num_wrong"] == [3, 0]
    share, after, median, most = result["claims"]
    assert (share.ours, share.holds) == ("0.5", False)
    assert (after.ours, median.ours, most.ours) == ("2,000", "3", "3")


def test_sums_are_wrong_from_a_twenty_fifth_on(monkeypatch):
    errors = np.array([[0.039, 0.041, 0.0], [0.041, 0.041, 0.2]])[..., None]
    module = lstm_adding
    monkeypatch.setattr(module, "learn", lambda *args: learned([-1, -1]))
    monkeypatch.setattr(module, "test", lambda *args: errors)
    result = module.train(module.Config())
    assert result["num_wrong"] == [1, 3]
    np.testing.assert_allclose(result["mean_error"], errors[..., 0].mean(-1))


def test_long_lags_are_missed_by_a_single_network(monkeypatch):
    stopped = {50: [12_000, 14_000], 1_000: [-1, 40_000]}
    monkeypatch.setattr(lstm_long_lag, "setting", lambda lag, rate, bound: stopped[lag])
    monkeypatch.setattr(lstm_long_lag, "learn", lambda keys, task, most: learned(task))
    result = lstm_long_lag.train(lstm_long_lag.Config(lags=(50, 1_000)))
    by_name = {claim.what: claim for claim in result["claims"]}
    assert by_name["q = p = 50: networks that stop"].holds
    assert not by_name["q = p = 1,000: networks that stop"].holds
    growth = by_name["sequences, lag 1,000 over 50"]
    assert (growth.ours, growth.holds) == ("3.077", True)
