"""Read the JSON files of ``.satiety/``. A file damaged by a power loss counts as missing.

It is renamed to ``<name>.damaged`` for inspection, with one warning in the log.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any

log = logging.getLogger(__name__)
Shape = Mapping[str, type | UnionType]
"""Required keys of an object and the types of their values; other keys are allowed."""


def read_state(path: Path, shape: Shape) -> dict[str, Any] | None:
    """Return the JSON object in a file; None if the file is missing or damaged."""
    try:
        return parse(path.read_bytes(), shape)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        rename_damaged(path, error)
        return None


def parse(text: bytes, shape: Shape) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        ValueError: the text is not UTF-8, not JSON, not an object, or has the wrong keys.
    """
    try:
        value = json.loads(text.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    check_keys(value, shape)
    return value


def check_keys(value: Mapping[str, Any], shape: Shape) -> None:
    """Check that an object has the required keys.

    Raises:
        ValueError: a key is missing, or its value has the wrong type.
    """
    for key, kind in shape.items():
        if key not in value or not isinstance(value[key], kind):
            raise ValueError(f"{key!r} is missing or has the wrong type")


def rename_damaged(path: Path, reason: object) -> None:
    """Rename a damaged file so that it is not read again, and log a warning. Another process may be first."""
    target = path.with_suffix(".damaged")
    try:
        path.rename(target)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s: damaged, ignored, and cannot be renamed (%s): %s", path, error.strerror, reason)
        return
    log.warning("%s: damaged, ignored, and renamed to %s: %s", path, target.name, reason)
