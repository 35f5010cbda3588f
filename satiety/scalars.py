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


def agreed(word: str, value: Any) -> Any:
    """Return the value of a plain scalar, given that YAML 1.1 reads it as ``value``.

    Raises:
        AmbiguousError: YAML 1.2 reads another value, which may not be the one that is meant.
    """
    theirs = _reading(word)
    same = type(theirs) is type(value) and (theirs == value or str(theirs) == str(value) == "nan")
    exponent = isinstance(theirs, float) and isinstance(value, str) and math.isfinite(theirs)  # 1e5: no other meaning
    if same:
        return value
    if isinstance(theirs, str) or exponent:
        return theirs
    raise AmbiguousError(
        f"{word[:40]!r} is {_written(theirs)} to DVC (YAML 1.2) and {_written(value)} in YAML 1.1; write the one you "
        "mean that way"
    )


def _reading(word: str) -> Any:
    """Return what YAML 1.2 makes of a plain scalar."""
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.nodes import ScalarNode

    yaml = _yaml()
    node = ScalarNode(yaml.resolver.resolve(ScalarNode, word, (True, False)), word)
    try:
        return yaml.constructor.construct_object(node)
    except YAMLError:
        raise AmbiguousError(f"{word[:40]!r} has a meaning of its own in YAML; put it in quotes") from None


@cache
def _yaml() -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True)


def _written(value: Any) -> str:
    """Return the value as all read it alike."""
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
