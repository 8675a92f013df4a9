"""What lies near a word, in vectors that are there already.

    python -m experiments.neighbours out/word2vec/vectors.bin --words user kernel
    python -m experiments.neighbours vectors.txt.gz --words paris france --minus rome

Reads word2vec's binary format (`.bin`, also compressed: `.bin.gz`) and its text format
(any other name), whoever wrote them. Several words are added up; those of `--minus` are
subtracted: king - man + woman is `--words king woman --minus man`.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import tyro

from jaxseq import commands
from jaxseq.word2vec import nearest, vector_files

from . import cli


@dataclasses.dataclass(frozen=True)
class Config:
    """Print the words nearest to a word, or to a sum of words."""

    vectors: tyro.conf.Positional[Path]
    """The file: binary if its name has .bin, else text."""

    words: tuple[str, ...]
    """Words whose vectors are added up."""

    minus: tuple[str, ...] = ()
    """Words whose vectors are subtracted."""

    topn: int = 10
    """How many to print."""

    limit: int | None = None
    """Read only so many vectors, from the start of the file."""

    def __post_init__(self):
        """Refuses values that make no sense, naming the option."""
        cli.expect(bool(self.words), "words", "one or more", "none")
        cli.expect(self.topn >= 1, "topn", "1 or more", self.topn)
        is_limit = self.limit is None or self.limit >= 1
        cli.expect(is_limit, "limit", "1 or more", self.limit)


def main(args: Sequence[str] | None = None) -> None:
    """Prints the neighbours, the nearest first, with their cosines.

    Args:
        args: the command line; None for this program's.

    Raises:
        SystemExit: code 2 after one line on stderr, for a file that cannot be read or a
            word that has no vector.
    """
    config = commands.parse(Config, args, __doc__)
    is_binary = ".bin" in config.vectors.suffixes
    try:
        found = vector_files.load_word2vec_format(
            config.vectors, binary=is_binary, limit=config.limit
        )
        near = nearest.most_similar(found, config.words, config.minus, config.topn)
    except KeyError as error:
        commands.fail(f"{config.vectors}: {error.args[0]}")
    except ValueError as error:
        commands.fail(str(error))
    for word, cosine in near:
        print(f"{cosine:.4f}  {word}")


if __name__ == "__main__":
    main()
