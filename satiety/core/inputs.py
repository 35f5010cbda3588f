"""Named inputs of an example (text; text and text_b; question and context; turns) and their JSON form.

The problem defines the names. Most modules (near-duplicates, language, retrieval) read an example as one text: all its
texts, one per line.
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
"""A text, a sequence of texts, numbers, or spans of a text."""
STRETCH = ("start", "end", "label")
"""Fields of a span, as a list or by name."""
Inputs = Mapping[str, Value]
"""Name -> value, in the problem's order; immutable."""


def texts_of(inputs: Inputs) -> list[str]:
    """Return all texts of the inputs, in order."""
    return [text for value in inputs.values() for text in _list_texts(value)]


def text_of(inputs: Inputs) -> str:
    """Return the inputs as one text, one line per text."""
    if len(inputs) == 1 and isinstance(text := next(iter(inputs.values())), str):
        return text  # fast path for the common case
    return "\n".join(texts_of(inputs))


def key_of(inputs: Inputs) -> str:
    """Return a key for exact equality of inputs: the text if it is the only input, otherwise their JSON."""
    if len(inputs) == 1 and isinstance(text := next(iter(inputs.values())), str):
        return text
    return dump_inputs(inputs)


def content_id(inputs: Inputs) -> str:
    """Return an id derived from the inputs alone, independent of file and row order."""
    parts = [normalise(text) for text in texts_of(inputs)]
    parts += [json.dumps(_to_json(value)) for value in inputs.values() if not _list_texts(value)]
    joined = "\x1f".join(parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def dump_inputs(inputs: Inputs) -> str:
    """Return inputs as JSON: ``{"text": "…"}``."""
    return json.dumps({name: _to_json(value) for name, value in inputs.items()}, ensure_ascii=False)


def load_inputs(text: str) -> dict[str, Value]:
    """Return the inputs that ``dump_inputs`` wrote.

    Raises:
        DataError: the text cannot be parsed as inputs.
    """
    try:
        return {name: read_value(value) for name, value in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"cannot parse the inputs {text[:80]!r} ({error}); rebuild their file with `dvc repro`, or restore it"
        ) from None


def read_value(content: Any) -> Value:
    """Return an input from its JSON value; raise TypeError for an unsupported type."""
    if isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        if all(isinstance(part, str) for part in content):
            return tuple(content)
        if all(isinstance(part, int | float) and not isinstance(part, bool) for part in content):
            return tuple(map(float, content))
        if (spans := _read_spans(content)) is not None:
            return spans
    raise TypeError(
        f"is a {type(content).__name__}; an input is a text, or a list of texts, numbers or [start, end, label]"
    )


def _list_texts(value: Value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(part for part in value if isinstance(part, str))


def _to_json(value: Value) -> Any:
    if isinstance(value, str):
        return value
    return [[part.start, part.end, part.label] if isinstance(part, Span) else part for part in value]


def _read_spans(content: Any) -> tuple[Span, ...] | None:
    if all(isinstance(part, Span) for part in content):  # parsed already
        return tuple(content)
    triples = [[part[key] for key in STRETCH] if isinstance(part, Mapping) else part for part in content]
    if not all(isinstance(part, list | tuple) and len(part) == 3 for part in triples):
        return None
    return tuple(Span(int(start), int(end), str(label)) for start, end, label in triples)
