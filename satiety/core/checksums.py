"""Cached results as files with a SHA-256 of their content.

A damaged file counts as missing: after a bit flip or a kill the work is repeated, and results stay correct.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.core.files import manifest, write_atomically, write_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Tensors = Mapping[str, NDArray[np.generic]]

DIGEST = "sha256"
MANIFEST = "sealed.json"
"""File in a sealed folder that lists the digests of the other files."""
MISMATCH = "its digest does not match"
log = logging.getLogger(__name__)


def write_tensors(path: Path, tensors: Tensors) -> None:
    """Write a safetensors file atomically, with the digest of its tensors in the metadata."""
    import numpy as np
    from safetensors.numpy import save_file

    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    with write_atomically(path) as temporary:
        save_file(contiguous, temporary, {DIGEST: _digest(contiguous)})


def read_tensors(path: Path) -> dict[str, NDArray[Any]] | None:
    """Return the tensors of ``write_tensors``; None if the file is missing or, with a warning, damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            expected = (file.metadata() or {}).get(DIGEST)
            tensors: dict[str, NDArray[Any]] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, ValueError, TypeError, AttributeError) as error:
        _warn(path, error)
        return None
    if expected == _digest(tensors):
        return tensors
    _warn(path, MISMATCH)
    return None


def write_json(path: Path, value: Any) -> None:
    """Write a value and its digest as JSON, atomically."""
    write_text(path, json.dumps({DIGEST: _json_digest(value), "value": value}) + "\n")


def read_json(path: Path) -> Any:
    """Return the value of ``write_json``, as decoded JSON; None if the file is missing or, with a warning, damaged."""
    try:
        content = json.loads(path.read_bytes())
        if content[DIGEST] == _json_digest(content["value"]):
            return content["value"]
        _warn(path, MISMATCH)
    except FileNotFoundError:
        pass
    except (KeyError, TypeError):
        _warn(path, "it has no digest")
    except (OSError, ValueError, RecursionError) as error:
        _warn(path, error)
    return None


def seal(folder: Path) -> None:
    """Write the digests of a folder's files into it; the folder is read-only from then on."""
    write_json(folder / MANIFEST, _digest_files(folder))


def is_intact(folder: Path) -> bool:
    """Return whether a folder exists and matches its seal; log a warning if it is damaged."""
    if not folder.is_dir():
        return False
    expected = read_json(folder / MANIFEST)
    if expected is None or expected != _digest_files(folder):
        _warn(folder, "its files do not match their digests")
        return False
    return True


def _digest_files(folder: Path) -> dict[str, str]:
    return {name: value for name, value in manifest(folder).items() if name != MANIFEST}


def _digest(tensors: Tensors) -> str:
    """Return the SHA-256 of names, types, shapes and values; independent of the order of the tensors."""
    content = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        content.update(json.dumps([name, tensor.dtype.str, tensor.shape]).encode())
        content.update(tensor.reshape(-1).data)
    return content.hexdigest()


def _json_digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(json.loads(json.dumps(value)), sort_keys=True).encode()).hexdigest()


def _warn(path: Path, reason: object) -> None:
    log.warning("%s: damaged (%s); it will be recomputed", path, str(reason).partition("\n")[0])
