"""What a traced program holds."""

from collections.abc import Iterator

import jax


def equations(jaxpr, except_in: tuple[str, ...] = ()) -> Iterator:
    """Yields all equations, inner ones too, but not those of the named primitives."""
    for equation in jaxpr.eqns:
        yield equation
        if equation.primitive.name in except_in:
            continue
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")
        ):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from equations(inner, except_in)
