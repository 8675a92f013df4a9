import bz2
import gzip
import itertools
import lzma
import sys
import tracemalloc

import gensim
import pytest
from hypothesis import given, strategies as st

from jaxseq.text import tokens
from jaxseq.text.files import CorpusError
from jaxseq.word2vec import chinese, corpus, sentences
from jaxseq.word2vec.sentences import from_files


TEXT = "the  cat sat\n\n\ton the mat \u3000 of é\r\n我 爱 学习\nlast line"
LINES = [
    ["the", "cat", "sat"],
    [],
    ["on", "the", "mat", "of", "é"],
    ["我", "爱", "学习"],
    ["last", "line"],
]
WRITERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def write(folder, text, name="corpus.txt"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lists(found):
    """Sentences as lists, each read to its end before the next."""
    return [list(sentence) for sentence in found]


@pytest.mark.parametrize("suffix", WRITERS)
def test_from_files_gives_the_words_of_each_line(tmp_path, suffix):
    path = write(tmp_path, WRITERS[suffix](TEXT.encode()), "corpus" + suffix)
    assert list(from_files(path)) == LINES
    assert list(from_files(str(path))) == LINES


def test_from_files_gives_gensims_sentences(tmp_path):
    path = write(tmp_path, TEXT)
    theirs = list(gensim.models.word2vec.LineSentence(str(path)))
    assert [line for line in from_files(path) if line] == [
        line for line in theirs if line
    ]


def test_from_files_reads_several_files_and_folders_in_order(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder, "b", "2.txt")
    write(folder, gzip.compress(b"a"), "10.gz")
    write(folder, "hidden", ".hidden")
    one = write(tmp_path, "one\n")
    # A line ends where its file does.
    assert list(from_files(one, folder, one)) == [["one"], ["a"], ["b"], ["one"]]


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (str.split, [["The", "cat's", "mat."], ["我爱学习，好", "1", "2"]]),
        (
            tokens.words.split,
            [["the", "cat's", "mat", "."], [*"我爱学习，好", "1", "2"]],
        ),
        (tokens.characters.split, [list("Thecat'smat."), list("我爱学习，好12")]),
        (chinese.words, None),
    ],
)
def test_from_files_splits_as_it_is_told(tmp_path, split, expected):
    path = write(tmp_path, "The cat's mat.\n我爱学习，好\u30001 2\n")
    found = list(from_files(path, split=split))
    if expected is None:
        expected = [["The", "cat", "'", "s", "mat", "."]]
        expected.append(["我", "爱", "学习", "，", "好", "1", "2"])
    assert found == expected


@pytest.fixture
def short_blocks(monkeypatch):
    """Makes a line of 8 characters a long one, and reads blocks of `size` bytes."""

    def shorten(size):
        monkeypatch.setattr("jaxseq.text.files._BLOCK_BYTES", size)
        monkeypatch.setattr(sentences, "LONG_LINE", 8)

    return shorten


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 64])
@pytest.mark.parametrize("end", ["", "\n", "\n\n", " ", " \n"])
@pytest.mark.parametrize(
    "split", [str.split, tokens.words.split, tokens.characters.split, chinese.words]
)
def test_long_lines_are_neither_cut_nor_truncated(
    tmp_path, short_blocks, size, end, split
):
    lines = [
        "one line that is long",
        "short",
        "",
        "wordwithoutspaces" * 3,
        "我爱学习，好青年。 我爱劳动 é\u3000👍🏽",
        " a b c d e f g  h i ",
        "x",
    ]
    short_blocks(size)
    path = write(tmp_path, "\n".join(lines) + end)
    found = lists(from_files(path, split=split))
    blank = [[]] * (end == "\n\n")
    assert found == [[t for t in split(line) if not t.isspace()] for line in lines] + (
        blank
    )


@given(
    text=st.text(st.sampled_from("ab \n\u3000我，é"), min_size=1),
    size=st.integers(1, 20),
)
def test_sentences_do_not_depend_on_where_blocks_end(tmp_path_factory, text, size):
    path = write(tmp_path_factory.mktemp("text"), text)
    expected = [line.split() for line in text.removesuffix("\n").split("\n")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxseq.text.files._BLOCK_BYTES", size)
        patch.setattr(sentences, "LONG_LINE", 4)
        assert lists(from_files(path)) == expected


def test_lines_below_the_limit_are_lists(tmp_path):
    line = "word " * 200_000
    path = write(tmp_path, line + "\n" + line)
    assert [len(sentence) for sentence in list(from_files(path))] == [200_000] * 2


def test_from_files_says_if_a_long_sentence_was_passed_over(tmp_path, short_blocks):
    short_blocks(8)
    path = write(tmp_path, "a long line of words that goes on\nnext\n")
    with pytest.raises(ValueError, match="read to its end, got the next one asked"):
        list(from_files(path))
    found = from_files(path)
    assert list(itertools.islice(next(found), 2)) == ["a", "long"]
    with pytest.raises(ValueError, match="corpus.txt': expected a sentence of more"):
        next(found)


def peak_megabytes(path, folder):
    tracemalloc.start()
    _, read = corpus.read(from_files(path), folder=folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (read.num_words, read.num_sentences) == (360_000, 1)
    return peak / 2**20


def test_read_of_one_long_line_holds_a_block_of_it(tmp_path, monkeypatch):
    path = write(tmp_path, "zero one two three four five six seven eight " * 40_000)
    assert peak_megabytes(path, tmp_path) > 12  # the words of a MiB
    monkeypatch.setattr("jaxseq.text.files._BLOCK_BYTES", 2**16)
    monkeypatch.setattr(sentences, "LONG_LINE", 2**16)
    assert peak_megabytes(path, tmp_path) < 5


def test_from_files_refuses_what_are_no_files(tmp_path):
    for message, paths in [
        ("paths: expected at least one file, got none", []),
        (r"paths: .* one an argument, got \['a.txt'\]", [["a.txt"]]),
        ("paths: expected at least one file, got '/.*'", [tmp_path]),
    ]:
        with pytest.raises(ValueError, match=message):
            from_files(*paths)
    with pytest.raises(ValueError, match="split: expected a function, got Tokenizer"):
        from_files(tmp_path, split=tokens.words)
    with pytest.raises(CorpusError, match=r"none.txt': No such file"):
        list(from_files(tmp_path / "none.txt"))
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(CorpusError, match="directory"):
        list(from_files(tmp_path / "folder"))
    path = write(tmp_path, b"fine\n\xff\n")
    with pytest.raises(CorpusError, match="invalid UTF-8 at byte 5"):
        list(from_files(path))


CHINESE = st.text(
    st.sampled_from("我爱学习劳动是个好青年，。 \u3000abc12"), max_size=12
)


@given(first=CHINESE, second=CHINESE)
def test_chinese_words_are_the_text_cut_and_do_not_cross_white_space(first, second):
    found = chinese.words(first)
    assert "".join(found) == "".join(first.split())
    assert chinese.words(f"{first} {second}") == found + chinese.words(second)


def test_chinese_words_name_the_extra_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "jaxseq\[chinese\]"'):
        chinese.words("我爱学习")
