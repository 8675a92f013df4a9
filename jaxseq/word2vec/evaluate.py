"""Test sets of word vectors: pairs with human judgements, and analogies.

What counts, what is skipped and what is returned are gensim's (4.4.0): the functions
have the names of `gensim.models.KeyedVectors`, with the vectors in front. An analogy
"a is to b as c is to ?" is answered by the word nearest to b - a + c, the three words
themselves left out.

gensim asks one question at a time; here `analogies` asks many at once, and gives the
same answers. On purpose this differs:

* `similarity_function` is a function and is called; gensim takes a name and ignores it.
* Lines that are no question or no pair cause one warning for all, where gensim logs.
* Correlations of fewer than two pairs, or of values that are all equal, are an error.

References: Mikolov, Chen, Corrado, Dean 2013 (1301.3781), section 4.1: analogies.
gensim: as `jaxseq.word2vec.similarity`.
"""

import math
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias, TypedDict

from jaxseq.checks import check_count
from jaxseq.text.files import read_lines
from jaxseq.word2vec import nearest
from jaxseq.word2vec.analogies import Query, answers
from jaxseq.word2vec.correlation import Correlation, pearson, spearman
from jaxseq.word2vec.similarity import similarity
from jaxseq.word2vec.vectors import Vectors


# (a, b, c, expected)
Quadruple: TypeAlias = tuple[str, str, str, str]
Lines: TypeAlias = str | os.PathLike[str] | Iterable[str]


class WordPairs(NamedTuple):
    """What `evaluate_word_pairs` found.

    Attributes:
        pearson: correlation of the vectors' similarities with the judgements.
        spearman: correlation of their ranks.
        oov_ratio: percentage of the pairs with a word that the vectors lack.
    """

    pearson: Correlation
    spearman: Correlation
    oov_ratio: float


class Section(TypedDict):
    """A part of a set of analogies; the last one of all holds every question.

    Attributes:
        section: its name.
        correct: questions that were answered right.
        incorrect: the others.
    """

    section: str
    correct: list[Quadruple]
    incorrect: list[Quadruple]


def evaluate_word_pairs(
    vectors: Vectors,
    path_or_lines: Lines,
    delimiter: str = "\t",
    restrict_vocab: int | None = 300000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> WordPairs:
    """Compares similarities with human judgements.

    Args:
        vectors: the vectors.
        path_or_lines: a file or its lines, each `word delimiter word delimiter number`;
            lines that start with # are comments.
        delimiter: what stands between them.
        restrict_vocab: how many words of the vocabulary to use, None for all.
        case_insensitive: whether words that differ in case only are one; of several
            the first one in the vocabulary counts.
        dummy4unknown: whether pairs with a word that is not there have similarity 0;
            otherwise they are left out.

    Returns:
        Both correlations, and the percentage of pairs with an unknown word.

    Raises:
        ValueError: if the file cannot be read, or if no correlation is defined.
    """
    fold = str.upper if case_insensitive else str
    id_of = _folded(vectors, restrict_vocab, case_insensitive)
    judged, found, skipped = [], [], []
    num_unknown = 0
    for number, line in _lines(path_or_lines):
        if line.startswith("#"):
            continue
        try:
            a, b, text = (fold(part) for part in line.split(delimiter))
            judgement = _finite(text)
        except ValueError:
            skipped += [number] if line.strip() else []
            continue
        is_known = a in id_of and b in id_of
        num_unknown += not is_known
        if is_known or dummy4unknown:
            judged.append(judgement)
            known = is_known and similarity(vectors, id_of[a], id_of[b])
            found.append(float(known))
    _warn_of(skipped, path_or_lines, f"'word{delimiter}word{delimiter}number'")
    if len(judged) < 2:
        raise ValueError(
            f"{_name(path_or_lines)}: expected at least two pairs of known words, "
            f"got {len(judged)}, and {num_unknown} with an unknown word"
        )
    oov_ratio = 100 * num_unknown / (len(judged) + num_unknown * (not dummy4unknown))
    try:
        return WordPairs(pearson(judged, found), spearman(judged, found), oov_ratio)
    except ValueError as error:
        where = f"{_name(path_or_lines)}, judgements x and similarities y"
        raise ValueError(f"{where}: {error}") from None


def evaluate_word_analogies(
    vectors: Vectors,
    path_or_lines: Lines,
    restrict_vocab: int | None = 300000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    similarity_function: Query = nearest.most_similar,
) -> tuple[float, list[Section]]:
    """Answers analogies.

    Args:
        vectors: the vectors.
        path_or_lines: a file or its lines, each of four words, in sections that start
            with a line `: name`.
        restrict_vocab: as in `evaluate_word_pairs`.
        case_insensitive: as in `evaluate_word_pairs`; answers are written in capitals.
        dummy4unknown: whether questions with a word that is not there are counted as
            incorrect; otherwise they are left out.
        similarity_function: `most_similar`, or a function with its arguments, such as
            `most_similar_cosmul`, which is slower: one question is asked at a time.

    Returns:
        The part that is correct, 0 if nothing could be asked; and the sections, with
        the questions in their order, the last one "Total accuracy".

    Raises:
        ValueError: if the file cannot be read, has no header or no questions.
    """
    fold = str.upper if case_insensitive else str
    id_of = _folded(vectors, restrict_vocab, case_insensitive)
    sections: list[Section] = []
    asked: list[tuple[Section, Quadruple]] = []
    skipped = []
    for number, line in _lines(path_or_lines):
        if line.startswith(": "):
            name = line.lstrip(": ").strip()
            sections.append({"section": name, "correct": [], "incorrect": []})
            continue
        if not sections:
            where = f"{_name(path_or_lines)}: line {number}"
            raise ValueError(f"{where}: expected a header ': name' before questions")
        words = fold(line).split()
        if len(words) == 4:
            asked.append((sections[-1], (words[0], words[1], words[2], words[3])))
        elif words:
            skipped.append(number)
    _warn_of(skipped, path_or_lines, "'word word word word'")
    if not asked:
        raise ValueError(f"{_name(path_or_lines)}: expected questions, got none")
    known = [words for _, words in asked if all(word in id_of for word in words)]
    questions = dict.fromkeys((a, b, c) for a, b, c, _ in known)
    answer_of = answers(
        vectors, questions, id_of, fold, restrict_vocab, similarity_function
    )
    total: Section = {"section": "Total accuracy", "correct": [], "incorrect": []}
    for section, words in asked:
        is_known = all(word in id_of for word in words)
        is_correct = is_known and answer_of[words[:3]] == words[3]
        if is_known or dummy4unknown:
            verdict = "correct" if is_correct else "incorrect"
            section[verdict].append(words)
            total[verdict].append(words)
    num_asked = len(total["correct"]) + len(total["incorrect"])
    return len(total["correct"]) / max(num_asked, 1), [*sections, total]


def _folded(
    vectors: Vectors, restrict_vocab: int | None, case_insensitive: bool
) -> Mapping[str, int]:
    """Ids by word, case folded, of the words that may be used; the first one counts."""
    if restrict_vocab is not None:
        check_count("restrict_vocab", restrict_vocab)
    fold = str.upper if case_insensitive else str
    words = vectors.words[:restrict_vocab]
    return {fold(words[i]): i for i in reversed(range(len(words)))}


def _lines(path_or_lines: Lines) -> Iterator[tuple[int, str]]:
    is_path = isinstance(path_or_lines, str | os.PathLike)
    lines = read_lines(path_or_lines) if is_path else path_or_lines
    for number, line in enumerate(lines, start=1):
        yield number, line.rstrip("\r\n")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _warn_of(skipped: list[int], path_or_lines: Lines, expected: str) -> None:
    if skipped:
        warnings.warn(
            f"{_name(path_or_lines)}: {len(skipped)} lines skipped, the first of them "
            f"line {skipped[0]}: expected {expected}",
            stacklevel=3,
        )


def _name(path_or_lines: Lines) -> str:
    is_path = isinstance(path_or_lines, str | os.PathLike)
    return repr(os.fspath(path_or_lines)) if is_path else "path_or_lines"
