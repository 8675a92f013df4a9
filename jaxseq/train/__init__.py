"""Training that survives: being killed, starved, moved, or fed rubbish.

`checkpoint` keeps a training's state in a folder, whole and checked; `clip` cuts
gradients; `order` says what is read when.
"""

from jaxseq.train import (
    checkpoint as checkpoint,
    clip as clip,
    order as order,
)
