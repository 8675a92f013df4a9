"""A training's state in a file, to go on from after a stop.

A file holds both matrices, where in the schedule they are, and what was trained: the
vocabulary and every setting, as a text. A run that differs in any of these is refused;
one that does not gives the bits of a run that never stopped (on a CPU).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxseq.word2vec import archive
from jaxseq.word2vec.corpus import Corpus
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.streams import FilePath
from jaxseq.word2vec.training import State
from jaxseq.word2vec.vocab import Vocab


_FORMAT = "jaxseq-word2vec-2"
_READ = 2**20  # ids hashed at once


def about(vocab: Vocab, corpus: Corpus, settings: Mapping[str, Any]) -> str:
    """Describes what is trained, for `save` and `load`.

    Args:
        vocab: its words and counts go in as a hash.
        corpus: so do its ids.
        settings: fit for JSON; all that decides the result.
    """
    digest = hashlib.sha256("\n".join(vocab.words).encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(vocab.counts, np.int64).tobytes())
    text = hashlib.sha256()
    for first in range(0, len(corpus.ids), _READ):
        text.update(corpus.ids[first : first + _READ].astype(np.int32).tobytes())
    hashes = {"vocabulary": digest.hexdigest(), "text": text.hexdigest()}
    described = {**hashes, **settings}
    return json.dumps(described, sort_keys=True)


def save(path: FilePath, state: State, trained: str) -> None:
    """Writes a state: the whole file or, on any failure, none.

    Args:
        path: where to; an old file is replaced in one step.
        state: where training is.
        trained: what, from `about`.

    Raises:
        OSError: if the file cannot be written; an old one is then unharmed.
        FloatingPointError: if a number of the matrices is not finite; likewise.
    """
    arrays = {name: np.asarray(a) for name, a in state.params._asdict().items()}
    place = np.array([state.epoch, state.span, state.num_trained], np.int64)
    archive.write(path, _FORMAT, trained, arrays | {"place": place})


def load(path: FilePath, trained: str) -> State:
    """Reads a state that `save` wrote.

    Args:
        path: the file.
        trained: what is to be trained on, from `about`.

    Raises:
        ValueError: in one line, if the file cannot be read, is no checkpoint, or is one
            of another training, naming what differs.
    """
    found, state = archive.read(path, _FORMAT, "checkpoint of word2vec", _state)
    archive.check_same(path, found, trained, "another training")
    return state


def _state(arrays: dict[str, np.ndarray]) -> State:
    inputs, outputs = (jnp.asarray(arrays[name]) for name in Params._fields)
    epoch, span, num_trained = map(int, arrays["place"])
    return State(Params(inputs, outputs), epoch, span, num_trained)
