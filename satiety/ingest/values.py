"""JSON text -> values in which numbers are still text, and everything two readers could differ on is refused."""

from __future__ import annotations

import json
from typing import Any

DIGITS = 100
"""Longest number that is taken."""


class Refused(ValueError):
    """A JSON value that is not taken, and why."""


class Number(str):
    """A JSON number, as it is written: text to whoever takes numbers for text."""

    __slots__ = ()


class Broken(dict[str, Any]):
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
        raise Refused("nested too deep") from None
    except json.JSONDecodeError as error:
        raise Refused(f"not JSON: {error}") from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else Broken(value)


def _number(text: str) -> Number:
    if len(text) > DIGITS:
        raise Refused(f"a number of {len(text):,} digits")
    return Number(text)


def _constant(text: str) -> None:
    raise Refused(f"{text} is no JSON value")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_number, parse_float=_number, parse_constant=_constant)
