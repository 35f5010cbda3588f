"""JSON text -> values in which numbers are still text, and everything two readers could differ on is refused."""

from __future__ import annotations

import json
from typing import Any

MAX_DIGITS = 100
"""Longest number that is taken."""


class JsonError(ValueError):
    """A JSON value that is not taken, and why."""


class NumberLiteral(str):
    """A JSON number, as it is written: text to whoever takes numbers for text."""

    __slots__ = ()


class DuplicateKeys(dict[str, Any]):
    """An object with the same key twice: whoever looks into it is refused, its neighbours are not."""


def parse(text: str) -> Any:
    """Return the value of a JSON text.

    Numbers come back as the text they are written in, so that 1e5 is never rounded. ``NaN``, endless numbers and values
    nested too deep are refused.

    Raises:
        Refused: the text is not such JSON.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise JsonError("nested too deep") from None
    except json.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error}") from None


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else DuplicateKeys(value)


def _parse_number(text: str) -> NumberLiteral:
    if len(text) > MAX_DIGITS:
        raise JsonError(f"a number of {len(text):,} digits")
    return NumberLiteral(text)


def _reject_constant(text: str) -> None:
    raise JsonError(f"{text} is no JSON value")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object, parse_int=_parse_number, parse_float=_parse_number, parse_constant=_reject_constant
)
