"""Parse JSON with numbers as text; refuse values that parsers read differently."""

from __future__ import annotations

import json
from typing import Any

MAX_DIGITS = 100
"""Longest number, in characters."""


class JsonError(ValueError):
    """A JSON value was refused; contains the reason."""


class NumberLiteral(str):
    """A JSON number as written in the file."""

    __slots__ = ()


class DuplicateKeys(dict[str, Any]):
    """An object with a duplicate key: rows inside it are rejected, rows beside it are not."""


def parse(text: str) -> Any:
    """Parse a JSON text.

    Numbers are returned as written, so that they are never rounded.

    Raises:
        JsonError: the text is not JSON, is nested too deeply, or contains ``NaN`` or a number over MAX_DIGITS.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise JsonError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise JsonError(f"invalid JSON: {error}") from None


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else DuplicateKeys(value)


def _parse_number(text: str) -> NumberLiteral:
    if len(text) > MAX_DIGITS:
        raise JsonError(f"a number of {len(text):,} digits; the limit is {MAX_DIGITS}")
    return NumberLiteral(text)


def _reject_constant(text: str) -> None:
    raise JsonError(f"{text} is not a JSON value")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object, parse_int=_parse_number, parse_float=_parse_number, parse_constant=_reject_constant
)
