"""Tokenizers: text to a list of tokens and back.

`normalize` is the one place where text is normalised: lower case, then Unicode
normalisation form C, so that an "é" of one code point and one of two are the same
token. `words` applies it; `spaces` takes a text that was tokenized before as it is,
and so does `characters`, because it promises to give exactly that text back (call
`unicodedata.normalize` before it if need be).
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Tokenizer(NamedTuple):
    """Two pure functions.

    Attributes:
      split: the tokens of a text, none of them empty.
      join: a text whose tokens are those given: `split(join(split(text)))` equals
        `split(text)`.
    """

    split: Callable[[str], list[str]]
    join: Callable[[Sequence[str]], str]


def normalize(text: str) -> str:
    """Lower case and normalisation form C (in this order: lowering can undo C).

    Args:
        text: any.
    """
    return unicodedata.normalize("NFC", text.lower())


# Marks are no \w for Python, but "é" as two code points and Indic vowels are letters.
_MARKS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    r"\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8"
    r"\u06ea-\u06ed\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    r"\u1ab0-\u1aff\u1dc0-\u1dff"
)
CJK = (
    r"\u3005\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Chinese and Japanese characters, for the inside of [] in a regular expression."""

_LETTER = rf"(?:[\w{_MARKS}](?<![{CJK}]))"

WORD_PATTERN = re.compile(
    rf"[{CJK}]"
    rf"|{_LETTER}+(?:[-.'’]{_LETTER}+)*"
    r"|[\U0001f1e6-\U0001f1ff]{2}"
    rf"|\S(?:[{_MARKS}\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]|\u200d\S)*"
)
"""One token of `words`, tried in this order:

1. one Chinese or Japanese character (Hangul forms words, as Korean is spaced);
2. a run of letters, digits, underscores and combining marks, with single hyphens,
   dots and apostrophes inside it: `state-of-the-art`, `e.g`, `3.14`, `don't`;
3. a flag, which is two regional indicators;
4. any other character that is no white space: one punctuation mark, one symbol or one
   emoji together with its modifiers and what is joined to it.
"""


def _split_words(text: str) -> list[str]:
    return WORD_PATTERN.findall(normalize(text))


words = Tokenizer(split=_split_words, join=" ".join)
"""Lower-case words and punctuation marks, see `WORD_PATTERN`; joined by spaces."""

spaces = Tokenizer(split=str.split, join=" ".join)
"""What stands between white space, as it is: of a text that is tokenized already."""

characters = Tokenizer(split=list, join="".join)
"""One token a code point; `join(split(text)) == text` for every text."""
