"""Gradient checks, three ways: the hand-written rule, autodiff, finite differences.

For a function y = f(θ) and a random direction w in the space of its outputs, all three
differentiate the one number L = Σ w ⊙ f(θ), so that no output can hide behind another:

    by hand          `jax.grad` of L with f as given, which uses its written rule
    by autodiff      `jax.grad` of L with the plain form of f, which has none
    by differences   n of `jaxseq.gradcheck.differences`, of the plain form

By hand and by autodiff are compared in every entry; differences are taken at all
entries of small parameters, and of large ones at a sample that includes the worst.
Everything runs in float64, whatever the dtype of the arguments. The values of f and of
its plain form are compared too (`jaxseq.gradcheck.outputs`).

`jax.test_util.check_grads`, the usual tool, looks along one random direction with a
tolerance that grows with the size of the array: a wrong entry can pass.

Reference: Goodfellow, Bengio, Courville, Deep learning, 2016, section 11.5: derivatives
by back-propagation and by differences, compared along a random projection.
"""

from collections.abc import Callable, Sequence

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from jaxseq.checks import check_count, expect
from jaxseq.gradcheck.differences import Differences, differences
from jaxseq.gradcheck.outputs import check_alike, output_rows
from jaxseq.gradcheck.report import (
    BOTH_ZERO,
    DIFFERS,
    EQUAL,
    KINK,
    TRUNCATED,
    Report,
    Row,
)
from jaxseq.types import Tree


# Relative to a parameter's largest gradient. Two ways of adding up the same float64
# numbers differ by 1e-15 or so, differences by 1e-10: these are far above both.
RTOL_AUTODIFF = 1e-10
RTOL_DIFFERENCES = 1e-7
# A smooth function's slopes left and right of a point differ by h f'' ~ 1e-3; those of
# a kink by as much as the slopes themselves. The slope of relu drops from 1 to 0.
RTOL_JUMP = 1e-2


def check(
    function: Callable[..., Tree],
    args: Sequence[Tree],
    *,
    plain: Callable[..., Tree] | None = None,
    names: Sequence[str] | None = None,
    name: str | None = None,
    is_truncated: bool = False,
    num_entries: int = 50,
    seed: int = 0,
) -> Report:
    """Checks a function with a hand-written rule.

    Of a square's slope, right and wrong:

        >>> from jaxseq.gradcheck import passed
        >>> square = jax.custom_vjp(lambda x: x**2)
        >>> square.defvjp(lambda x: (x**2, x), lambda x, d_y: (2 * x * d_y,))
        >>> passed(check(square, [jnp.ones(3)]))
        True
        >>> square.defvjp(lambda x: (x**2, x), lambda x, d_y: (3 * x * d_y,))
        >>> passed(check(square, [jnp.ones(3)]))
        False

    Args:
        function: `(*args) -> outputs`, trees of floating-point arrays.
        args: where to differentiate; cast to float64.
        plain: the same function without the rule; default: what `jax.custom_vjp`
            decorated, if that is what `function` is.
        names: of the arguments, for the report.
        name: of the function, for the report.
        is_truncated: whether the rule (and `plain`, by `stop_gradient`) holds errors
            back on purpose.
        num_entries: how many entries of a parameter to differentiate numerically; all
            of them if it has no more.
        seed: of the direction w and of the sample.

    Returns:
        A report with a row for each array in `args`, and one, "output", for each output
        whose value is not that of `plain`.

    Raises:
        ValueError: naming the argument, or the output whose shape is not as of `plain`.
    """
    if plain is None:
        plain = getattr(function, "fun", None)
        expected = "the function without its rule (it is not a jax.custom_vjp itself)"
        expect(plain is not None, "plain", expected, None)
    if names is None:
        names = [f"args[{i}]" for i in range(len(args))]
    expect(len(names) == len(args), "names", f"{len(args)}, one an argument", names)
    check_count("num_entries", num_entries)
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        named = {k: in_float64(k, arg) for k, arg in zip(names, args, strict=True)}
        return Report(
            name=name or getattr(function, "__name__", "function"),
            is_truncated=is_truncated,
            rows=_rows(function, plain, named, is_truncated, num_entries, seed),
        )


def _rows(function, plain, named, is_truncated, num_entries, seed):
    outputs = check_alike(function, plain, tuple(named.values()))
    order = tuple(named)  # JAX hands a dict on with its keys sorted
    keys = jax.random.split(
        jax.random.key(seed), jax.tree.structure(outputs).num_leaves
    )
    directions = [
        jax.random.normal(key, leaf.shape, leaf.dtype)
        for key, leaf in zip(keys, jax.tree.leaves(outputs), strict=True)
    ]

    def along(f):
        def total(named):
            found = f(*(named[name] for name in order))
            leaves = jax.tree.leaves(found)
            return sum(
                jnp.sum(w * leaf) for w, leaf in zip(directions, leaves, strict=True)
            ), found

        return total

    @jax.jit
    def by_rule(named):
        called = function(*(named[name] for name in order))
        return called, jax.grad(along(function), has_aux=True)(named)

    called, (d_named, under_rule) = by_rule(named)
    by_hand = _leaves(d_named)
    d_named, values = jax.jit(jax.grad(along(plain), has_aux=True))(named)
    by_autodiff = _leaves(d_named)
    random = np.random.default_rng(seed)
    samples = [
        _sample(random, np.abs(hand - autodiff).ravel(), num_entries)
        for hand, autodiff in zip(by_hand, by_autodiff, strict=True)
    ]
    numeric = _numeric(lambda named: along(plain)(named)[0], named, samples)
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(named)]
    names = [f"{path[0].key}{jax.tree_util.keystr(path[1:])}" for path in paths]
    rows = tuple(
        _row(*found, is_truncated)
        for found in zip(names, by_hand, by_autodiff, samples, numeric, strict=True)
    )
    return rows + output_rows(called, under_rule, values)


def _numeric(total, named, samples):
    """Differentiates numerically at the sampled entries of each leaf.

    All leaves are one long vector here, so that one program serves for all.
    """
    flat, unflatten = jax.flatten_util.ravel_pytree(named)
    ends = np.cumsum([leaf.size for leaf in jax.tree.leaves(named)])
    starts = np.concatenate([[0], ends[:-1]])
    coordinates = [
        start + sample for start, sample in zip(starts, samples, strict=True)
    ]
    found = differences(
        lambda flat: total(unflatten(flat)), flat, np.concatenate(coordinates)
    )
    cuts = np.cumsum([len(sample) for sample in samples])[:-1]
    return [
        Differences(*parts)
        for parts in zip(*(np.split(each, cuts) for each in found), strict=True)
    ]


def _row(parameter, hand, autodiff, sample, numeric, is_truncated):
    flat_hand, flat_autodiff = hand.ravel(), autodiff.ravel()
    if hand.size == 0:
        return Row(parameter, (), 0.0, 0.0, 0.0, 0.0, 0.0, BOTH_ZERO)
    hand_at, autodiff_at = flat_hand[sample], flat_autodiff[sample]
    scale = max(
        np.abs(a).max() for a in (flat_hand, flat_autodiff, numeric.slope, [1e-300])
    )
    off_autodiff = np.abs(hand_at - autodiff_at)
    off_numeric = np.abs(hand_at - numeric.slope)
    is_kink = np.abs(numeric.jump) > RTOL_JUMP * scale
    is_wrong = ~(off_autodiff <= RTOL_AUTODIFF * scale)
    is_off = ~(off_numeric <= RTOL_DIFFERENCES * scale + numeric.noise)
    if is_wrong.any():
        verdict = DIFFERS
    elif not (flat_hand.any() or flat_autodiff.any() or is_off.any()):
        verdict = BOTH_ZERO
    elif not is_off.any():
        verdict = EQUAL
    elif is_truncated:
        verdict = TRUNCATED
    else:
        verdict = KINK if is_kink[is_off].all() else DIFFERS
    distance = np.fmax(off_autodiff, off_numeric)
    if verdict == DIFFERS:
        # At a kink differences do not count: the error is elsewhere.
        distance = np.fmax(off_autodiff, np.where(is_kink, 0.0, off_numeric))
    distance = np.where(np.isfinite(hand_at), distance, np.inf)
    worst = int(np.argmax(distance))
    return Row(
        parameter=parameter,
        entry=tuple(int(i) for i in np.unravel_index(sample[worst], hand.shape)),
        by_hand=float(hand_at[worst]),
        by_autodiff=float(autodiff_at[worst]),
        by_differences=float(numeric.slope[worst]),
        absolute=float(distance[worst]),
        relative=float(distance[worst] / scale),
        verdict=verdict,
    )


def _sample(random, distances, num_entries):
    """Chooses entries: all of a few, else at random, always with the worst one."""
    if distances.size <= num_entries:
        return np.arange(distances.size)
    chosen = random.choice(distances.size, num_entries - 1, replace=False)
    return np.union1d(chosen, [np.argmax(distances)])


def _leaves(tree: Tree) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def in_float64(argument: str, tree: Tree) -> Tree:
    """Casts a tree of floating-point arrays to float64, refusing any other.

    Args:
        argument: its name, for the error's message.
        tree: a tree of arrays.

    Raises:
        ValueError: naming the argument.
    """

    def cast(leaf):
        is_float = jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.floating)
        expect(is_float, argument, "floating-point arrays", jnp.asarray(leaf).dtype)
        return jnp.asarray(leaf, jnp.float64)

    return jax.tree.map(cast, tree)
