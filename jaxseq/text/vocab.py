"""Vocabularies: tokens to ids and back.

The first four ids are PAD, UNK, BOS and EOS. They are ids and no strings: `id_of`
holds tokens of the text only, so a text that spells `<pad>` or `<unk>` counts as any
other token and gets an id of its own.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxseq.checks import check_count, expect
from jaxseq.text.ids import check_ids


PAD, UNK, BOS, EOS = 0, 1, 2, 3
SPECIALS = ("<pad>", "<unk>", "<bos>", "<eos>")
_FORMAT = {"format": "jaxseq-vocab", "version": 1}


class Vocab(NamedTuple):
    """Tokens by id.

    Attributes:
      tokens: the V tokens; the first four are the names of the specials.
      counts: how often each was counted, Python integers without bound; for UNK the
        number of tokens left out, for the other specials 0.
      id_of: id by token, for the tokens of the text (not for the specials).
    """

    tokens: tuple[str, ...]
    counts: tuple[int, ...]
    id_of: Mapping[str, int]


def build(
    token_lists: Iterable[Iterable[str]],
    min_count: int = 1,
    max_size: int | None = None,
) -> Vocab:
    """Count tokens and give ids by falling count, equal counts by code points.

    The result depends on the counts alone: not on the order of the texts, nor on the
    hash seed of the process. Tokens are taken as they are; normalising them is the
    tokenizer's task.

        >>> vocab = build([["a", "rose", "is", "a", "rose"]], min_count=2)
        >>> vocab.tokens
        ('<pad>', '<unk>', '<bos>', '<eos>', 'a', 'rose')
        >>> encode(vocab, ["a", "tulip"]).tolist()
        [4, 1]

    Args:
      token_lists: the tokens of each text; consumed once, may be a generator.
      min_count: tokens seen less often are left out.
      max_size: largest number of ids V, the four specials included.

    Raises:
      ValueError: if `min_count` < 1, `max_size` < 4, a text is a string instead of
        its tokens, or a token is no string.
    """
    check_count("min_count", min_count)
    if max_size is not None:
        check_count("max_size", max_size, least=len(SPECIALS))
    _check_list("token_lists", token_lists)
    counter: Counter[str] = Counter()
    for position, tokens in enumerate(token_lists):
        _check_list(f"token_lists[{position}]", tokens)
        counter.update(_strings(f"token_lists[{position}]", tokens))
    ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    kept = [item for item in ranked if item[1] >= min_count]
    if max_size is not None:
        kept = kept[: max_size - len(SPECIALS)]
    num_unknown = counter.total() - sum(count for _, count in kept)
    return _vocab([t for t, _ in kept], [c for _, c in kept], num_unknown)


def encode(vocab: Vocab, tokens: Sequence[str]) -> np.ndarray:
    """Ids of tokens, UNK for those that the vocabulary lacks; no BOS, no EOS.

    Args:
      vocab: the vocabulary.
      tokens: [T] tokens.

    Returns:
      [T] int32 ids.

    Raises:
      ValueError: if `tokens` is a string instead of its tokens.
    """
    _check_list("tokens", tokens)
    get = vocab.id_of.get
    return np.fromiter((get(t, UNK) for t in tokens), np.int32, len(tokens))


def decode(vocab: Vocab, ids: ArrayLike) -> list[str]:
    """Tokens of ids; the specials by their names.

    Args:
      vocab: the vocabulary.
      ids: [T] integers.

    Returns:
      [T] tokens.

    Raises:
      ValueError: if an element is no id of the vocabulary, or `ids` is not flat.
    """
    checked = check_ids("ids", ids, len(vocab.tokens))
    if checked.ndim != 1:
        raise ValueError(f"ids must have one axis [T], got shape {checked.shape}")
    return [vocab.tokens[i] for i in checked.tolist()]


def save(vocab: Vocab, path: str | os.PathLike[str]) -> None:
    """Write a vocabulary as JSON: either the whole file or, on any failure, none.

    Args:
      vocab: the vocabulary.
      path: where to; an old file is replaced in one step.

    Raises:
      OSError: if the file cannot be written; an old one is then unharmed.
    """
    num_specials = len(SPECIALS)
    content = _FORMAT | {
        "num_unknown": vocab.counts[UNK],
        "tokens": vocab.tokens[num_specials:],
        "counts": vocab.counts[num_specials:],
    }
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(part, "w", encoding="ascii", newline="\n") as stream:
            # ASCII, so that any string comes back, a lone surrogate too
            json.dump(content, stream)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str]) -> Vocab:
    """Read a vocabulary that `save` wrote.

    Args:
      path: the file.

    Raises:
      ValueError: in one line, if the file cannot be read or is no sound vocabulary.
    """
    name = repr(os.fspath(path))
    try:
        content = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise ValueError(f"{name}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0][:120]
        raise ValueError(f"{name} is no vocabulary: no JSON ({reason})") from None
    fault = _fault(content)
    if fault:
        raise ValueError(f"{name} is no vocabulary: {fault}")
    return _vocab(content["tokens"], content["counts"], content["num_unknown"])


def _check_list(argument: str, tokens: object) -> None:
    if isinstance(tokens, str | bytes) or not isinstance(tokens, Iterable):
        expected = "a list of tokens (a text: split it first)"
        expect(False, argument, expected, repr(tokens)[:40])


def _strings(argument: str, tokens: Iterable[str]) -> Iterator[str]:
    for token in tokens:
        if not isinstance(token, str):
            got = f"{type(token).__name__} {repr(token)[:40]}"
            expect(False, argument, "tokens of type str", got)
        yield token


def _vocab(tokens: list[str], counts: list[int], num_unknown: int) -> Vocab:
    return Vocab(
        tokens=(*SPECIALS, *tokens),
        counts=(0, num_unknown, 0, 0, *counts),
        id_of={token: i for i, token in enumerate(tokens, start=len(SPECIALS))},
    )


def _fault(content: Any) -> str | None:
    """What is wrong with the content of a file, None if nothing is."""
    if not isinstance(content, dict):
        return "expected a JSON object"
    for key, expected in _FORMAT.items():
        found = content.get(key)
        if type(found) is not type(expected) or found != expected:
            return f"expected {key!r} to be {expected!r}, got {str(found)[:40]!r}"
    tokens, counts = content.get("tokens"), content.get("counts")
    if not isinstance(tokens, list) or not isinstance(counts, list):
        return "expected 'tokens' and 'counts' to be lists"
    if len(tokens) != len(counts):
        return f"{len(tokens)} tokens, but {len(counts)} counts"
    for position, token in enumerate(tokens):
        if not isinstance(token, str):
            return f"tokens[{position}] is no string: {str(token)[:40]!r}"
    for position, count in enumerate(counts):
        if type(count) is not int or count < 0:
            return f"counts[{position}] is no count: {str(count)[:40]!r}"
    if type(content.get("num_unknown")) is not int or content["num_unknown"] < 0:
        return "expected 'num_unknown' to be a count"
    if len(set(tokens)) < len(tokens):
        token = Counter(tokens).most_common(1)[0][0]
        return f"token {token[:40]!r} stands twice"
    return None
