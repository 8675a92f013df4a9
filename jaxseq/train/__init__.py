"""Training that survives: being killed, starved, moved, or fed rubbish.

    loop        one update after the other, and all that keeps a run alive
    setting     how long, and when it measures, records and saves
    state       where a training is
    records     what it says on the way, and how much of it is kept
    metrics     how it goes, in a file of records
    signals     a request to stop

An update:

    step        gradient, mean, check, optimizer
    clip        gradients cut to a largest norm
    precision   which numbers are narrow
    order       what is read when, from the number alone
    programs    one compiled program a shape of batch, refused if it is too large
    sharding    what lies on which device
    processes   several processes as one training

Checkpoints:

    stores      a folder of them, and which of them stay
    checkpoint  each whole and checked, or not there
    saved       which is the last, and when the next is due
    head        what one says beside its arrays: about, digests
    arrays      the arrays, by Orbax: leaves are a tree's, by name
    folders     folders that appear and vanish in one step
"""

from jaxseq.train import (
    checkpoint as checkpoint,
    clip as clip,
    loop as loop,
    metrics as metrics,
    order as order,
    precision as precision,
    processes as processes,
    records as records,
    sharding as sharding,
    signals as signals,
    state as state,
    step as step,
    stores as stores,
)
