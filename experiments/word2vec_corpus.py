"""Where word2vec's sentences come from: the shipped corpus, files, or a download."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from jaxseq.text.files import CorpusError
from jaxseq.word2vec import corpus, sentences
from jaxseq.word2vec.corpus import Corpus
from jaxseq.word2vec.vocab import Vocab

from .data import debian, text8
from .word2vec_config import TOKENS, Config


CACHE = Path("data")
"""Folder of `--out` for downloads."""


def read(config: Config) -> tuple[str, Vocab, Corpus]:
    """Reads the corpus that the config names.

    Returns:
        Its name, its vocabulary and its ids.

    Raises:
        CorpusError: in one line, if a text cannot be read.
        ValueError: in one line, if there is nothing to train on.
    """
    name, texts = _sentences(config)
    try:
        known, read_corpus = corpus.read(
            texts, config.min_count, config.max_vocab, config.folder
        )
    except CorpusError:
        raise
    except ValueError as error:  # of all sentences together: which does not say whose
        raise ValueError(f"{name}: {error}") from None
    if read_corpus.num_kept == read_corpus.num_sentences:
        raise ValueError(
            f"{name}: expected sentences with two words that get a vector, one "
            f"sentence a line, got {read_corpus.num_sentences} of one word"
        )
    return name, known, read_corpus


def _sentences(config: Config) -> tuple[str, Iterable[Iterable[str]]]:
    if config.download == "text8":
        path = text8.fetch(config.out / CACHE)
        return "text8", sentences.from_files(
            path, split=TOKENS[config.tokens or "spaces"]
        )
    if config.corpus:
        split = TOKENS[config.tokens or "spaces"]
        name = ", ".join(path.name for path in config.corpus)
        try:
            return name, sentences.from_files(*config.corpus, split=split)
        except ValueError as error:  # which names its argument
            message = str(error).removeprefix("paths")
            raise ValueError(f"--corpus{message}") from error
    return "Debian package descriptions", _debian(config)


def _debian(config: Config) -> Iterator[list[str]]:
    split = sentences.spaceless(TOKENS[config.tokens or "words"])
    for part in debian.SPLITS:
        for pair in debian.load(part):
            yield split(pair.document)
            yield split(pair.summary)
