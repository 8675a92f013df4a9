"""Hopfield's network of 1982: memories are the minima of an energy.

Units V_i are 0 or 1 (`zero_one`), or μ_i = ±1 (`plus_minus`). With weights T, symmetric
and of zero diagonal, and thresholds U:

    h_i = Σ_{j≠i} T_ij V_j                        what unit i hears                (1)
    V_i ← on if h_i > U_i, off if h_i < U_i, left as it is if they are equal       (2)
    T_ij = Σ_s μ_i^s μ_j^s,   μ = 2V - 1          storage of patterns s            (3)
    E = -½ Σ_ij T_ij V_i V_j + Σ_i U_i V_i        energy                           (4)
    ΔE = -ΔV_i (h_i - U_i) ≤ 0                    one unit changes by (2)          (5)

One unit at a time, in random order, E never rises, so `recall` comes to rest. All units
at once may go to and fro between two states for ever: `recall_at_once` says so.

The two kinds of units are one network in two notations: with U_i = ½ Σ_j T_ij units of
0 and 1 do what units of ±1 do with U = 0 (`as_zero_one`). At U = 0 they do not: the
noise of the silent units is then not taken off, and half as much can be stored.

    >>> import jax, jax.numpy as jnp
    >>> pattern = jnp.array([1.0, -1, 1, -1, 1, -1])
    >>> network = store(plus_minus, pattern[None])
    >>> damaged = pattern.at[0].set(-1)
    >>> found = recall(plus_minus, network, damaged, jax.random.key(0))
    >>> bool((found.state == pattern).all())
    True

Files: `network` (units, weights), `storage` (3), `dynamics` (1), (2), (4), (5).

Sizes: N units, n patterns. States are `[..., N]`: batch axes share the order in which
units are visited; `jax.vmap` over keys gives each its own.

Reference: Hopfield, Neural networks and physical systems with emergent collective
computational abilities, PNAS 79, 1982. Eqs. (2), (3), (4) are its 1, 2, 7; (5) is 8.
"""

from jaxseq.hopfield.dynamics import (
    Recall as Recall,
    at_once as at_once,
    change_of_energy as change_of_energy,
    energy as energy,
    heard as heard,
    recall as recall,
    recall_at_once as recall_at_once,
    sweep as sweep,
)
from jaxseq.hopfield.network import (
    Network as Network,
    Units as Units,
    check_network as check_network,
    check_state as check_state,
    plus_minus as plus_minus,
    zero_one as zero_one,
)
from jaxseq.hopfield.storage import (
    as_zero_one as as_zero_one,
    clipped as clipped,
    flip_probability as flip_probability,
    store as store,
    store_bounded as store_bounded,
)
