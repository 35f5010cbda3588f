"""A plain word of YAML -> its value, read as DVC reads it, or refused where a person may read it as another.

DVC reads params.yaml as YAML 1.2, PyYAML as 1.1. To the one ``0240`` is 240, to the other 160; ``4:00`` is a text or
240, ``yes`` a text or true. What is a text to DVC is one here; where a number or true is wanted, its type is wrong.
"""

from __future__ import annotations

import json
import math
from datetime import date
from functools import cache
from typing import Any


class AmbiguousError(ValueError):
    """A word that YAML's two versions read as different values, neither of which its type would refuse."""


def resolve_scalar(word: str, value: Any) -> Any:
    """Return the value of a plain scalar, given that YAML 1.1 reads it as ``value``.

    Raises:
        AmbiguousError: YAML 1.2 reads another value, which may not be the one that is meant.
    """
    modern = _read_yaml12(word)
    is_same = type(modern) is type(value) and (modern == value or str(modern) == str(value) == "nan")
    exponent = isinstance(modern, float) and isinstance(value, str) and math.isfinite(modern)  # 1e5: no other meaning
    if is_same:
        return value
    if isinstance(modern, str) or exponent:
        return modern
    raise AmbiguousError(
        f"{word[:40]!r} is {_format_value(modern)} to DVC (YAML 1.2) and {_format_value(value)} in YAML 1.1; write "
        "the one you "
        "mean that way"
    )


def _read_yaml12(word: str) -> Any:
    """Return what YAML 1.2 makes of a plain scalar."""
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.nodes import ScalarNode

    yaml = _load_reader()
    node = ScalarNode(yaml.resolver.resolve(ScalarNode, word, (True, False)), word)
    try:
        return yaml.constructor.construct_object(node)
    except YAMLError:
        raise AmbiguousError(f"{word[:40]!r} has a meaning of its own in YAML; put it in quotes") from None


@cache
def _load_reader() -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True)


def _format_value(value: Any) -> str:
    """Return the value as all read it alike."""
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
