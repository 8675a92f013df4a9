import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st

from jaxseq.text import vocab
from jaxseq.text.vocab import BOS, EOS, PAD, UNK


TEXTS = [["b", "a", "c"], ["b", "c", "d"], ["b", "é", "<unk>", "<pad>"]]


def test_build_orders_by_count_then_token():
    built = vocab.build(TEXTS)
    assert built.tokens[:4] == vocab.SPECIALS
    assert built.tokens[4:] == ("b", "c", "<pad>", "<unk>", "a", "d", "é")
    assert built.counts == (0, 0, 0, 0, 3, 2, 1, 1, 1, 1, 1)
    assert (PAD, UNK, BOS, EOS) == (0, 1, 2, 3)


def test_build_counts_what_it_leaves_out_as_unknown():
    built = vocab.build(TEXTS, min_count=2)
    assert built.tokens[4:] == ("b", "c")
    assert built.counts == (0, 5, 0, 0, 3, 2)
    built = vocab.build(iter(TEXTS), max_size=5)
    assert built.tokens[4:] == ("b",)
    assert built.counts == (0, 7, 0, 0, 3)
    assert vocab.build(TEXTS, max_size=4).tokens == vocab.SPECIALS


def test_build_keeps_literal_specials_apart_from_the_specials():
    built = vocab.build([["<pad>", "<unk>", "<bos>", "<eos>", "<pad>"]])
    ids = vocab.encode(built, ["<pad>", "<unk>", "<bos>", "<eos>", "new"])
    assert ids.tolist() == [4, 7, 5, 6, UNK]
    without = vocab.build([["word"]])
    assert vocab.encode(without, ["<pad>", "<eos>"]).tolist() == [UNK, UNK]


def test_build_takes_composed_and_decomposed_letters_as_two_tokens():
    assert len(vocab.build([["é", "e\u0301"]]).tokens) == 6


def test_build_of_nothing_has_the_specials_only():
    assert vocab.build([]).tokens == vocab.SPECIALS


def test_build_gives_the_same_ids_in_a_process_of_another_hash_seed():
    program = (
        "from jaxseq.text import vocab\n"
        "texts = [[f'w{i % 97}', 'é', '<unk>', f'x{i % 7}'] for i in range(500)]\n"
        "tokens = vocab.build(texts, max_size=60).tokens"
    )
    here: dict = {}
    exec(program, here)
    environment = os.environ | {"PYTHONHASHSEED": "271", "PYTHONIOENCODING": "utf-8"}
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    command = [sys.executable, "-c", program + "; print(*tokens)"]
    there = subprocess.check_output(command, env=environment).decode()
    assert there.split() == list(here["tokens"])


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        (["a string"], {}, r"token_lists\[0\]: .*split it first.*'a string'"),
        ([[]], {"min_count": 0}, "min_count: expected an integer ≥ 1, got 0"),
        ([[]], {"max_size": 3}, "max_size: expected an integer ≥ 4"),
    ],
)
def test_build_rejects_wrong_arguments(texts, options, message):
    with pytest.raises(ValueError, match=message):
        vocab.build(texts, **options)


@given(tokens=st.lists(st.text(max_size=4)), seed=st.randoms())
def test_decode_inverts_encode_whatever_the_order(tokens, seed):
    built = vocab.build([tokens])
    ids = vocab.encode(built, tokens)
    assert ids.dtype == np.int32
    assert ids.shape == (len(tokens),)
    assert vocab.decode(built, ids) == tokens
    assert vocab.decode(built, ids.tolist()) == tokens
    shuffled = list(tokens)
    seed.shuffle(shuffled)
    assert vocab.build([[t] for t in shuffled]) == built


def test_encode_gives_unk_for_other_tokens():
    built = vocab.build(TEXTS)
    assert vocab.encode(built, ["b", "zebra"]).tolist() == [4, UNK]
    assert vocab.decode(built, [UNK, EOS]) == ["<unk>", "<eos>"]
    assert vocab.encode(built, []).shape == (0,)
    with pytest.raises(ValueError, match="split it first"):
        vocab.encode(built, "b c")


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([4, 11], r"ids\[1\] = 11 is no id: .*V = 11"),
        ([-1], r"ids\[0\] = -1 is no id"),
        ([4, 5.0], r"ids\[1\] = 5.0 is no id"),
        ([True], r"ids\[0\] = True is no id"),
        (np.array([4.0]), "got dtype float64"),
        ([[4]], r"ids must have one axis \[T\], got shape \(1, 1\)"),
    ],
)
def test_decode_rejects_what_is_no_id(ids, message):
    with pytest.raises(ValueError, match=message):
        vocab.decode(vocab.build(TEXTS), ids)


def test_load_returns_what_save_wrote(tmp_path):
    built = vocab.build([*TEXTS, ["\ud800", "", "我", "\n", '"']], min_count=1)
    # past 2^31 and 2^53: counts are Python integers
    built = built._replace(counts=(0, 2**60 + 1, 0, 0, 3**50, *built.counts[5:]))
    path = tmp_path / "vocab.json"
    vocab.save(built, path)
    vocab.save(built, path)
    assert vocab.load(path) == built
    assert os.listdir(tmp_path) == ["vocab.json"]


def test_save_leaves_the_old_file_if_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "vocab.json"
    built = vocab.build(TEXTS)
    vocab.save(built, path)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        vocab.save(vocab.build([["other"]]), path)
    assert vocab.load(path) == built
    assert os.listdir(tmp_path) == ["vocab.json"]


def content(**changes):
    fields = {
        "format": "jaxseq-vocab",
        "version": 1,
        "num_unknown": 0,
        "tokens": ["a", "b"],
        "counts": [2, 1],
    }
    return json.dumps(fields | changes).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no JSON"),
        (b"\x80\x04K\x01.", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"tokens": [1' + b"0" * 5000 + b"]}", "no JSON"),
        (b"[]", "expected a JSON object"),
        (b"{}", "expected 'format' to be 'jaxseq-vocab'"),
        (content(version=2), "expected 'version' to be 1, got '2'"),
        (content(version=True), "expected 'version' to be 1"),
        (content(tokens="ab"), "to be lists"),
        (content(tokens=["a"]), "1 tokens, but 2 counts"),
        (content(tokens=["a", 1]), r"tokens\[1\] is no string: '1'"),
        (content(tokens=["a", "a"]), "token 'a' stands twice"),
        (content(counts=[2, -1]), r"counts\[1\] is no count: '-1'"),
        (content(counts=[2.0, 1]), r"counts\[0\] is no count: '2.0'"),
        (content(counts=[True, 1]), r"counts\[0\] is no count"),
        (content(counts=[float("nan"), 1]), r"counts\[0\] is no count: 'nan'"),
        (content(num_unknown=None), "'num_unknown' to be a count"),
    ],
)
def test_load_refuses_rubbish_in_one_line(tmp_path, data, message):
    path = tmp_path / "vocab.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        vocab.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_load_accepts_the_content_that_the_rubbish_was_made_of(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_bytes(content())
    assert vocab.load(path) == vocab.build([["a", "b", "a"]])


def test_load_of_a_missing_file_raises_value_error(tmp_path):
    with pytest.raises(ValueError, match="none.json': No such file"):
        vocab.load(tmp_path / "none.json")
