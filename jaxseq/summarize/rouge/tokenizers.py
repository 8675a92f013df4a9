"""Tokenizers of ROUGE: that of the English benchmarks, and one for any script.

ROUGE compares words, so both drop punctuation, white space and symbols, and both know
neither upper case nor inner hyphens: "State-of-the-art, 3.14!" has the six tokens
state, of, the, art, 3 and 14.

Reference: as `jaxseq.summarize.rouge.metrics`.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from jaxseq.text.tokens import CJK, normalize


class Tokenizer(NamedTuple):
    """How a text is cut, under the name that the signature shows.

    Attributes:
        name: without `|` and `:`.
        split: a pure function; a text that is split at its line ends beforehand has the
            same tokens.
    """

    name: str
    split: Callable[[str], list[str]]


_NOT_ASCII_WORD = re.compile(r"[^a-z0-9]+")
_IS_CJK = re.compile(f"[{CJK}]")
_VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


class _Spaced(dict[int, str]):
    """What a character becomes, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if any(code in selectors for selectors in _VARIATION_SELECTORS):
            self[code] = ""  # the same character in another shape
        elif unicodedata.category(character)[0] not in "LMN":
            self[code] = " "
        elif _IS_CJK.match(character):
            self[code] = f" {character} "
        else:
            self[code] = character
        return self[code]


_SPACED = _Spaced()


def _split_rouge_score(text: str) -> list[str]:
    return _NOT_ASCII_WORD.sub(" ", text.lower()).split()


def _split_any_script(text: str) -> list[str]:
    return normalize(text).translate(_SPACED).split()


rouge_score = Tokenizer("rouge_score", _split_rouge_score)
"""Runs of a to z and 0 to 9, as in rouge_score 0.1.2: every other letter separates,
so "naïve" is na and ve, and a Chinese text has no token at all."""

any_script = Tokenizer("any_script", _split_any_script)
"""Runs of letters, marks and digits of any script, and each Chinese or Japanese
character by itself; Hangul forms words, as Korean is spaced. Text in ASCII has the
tokens of `rouge_score`. Thai, Lao, Khmer and Burmese are written without spaces: for
them, or for Chinese words, give a `Tokenizer` of your own, for example
`Tokenizer("jieba", jaxseq.word2vec.chinese.words)`."""
