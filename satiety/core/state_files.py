"""Files of ``.satiety/`` read back: one that a power loss has torn or filled with NULs counts as none.

It is put aside as ``<name>.damaged``, to be looked at, and the log says so once.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any

log = logging.getLogger(__name__)
Shape = Mapping[str, type | UnionType]
"""The keys that an object must have, and the type of each value; others may be there."""


def read_state(path: Path, shape: Shape) -> dict[str, Any] | None:
    """Return the JSON object that a file holds; None where there is no file, or no such object in it."""
    try:
        return parse(path.read_bytes(), shape)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        rename_damaged(path, error)
        return None


def parse(text: bytes, shape: Shape) -> dict[str, Any]:
    """Return the JSON object that a text is.

    Raises:
        ValueError: it is not UTF-8, no JSON, no object, or not of the shape.
    """
    try:
        value = json.loads(text.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} instead of an object")
    check_keys(value, shape)
    return value


def check_keys(value: Mapping[str, Any], shape: Shape) -> None:
    """Check that an object has its keys.

    Raises:
        ValueError: one is missing, or is of another type.
    """
    for key, kind in shape.items():
        if key not in value or not isinstance(value[key], kind):
            raise ValueError(f"{key!r} is missing, or of another type")


def rename_damaged(path: Path, reason: object) -> None:
    """Rename a damaged file, so that nobody reads it again; say so in the log. Another process may have done it."""
    target = path.with_suffix(".damaged")
    try:
        path.rename(target)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s: left out, and cannot be put aside (%s): %s", path, error.strerror, reason)
        return
    log.warning("%s: left out, and put aside as %s: %s", path, target.name, reason)
