"""The libraries that the benchmark knows, one file each; a new one is one more line."""

from ..contender import Peer
from . import (
    cudnn,
    equinox,
    flax_linen,
    flax_nnx,
    haiku,
    jaxseq,
    keras,
    torch,
)


BASE = jaxseq.HAND
"""What the others' times are divided by."""

PEERS: tuple[Peer, ...] = (
    jaxseq.HAND,
    jaxseq.STATES,
    jaxseq.OUTPUTS,
    jaxseq.CHUNKED,
    jaxseq.SQRT,
    jaxseq.SHARDED,
    jaxseq.PLAIN,
    flax_linen.PEER,
    flax_nnx.PEER,
    haiku.PEER,
    equinox.PEER,
    keras.PEER,
    torch.PEER,
    torch.GRAPH,
    cudnn.PEER,
)
