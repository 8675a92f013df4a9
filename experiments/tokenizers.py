"""The tokenizers of texts that are written too, by the names of the command lines."""

from typing import Literal

from jaxseq.text import tokens
from jaxseq.text.tokens import Tokenizer


TokenName = Literal["words", "characters", "spaces"]

TOKENIZERS: dict[TokenName, Tokenizer] = {
    "words": tokens.words,
    "characters": tokens.characters,
    "spaces": tokens.spaces,
}
