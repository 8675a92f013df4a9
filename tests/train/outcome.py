"""What a small training says of itself as a program, for whoever kills and resumes it.

`tests.train.kills` reads the lines: one that begins with its number for each update.
"""

import hashlib
import time

import jax
import numpy as np

from jaxseq.train import loop


def digest(training):
    """Returns the digest of all that the next update would read."""
    leaves = map(np.asarray, jax.tree.leaves(training.state))
    found = hashlib.sha256(b"".join(leaf.tobytes() for leaf in leaves))
    return found.hexdigest()[:16]


def printed(steps, seconds=0.0):
    """Prints a line after each update, and waits; returns the training at the end."""
    now = None
    for now in steps:
        if isinstance(now, loop.Progress):
            print(now.training.position.number, repr(now.mean), flush=True)
            time.sleep(seconds)
    return now
