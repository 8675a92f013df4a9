"""Answers to many analogies at once, each the one that gensim gives.

gensim multiplies the whole table by one query after the other. Here queries are asked
in blocks, as one matrix product each: cos(u_w, m) of every word w and query m. The
largest cosine, the words of the question left out, decides. Two things are subtle:

* Another order of summation rounds another way. A float32 cosine is off by less than
  (D + 4) 2⁻²⁴, so of two words that are four times as far apart the nearer one is the
  same in both programs; where the runner-up is closer, ties among them, the question
  is asked again, alone, with gensim's own operations.
* gensim looks at the five nearest words, drops those that are words of the question in
  another case, and takes the last one if all are. With fewer than five such words the
  nearest other one is found either way; with more, the question is asked alone too.

Reference: as `jaxseq.word2vec.evaluate`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import numpy as np

from jaxseq.word2vec import nearest
from jaxseq.word2vec.vectors import Vectors, mean_direction


# a, b and c of "a is to b as c is to ?".
Question: TypeAlias = tuple[str, str, str]
Query: TypeAlias = Callable[..., nearest.Answer]

# How many of the nearest words gensim looks at.
_NUM_LOOKED_AT = 5
_BLOCK_COSINES = 2**24  # 64 MiB


def answers(
    vectors: Vectors,
    questions: Iterable[Question],
    id_of: Mapping[str, int],
    fold: Callable[[str], str],
    restrict_vocab: int | None,
    similarity_function: Query,
) -> dict[Question, str | None]:
    """Answers questions.

    Args:
        vectors: the vectors.
        questions: words (a, b, c), folded, all of them in `id_of`; each question once.
        id_of: the id of each folded word.
        fold: how words were folded: `str.upper`, or `str` for not at all.
        restrict_vocab: how many words may be answers, None for all.
        similarity_function: `nearest.most_similar`, asked in blocks, or another one,
            asked one question at a time.

    Returns:
        The folded answer to each question, None where there is none.
    """
    questions = list(questions)

    def ask_alone(question: Question) -> str | None:
        a, b, c = (id_of[word] for word in question)
        found = similarity_function(
            vectors,
            positive=[b, c],
            negative=[a],
            topn=_NUM_LOOKED_AT,
            restrict_vocab=restrict_vocab,
        )
        words = [fold(word) for word, _ in found]
        others = (word for word in words if word not in question)
        return next(others, words[-1] if words else None)

    if similarity_function is not nearest.most_similar:
        return {question: ask_alone(question) for question in questions}
    means = _means(vectors, questions, id_of)
    variants = _variants(vectors, questions, fold, restrict_vocab)
    answer_of: dict[Question, str | None] = {}
    num_words = len(vectors.words[:restrict_vocab])
    step = max(1, min(_BLOCK_COSINES // num_words, len(questions)))
    space = np.empty((step, num_words), np.float32)  # once: new pages take long
    for start in range(0, len(questions), step):
        block = questions[start : start + step]
        left_out = [_left_out(question, variants) for question in block]
        cosines = space[: len(block)]
        np.matmul(means[start : start + step], vectors.rows[:num_words].T, out=cosines)
        cosines /= vectors.norms[:num_words]
        best, is_sure = _best(cosines, left_out, vectors.rows.shape[1])
        for i, question in enumerate(block):
            mean = means[start + i]
            num_others = len(left_out[i]) - len({id_of[word] for word in question})
            if not mean.any():  # a - a + 0: no direction, no answer
                answer_of[question] = None
            elif is_sure[i] and num_others < _NUM_LOOKED_AT:
                answer_of[question] = fold(vectors.words[best[i]])
            else:
                answer_of[question] = ask_alone(question)
    return answer_of


def _means(
    vectors: Vectors, questions: list[Question], id_of: Mapping[str, int]
) -> np.ndarray:
    """Queries `[Q, D]`: the means of b, c and -a, as `most_similar` forms them."""
    weights = np.array([1.0, 1.0, -1.0])
    means = np.empty((len(questions), vectors.rows.shape[1]), np.float32)
    for i, (a, b, c) in enumerate(questions):
        ids = [id_of[b], id_of[c], id_of[a]]
        units = vectors.rows[ids] / vectors.norms[ids, None]
        means[i] = mean_direction(list(units), weights)
    return means


def _variants(
    vectors: Vectors,
    questions: list[Question],
    fold: Callable[[str], str],
    restrict_vocab: int | None,
) -> dict[str, list[int]]:
    """The ids of all words that fold to one of the questions' words."""
    variants = {word: [] for question in questions for word in question}
    for i, word in enumerate(vectors.words[:restrict_vocab]):
        folded = fold(word)
        if folded in variants:
            variants[folded].append(i)
    return variants


def _left_out(question: Question, variants: Mapping[str, list[int]]) -> list[int]:
    return [i for word in dict.fromkeys(question) for i in variants[word]]


def _best(
    cosines: np.ndarray, left_out: list[list[int]], num_dimensions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the largest cosines, `[B]`, and whether rounding cannot change which it is.

    The cosines `[B, V]` are spoilt.
    """
    for i, ids in enumerate(left_out):
        cosines[i, ids] = -2  # below any cosine
    every = np.arange(len(cosines))
    best = np.argmax(cosines, axis=1)
    largest = cosines[every, best]
    cosines[every, best] = -2
    margin = 4 * (num_dimensions + 4) * 2.0**-24
    return best, largest - cosines.max(axis=1) > margin
