import itertools
import os
import tracemalloc

import gensim
import numpy as np
import pytest
from hypothesis import given, strategies as st

from jaxseq.word2vec import corpus, vocab
from jaxseq.word2vec.corpus import END


SENTENCES = [["b", "a", "x"], ["y"], [], ["a", "b", "a"], ["c", "z", "c"], ["a"]]


def sentences_of(read, vocabulary):
    """The sentences that a corpus holds, in words."""
    found = [[]]
    for i in read.ids.tolist():
        if i == END:
            found.append([])
        else:
            found[-1].append(vocabulary.words[i])
    assert found.pop() == []  # the last id is END
    return found


def test_read_gives_ids_in_order_and_counts_what_it_leaves_out():
    vocabulary, read = corpus.read(SENTENCES, min_count=2)
    assert vocabulary.words == ("a", "b", "c")
    assert vocabulary.counts.tolist() == [4, 2, 2]
    assert read.ids.tolist() == [1, 0, END, 0, 1, 0, END, 2, 2, END, 0, END]
    assert read.ids.dtype == np.int32
    assert (read.num_words, read.num_kept, read.num_sentences) == (11, 8, 4)
    vocabulary, read = corpus.read(SENTENCES, min_count=1, max_vocab=1)
    assert vocabulary.words == ("a",)
    assert read.ids.tolist() == [0, END, 0, 0, END, 0, END]
    assert (read.num_words, read.num_sentences) == (11, 3)


TEXTS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8), min_size=1)


@pytest.mark.parametrize("block", [1, 2, 3, 7, 2**17])
@pytest.mark.parametrize("place", ["memory", "folder"])
@given(texts=TEXTS, min_count=st.integers(1, 4))
def test_read_keeps_what_was_read_wherever_blocks_end(
    block, place, texts, min_count, tmp_path_factory
):
    texts.append(["a"] * 4)
    folder = tmp_path_factory.getbasetemp() if place == "folder" else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "_BLOCK", block)
        # Generators of generators, all of which can be read once.
        once = (iter(tokens) for tokens in texts)
        vocabulary, read = corpus.read(once, min_count, folder=folder)
    known = [[t for t in tokens if t in vocabulary.id_of] for tokens in texts]
    assert sentences_of(read, vocabulary) == [tokens for tokens in known if tokens]
    assert read.num_words == sum(map(len, texts))
    assert read.num_kept == sum(map(len, known)) == vocabulary.counts.sum()
    assert read.num_sentences == sum(map(bool, known))


@given(texts=TEXTS)
def test_read_counts_as_gensim_does(texts):
    texts.append(["a"] * 3)
    model = gensim.models.Word2Vec(min_count=3)
    model.build_vocab(texts)
    vocabulary, read = corpus.read(texts, min_count=3)
    theirs = {w: model.wv.get_vecattr(w, "count") for w in model.wv.index_to_key}
    ours = dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
    assert ours == theirs
    assert read.num_words == model.corpus_total_words


def test_encode_uses_the_ids_that_are_there():
    vocabulary, read = corpus.read(SENTENCES, min_count=2)
    again = corpus.encode(vocabulary, iter(SENTENCES))
    assert again.ids.tolist() == read.ids.tolist()
    assert again[1:] == read[1:]
    other = corpus.encode(vocabulary, [["new", "c"], ["new"], ["b"]])
    assert other.ids.tolist() == [2, END, 1, END]
    assert (other.num_words, other.num_kept, other.num_sentences) == (4, 2, 2)


def test_ids_are_read_only_and_mapped_if_there_is_a_folder(tmp_path):
    vocabulary, in_memory = corpus.read(SENTENCES, min_count=1)
    _, on_disk = corpus.read(SENTENCES, min_count=1, folder=tmp_path)
    encoded = corpus.encode(vocabulary, SENTENCES, folder=str(tmp_path))
    assert isinstance(on_disk.ids, np.memmap)
    assert isinstance(encoded.ids, np.memmap)
    for ids in (in_memory.ids, on_disk.ids, encoded.ids):
        assert ids.tolist() == in_memory.ids.tolist()
        assert not ids.flags.writeable
    assert os.listdir(tmp_path) == []  # nothing to clear away


def test_read_leaves_no_file_if_a_sentence_fails(tmp_path):
    def sentences():
        yield ["a"] * 200_000
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        corpus.read(sentences(), folder=tmp_path)
    assert os.listdir(tmp_path) == []


def peak_megabytes(sentences, folder):
    tracemalloc.start()
    _, read = corpus.read(sentences, folder=folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read.num_kept == 2_000_000
    return peak / 2**20


@pytest.mark.parametrize("shape", ["sentences", "one sentence"])
def test_read_with_a_folder_needs_memory_for_words_and_a_block(tmp_path, shape):
    tokens = [f"word{i}" for i in range(2000)]

    def sentences():
        many = itertools.repeat(tokens, 1000)
        return many if shape == "sentences" else [itertools.chain.from_iterable(many)]

    assert peak_megabytes(sentences(), tmp_path) < 5
    assert peak_megabytes(sentences(), None) > 15  # so the other figure says something


EMPTY = "sentences: expected at least one word, got none: an empty corpus"


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ("a text", "sentences: expected sentences, each a list .*, got 'a text'"),
        (3, "sentences: expected sentences, .*, got 3"),
        (["the cat"], r"sentences\[0\]: .*split it first\), got 'the cat'"),
        ([["a"], b"the cat"], r"sentences\[1\]: .*it first\), got b'the cat'"),
        ([["a"], 7], r"sentences\[1\]: expected a list of tokens .*, got 7"),
        ([["a", 7]], "sentences: expected tokens of type str, got int 7"),
        ([["a"], [["a"]]], r"sentences\[1\]: .* type str, got unhashable .* 'list'"),
        ([], EMPTY),
        ([[], []], EMPTY),
    ],
)
def test_read_refuses_what_are_no_sentences(sentences, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        corpus.read(sentences, min_count=1)


def test_read_and_encode_refuse_what_leaves_no_word(tmp_path):
    message = "min_count: expected a word .* at least 5 times, got 6 words, .*'a', 4"
    with pytest.raises(ValueError, match=message):
        corpus.read(SENTENCES)
    vocabulary = vocab.rank({"a": 1, "b": 1}, min_count=1)
    message = "at least one word of the vocabulary, got 3 words, none of them in it"
    with pytest.raises(ValueError, match=message):
        corpus.encode(vocabulary, [["c"], ["d", "c"]])
    with pytest.raises(ValueError, match="folder: expected an existing folder, got"):
        corpus.read(SENTENCES, folder=tmp_path / "none")
