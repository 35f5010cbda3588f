"""What an example asks: named inputs, such as text; text and text_b; question and context; turns. And their JSON.

Which names there are, the problem says. Most rooms read an example as one text (near-duplicates, language, retrieval):
that is all its texts, a line each.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from satiety.core.answers import Span
from satiety.core.errors import DataError
from satiety.core.normalization import normalise

Value = str | tuple[str, ...] | tuple[float, ...] | tuple[Span, ...]
"""A text, several in order, numbers, or stretches of a text."""
STRETCH = ("start", "end", "label")
"""What a stretch consists of, in a list or by name."""
Inputs = Mapping[str, Value]
"""By name, in the problem's order; never changed once made."""


def texts_of(inputs: Inputs) -> list[str]:
    """Return every text of the inputs, in order."""
    return [text for value in inputs.values() for text in _list_texts(value)]


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


def content_id(inputs: Inputs) -> str:
    """Return the id of what has these inputs: the same wherever and in whatever order it is read."""
    parts = [normalise(text) for text in texts_of(inputs)]
    parts += [json.dumps(_to_json(value)) for value in inputs.values() if not _list_texts(value)]
    joined = "\x1f".join(parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def dump_inputs(inputs: Inputs) -> str:
    """Return inputs as JSON: ``{"text": "…"}``."""
    return json.dumps({name: _to_json(value) for name, value in inputs.items()}, ensure_ascii=False)


def load_inputs(text: str) -> dict[str, Value]:
    """Return what ``dump_inputs`` wrote.

    Raises:
        DataError: these are no inputs.
    """
    try:
        return {name: read_value(value) for name, value in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{text[:80]!r} are no inputs ({error}); make their file anew, or restore it") from None


def read_value(content: Any) -> Value:
    """Return an input that JSON holds as a text or a list; raise TypeError where it is something else."""
    if isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        for parser in (_read_texts, _read_numbers, _read_spans):
            if (value := parser(content)) is not None:
                return value
    raise TypeError(
        f"is a {type(content).__name__}; an input is a text, or a list of texts, numbers or [start, end, label]"
    )


def _list_texts(value: Value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(part for part in value if isinstance(part, str))


def _to_json(value: Value) -> Any:
    if isinstance(value, str):
        return value
    return [[part.start, part.end, part.label] if isinstance(part, Span) else part for part in value]


def _read_texts(content: Any) -> tuple[str, ...] | None:
    return tuple(content) if all(isinstance(part, str) for part in content) else None


def _read_numbers(content: Any) -> tuple[float, ...] | None:
    is_numeric = all(isinstance(part, int | float) and not isinstance(part, bool) for part in content)
    return tuple(float(part) for part in content) if is_numeric else None


def _read_spans(content: Any) -> tuple[Span, ...] | None:
    if all(isinstance(part, Span) for part in content):  # read before
        return tuple(content)
    triples = [[part[key] for key in STRETCH] if isinstance(part, Mapping) else part for part in content]
    if not all(isinstance(part, list | tuple) and len(part) == 3 for part in triples):
        return None
    return tuple(Span(int(start), int(end), str(label)) for start, end, label in triples)
