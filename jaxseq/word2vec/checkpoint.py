"""A training's state in a file, to go on from after a stop.

A file holds both matrices, where in the schedule they are, and what was trained: the
vocabulary and every setting, as a text. A run that differs in any of these is refused;
one that does not gives the bits of a run that never stopped (on a CPU).
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxseq.word2vec.corpus import Corpus
from jaxseq.word2vec.params import Params
from jaxseq.word2vec.streams import FilePath, reading, writing
from jaxseq.word2vec.training import State
from jaxseq.word2vec.vocab import Vocab


_FORMAT = "jaxseq-word2vec-2"
# RuntimeError: a damaged header may name another compression, or a password.
_DAMAGED = (
    *(EOFError, KeyError, RuntimeError, TypeError, ValueError),
    zipfile.BadZipFile,
)
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
    for name, table in state.params._asdict().items():
        if not np.isfinite(table).all():
            raise FloatingPointError(
                f"{name} are not all finite in epoch {state.epoch}: not saved, "
                "an older checkpoint stays as it is"
            )
    with writing(path) as (stream,):
        np.savez(
            stream,
            format=np.array(_FORMAT),
            about=np.array(trained),
            inputs=np.asarray(state.params.inputs),
            outputs=np.asarray(state.params.outputs),
            place=np.array([state.epoch, state.span, state.num_trained], np.int64),
        )


def load(path: FilePath, trained: str) -> State:
    """Reads a state that `save` wrote.

    Args:
        path: the file.
        trained: what is to be trained on, from `about`.

    Raises:
        ValueError: in one line, if the file cannot be read, is no checkpoint, or is one
            of another training, naming what differs.
    """
    name = repr(os.fspath(path))
    with reading(path) as stream:
        try:
            with np.load(stream, allow_pickle=False) as arrays:
                found = {key: arrays[key] for key in arrays.files}
            if str(found["format"]) != _FORMAT:
                raise ValueError(f"format {str(found['format'])[:40]!r}")
            inputs, outputs, place = (found[k] for k in ("inputs", "outputs", "place"))
            was = str(found["about"])
            epoch, span, num_trained = map(int, place)
        except _DAMAGED as error:
            reason = str(error).splitlines()[0][:80] if str(error) else "cut short"
            raise ValueError(f"no checkpoint of word2vec ({reason})") from None
    if was != trained:
        one, other = json.loads(was), json.loads(trained)
        keys = sorted(k for k in one | other if one.get(k) != other.get(k))
        raise ValueError(f"{name} is of another training: {', '.join(keys)} differ")
    params = Params(jnp.asarray(inputs), jnp.asarray(outputs))
    return State(params, epoch, span, num_trained)
