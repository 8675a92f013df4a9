"""Classic sequence models in JAX, with back-propagation through time by hand.

The modules are the namespaces: `jaxseq.cells.elman.cell()`, `jaxseq.losses.bernoulli`.
`unroll` and `unroll_plain` stand for their whole module.
"""

from jaxseq import (
    cells as cells,
    embedding as embedding,
    losses as losses,
    readout as readout,
)
from jaxseq.unroll import (
    Unrolled as Unrolled,
    unroll as unroll,
    unroll_plain as unroll_plain,
)
