"""What an example asks: named inputs, such as text; text and text_b; question and context; turns. And their JSON.

Which names there are, the problem says. Most rooms read an example as one text (near-duplicates, language, retrieval):
that is all its texts, a line each.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from satiety.answers import Span
from satiety.errors import DataError
from satiety.words import normalise

Value = str | tuple[str, ...] | tuple[float, ...] | tuple[Span, ...]
"""A text, several in order, numbers, or stretches of a text."""
STRETCH = ("start", "end", "label")
"""What a stretch consists of, in a list or by name."""
Inputs = Mapping[str, Value]
"""By name, in the problem's order; never changed once made."""


def texts_of(inputs: Inputs) -> list[str]:
    """Return every text of the inputs, in order."""
    return [text for value in inputs.values() for text in _texts(value)]


def text_of(inputs: Inputs) -> str:
    """Return the inputs as one text: a line for each of theirs."""
    if len(inputs) == 1 and isinstance(text := next(iter(inputs.values())), str):
        return text  # the common case, asked for again and again
    return "\n".join(texts_of(inputs))


def key_of(inputs: Inputs) -> str:
    """Return what tells inputs apart to the letter: the text, where it is all there is, else their JSON."""
    if len(inputs) == 1 and isinstance(text := next(iter(inputs.values())), str):
        return text
    return dump_inputs(inputs)


def identify(inputs: Inputs) -> str:
    """Return the id of what has these inputs: the same wherever and in whatever order it is read."""
    parts = [normalise(text) for text in texts_of(inputs)]
    parts += [json.dumps(_plain(value)) for value in inputs.values() if not _texts(value)]
    joined = "\x1f".join(parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def dump_inputs(inputs: Inputs) -> str:
    """Return inputs as JSON: ``{"text": "…"}``."""
    return json.dumps({name: _plain(value) for name, value in inputs.items()}, ensure_ascii=False)


def load_inputs(text: str) -> dict[str, Value]:
    """Return what ``dump_inputs`` wrote.

    Raises:
        DataError: these are no inputs.
    """
    try:
        return {name: read_value(value) for name, value in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{text[:80]!r} are no inputs ({error}); make their file anew, or restore it") from None


def read_value(plain: Any) -> Value:
    """Return an input that JSON holds as a text or a list; raise TypeError where it is something else."""
    if isinstance(plain, str):
        return plain
    if isinstance(plain, list | tuple):
        for read in (_strings, _numbers, _spans):
            if (found := read(plain)) is not None:
                return found
    raise TypeError(
        f"is a {type(plain).__name__}; an input is a text, or a list of texts, numbers or [start, end, label]"
    )


def _texts(value: Value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(part for part in value if isinstance(part, str))


def _plain(value: Value) -> Any:
    if isinstance(value, str):
        return value
    return [[part.start, part.end, part.label] if isinstance(part, Span) else part for part in value]


def _strings(plain: Any) -> tuple[str, ...] | None:
    return tuple(plain) if all(isinstance(part, str) for part in plain) else None


def _numbers(plain: Any) -> tuple[float, ...] | None:
    right = all(isinstance(part, int | float) and not isinstance(part, bool) for part in plain)
    return tuple(float(part) for part in plain) if right else None


def _spans(plain: Any) -> tuple[Span, ...] | None:
    if all(isinstance(part, Span) for part in plain):  # read before
        return tuple(plain)
    named = [[part[key] for key in STRETCH] if isinstance(part, Mapping) else part for part in plain]
    if not all(isinstance(part, list | tuple) and len(part) == 3 for part in named):
        return None
    return tuple(Span(int(start), int(end), str(label)) for start, end, label in named)
