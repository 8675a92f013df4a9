"""Training that survives: being killed, starved, moved, or fed rubbish.

`step` makes an update of a cost and an optimizer, `loop` does one after the other, and
`checkpoint` keeps where they are. `order` says what is read when, `clip` cuts
gradients, `precision` says which numbers are narrow, `sharding` and `processes` spread
the work, `signals` hears when to stop, `metrics` writes how it goes.
"""

from jaxseq.train import (
    checkpoint as checkpoint,
    clip as clip,
    loop as loop,
    metrics as metrics,
    order as order,
    precision as precision,
    processes as processes,
    sharding as sharding,
    signals as signals,
    state as state,
    step as step,
)
