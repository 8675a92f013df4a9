"""Words in, words out, with whichever model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseq.summarize import summarizer
from jaxseq.summarize.constraints import Options
from jaxseq.summarize.decoder import Decoder, Step
from jaxseq.summarize.model import Model
from jaxseq.text import vocab
from jaxseq.text.vocab import EOS, UNK


KNOWN = vocab.build([["a", "b"]])
NUM_IDS = len(KNOWN.tokens)


def read(params, documents, num_outside):
    del params, num_outside
    return documents.ids.T


def start(params, memory):
    del params
    return jnp.zeros((len(memory), 1), jnp.int32)


def step(params, memory, state, y_tm1):
    """Writes two unknown words and ends, with its attention on place t + 1."""
    del params, y_tm1
    word = jnp.where(state < 2, UNK, EOS)[..., None]
    log_probs = -20.0 * (1 - jax.nn.one_hot(word[..., 0], NUM_IDS))
    weights = jax.nn.one_hot(state + 1, memory.shape[1])
    return Step(log_probs.astype("float32"), weights.astype("float32"), state + 1)


STUB = Model(lambda key: (), read, lambda *_, **__: jnp.zeros(1), Decoder(start, step))


def summarize(texts, forbidden, **more):
    options = Options(beam_size=2, max_length=3, forbidden=forbidden)
    return list(
        summarizer.summarize(STUB, (), KNOWN, texts, options, max_words=4, **more)
    )


def test_unknown_words_are_those_that_the_model_attended_to():
    (found,) = summarize([["a", "new", "b", "a", "left"]], ())
    assert found.words == ["new", "b"]
    assert found.is_replaced == [True, True]
    assert (found.num_read, found.num_left) == (4, 1)
    np.testing.assert_array_equal(found.weights.argmax(axis=1), [1, 2])


def test_forbidden_ids_are_not_written_and_so_not_replaced():
    (found,) = summarize([["a", "new", "b", "a"]], (UNK,))
    assert not any(found.is_replaced)
    assert "<unk>" not in found.words


@pytest.mark.parametrize("num_texts", [1, 5, 8])
def test_two_devices_write_what_one_writes(num_texts):
    texts = [["a", f"new{n}", f"odd{n}", "b"][: 1 + n % 4] for n in range(num_texts)]
    one, two = (summarize(texts, (), batch_size=2, num_shards=num) for num in (1, 2))
    assert len(two) == num_texts
    assert [s.words for s in one] == [s.words for s in two]
    for ours, wanted in zip(two, one, strict=True):
        np.testing.assert_array_equal(ours.weights, wanted.weights)


def test_devices_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="^num_shards: expected at most 2, the number"):
        summarize([["a"]], (), num_shards=3)


def test_a_rescoring_decides():
    def prefer_a(params, memory, tokens, t, log_probs):
        del params, memory, tokens, t
        return log_probs.at[..., KNOWN.id_of["a"]].add(30.0)

    (found,) = summarize([["b", "b"]], (), rescore=prefer_a)
    assert found.words[0] == "a"
