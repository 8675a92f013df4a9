"""Classic sequence models in JAX, with back-propagation through time by hand.

The modules are the namespaces: `jaxseq.cells.elman.cell()`, `jaxseq.unroll.unroll`.
"""

from jaxseq import cells as cells  # first, as jaxseq.checks and cells need each other


# isort: split
from jaxseq import (
    attention as attention,
    embedding as embedding,
    gradcheck as gradcheck,
    hopfield as hopfield,
    losses as losses,
    memory as memory,
    modern_hopfield as modern_hopfield,
    network as network,
    readout as readout,
    summarize as summarize,
    train as train,
    truncate as truncate,
    unroll as unroll,
    word2vec as word2vec,
)
