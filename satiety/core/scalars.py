"""Resolve an unquoted YAML scalar as DVC does; refuse scalars that are ambiguous.

DVC reads params.yaml as YAML 1.2, PyYAML as YAML 1.1. ``0240`` is 240 in 1.2 and 160 in 1.1; ``4:00`` is a text or
240, ``yes`` a text or true. A text in YAML 1.2 stays a text here; validation then refuses it for a number or boolean.
"""

from __future__ import annotations

import json
import math
from datetime import date
from functools import cache
from typing import Any


class AmbiguousError(ValueError):
    """A scalar with different values in YAML 1.1 and 1.2, both of which validation would accept."""


def resolve_scalar(word: str, value: Any) -> Any:
    """Return the value of an unquoted scalar, where ``value`` is its value in YAML 1.1.

    Raises:
        AmbiguousError: the value in YAML 1.2 is different.
    """
    modern = _read_yaml12(word)
    is_same = type(modern) is type(value) and (modern == value or str(modern) == str(value) == "nan")
    exponent = isinstance(modern, float) and isinstance(value, str) and math.isfinite(modern)  # 1e5 is unambiguous
    if is_same:
        return value
    if isinstance(modern, str) or exponent:
        return modern
    raise AmbiguousError(
        f"{word[:40]!r} is ambiguous: {_format_value(modern)} in YAML 1.2 (DVC), {_format_value(value)} in YAML 1.1; "
        "write one of these values"
    )


def _read_yaml12(word: str) -> Any:
    """Return the value of a plain scalar in YAML 1.2."""
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.nodes import ScalarNode

    yaml = _load_reader()
    node = ScalarNode(yaml.resolver.resolve(ScalarNode, word, (True, False)), word)
    try:
        return yaml.constructor.construct_object(node)
    except YAMLError:
        raise AmbiguousError(f"{word[:40]!r} has a special meaning in YAML; put it in quotes") from None


@cache
def _load_reader() -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True)


def _format_value(value: Any) -> str:
    """Return a form of the value that is unambiguous in both versions."""
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
