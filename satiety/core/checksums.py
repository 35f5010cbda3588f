"""Results that are kept to spare work -> files with a SHA-256 of their content; what is damaged was never there.

A disk that flips a bit, or a kill in the middle, then costs the work once more, and never a wrong number.
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
"""What a sealed folder names its files' digests in."""
MISMATCH = "its digest is another"
log = logging.getLogger(__name__)


def write_tensors(path: Path, tensors: Tensors) -> None:
    """Write a safetensors file, whole or not at all, with the digest of its tensors among its metadata."""
    import numpy as np
    from safetensors.numpy import save_file

    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    with write_atomically(path) as temporary:
        save_file(contiguous, temporary, {DIGEST: _digest(contiguous)})


def read_tensors(path: Path) -> dict[str, NDArray[Any]] | None:
    """Return what ``write_tensors`` wrote; None where there is nothing, or nothing whole, which the log says."""
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
    """Write a value as JSON, in one step, beside its digest."""
    write_text(path, json.dumps({DIGEST: _json_digest(value), "value": value}) + "\n")


def read_json(path: Path) -> Any:
    """Return what ``write_json`` wrote, as JSON keeps it; None where there is nothing, or nothing whole."""
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
    """Write the digests of a folder's files into it; nothing may change in it from then on."""
    write_json(folder / MANIFEST, _digest_files(folder))


def is_intact(folder: Path) -> bool:
    """Return whether a folder is as it was sealed; where it is damaged, the log says so."""
    if not folder.is_dir():
        return False
    expected = read_json(folder / MANIFEST)
    if expected is None or expected != _digest_files(folder):
        _warn(folder, "its files are not those that were written")
        return False
    return True


def _digest_files(folder: Path) -> dict[str, str]:
    return {name: value for name, value in manifest(folder).items() if name != MANIFEST}


def _digest(tensors: Tensors) -> str:
    """Return the SHA-256 of names, types, shapes and values, whatever the order of the tensors."""
    content = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        content.update(json.dumps([name, tensor.dtype.str, tensor.shape]).encode())
        content.update(tensor.reshape(-1).data)
    return content.hexdigest()


def _json_digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(json.loads(json.dumps(value)), sort_keys=True).encode()).hexdigest()


def _warn(path: Path, reason: object) -> None:
    log.warning("%s: damaged (%s); it is made anew", path, str(reason).partition("\n")[0])
