"""JSON Lines: an object a line, texts in its fields.

What is wrong with a line ends in a `CorpusError` of one line that names the file, the
line and what came, as in `jaxseq.text.files`.
"""

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from jaxseq.text.files import CorpusError, read_lines


class Row(NamedTuple):
    """An object, and where it stands.

    Attributes:
        place: "'FILE', line N", for errors.
        fields: by their names.
    """

    place: str
    fields: dict[str, Any]


def read_rows(path: str | os.PathLike[str]) -> Iterator[Row]:
    """Reads the objects of a file.

    Args:
        path: the file, compressed or not.

    Yields:
        One a line; a blank line is none, and refused.

    Raises:
        CorpusError: as `read_lines`, or if a line holds no object.
    """
    for number, line in enumerate(read_lines(path), start=1):
        place = f"{os.fspath(path)!r}, line {number}"
        try:
            fields = json.loads(line)
        except json.JSONDecodeError as error:
            why = f"{error.msg} (column {error.colno})"
            raise CorpusError(f"{place}: no JSON: {why}") from None
        except ValueError as error:  # a number of too many digits
            raise CorpusError(f"{place}: no JSON: {str(error)[:60]}") from None
        except RecursionError:
            raise CorpusError(f"{place}: JSON that is nested too deeply") from None
        if not isinstance(fields, dict):
            raise CorpusError(f"{place}: expected an object, got {line[:40]!r}")
        yield Row(place, fields)


def text(row: Row, field: str) -> str:
    """Returns the text in a field.

    Args:
        row: an object of the file.
        field: the name of the field.

    Raises:
        CorpusError: if it is missing, is no text, or one that no UTF-8 can hold.
    """
    return _checked(row, field, _value(row, field), "a text")


def texts(row: Row, field: str) -> list[str]:
    """Returns the texts in a field that holds a list of them, or one.

    Args:
        row: an object of the file.
        field: the name of the field.

    Raises:
        CorpusError: as `text`; and if the list is empty.
    """
    value, expected = _value(row, field), "a text or a list of texts"
    values = value if isinstance(value, list) and value else [value]
    return [_checked(row, field, each, expected) for each in values]


def _value(row: Row, field: str) -> Any:
    if field not in row.fields:
        has = f"the fields {sorted(row.fields)}"[:80]
        raise CorpusError(f"{row.place}: expected a field {field!r}, got {has}")
    return row.fields[field]


def _checked(row: Row, field: str, value: Any, expected: str) -> str:
    if not isinstance(value, str):
        got = json.dumps(value)[:40]
        raise CorpusError(f"{row.place}: expected {expected} in {field!r}, got {got}")
    try:
        # JSON can spell half of a pair of UTF-16; no file of text could hold it.
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        got = f"a lone surrogate, {json.dumps(value[error.start])}"
        raise CorpusError(
            f"{row.place}: expected {expected} in {field!r}, got {got}"
        ) from None
    return value
