"""Checkpoints of a training run, which survive a kill at any point.

    <folder>/<step>.safetensors   trained weights, optimizer state, the best weights so far
    <folder>/<name>.json          results computed before the first step
    <folder>/state.json           the step, the curves, the best score, and the SHA-256 of the first file

``state.json`` is replaced last and atomically, so it always refers to a complete file. Incomplete files, or files with
a wrong digest, are ignored. Batches and dropout are drawn from (seed, step), so no generator state is saved.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256 as hashed
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from satiety.core.checksums import read_json, write_json
from satiety.core.files import digest, manifest, sha256, write_atomically

STATE = "state.json"
MAX_WRITE_SHARE = 0.05
"""Maximum share of the run time spent on writing checkpoints."""
MAX_FOLDERS = 3
"""Number of folders of unfinished runs to keep; older ones are deleted when a new run begins."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a run after a step, sufficient to resume it exactly."""

    tensors: dict[str, torch.Tensor]
    state: dict[str, Any]


@dataclass(slots=True)
class CheckpointStore:
    """The checkpoints of one run; only the newest is kept."""

    folder: Path
    seconds: float
    """Minimum time between two checkpoints in seconds, extended where writing is slow. 0 writes after every step."""
    log_point: Callable[[str, float, int], None] = lambda *_: None
    """Called with the name, the value and the step of each point of a curve, as it is measured."""
    _last_save: float = field(default_factory=time.monotonic)
    _save_seconds: float = 0.0

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed to write the next checkpoint."""
        wait = max(self.seconds, self._save_seconds / MAX_WRITE_SHARE) if self.seconds else 0
        return time.monotonic() - self._last_save >= wait

    def save(self, snapshot: Snapshot, step: int) -> None:
        """Write a checkpoint, then delete the previous one."""
        start = time.monotonic()
        path = self.folder / f"{step}.safetensors"
        with write_atomically(path) as temporary:
            save_file(
                {name: tensor.detach().cpu().contiguous() for name, tensor in snapshot.tensors.items()}, temporary
            )
        write_json(self.folder / STATE, {**snapshot.state, "tensors": path.name, "sha256": sha256(path)})
        for file in self.folder.glob("*.safetensors"):
            if file != path:
                file.unlink()
        self._last_save = time.monotonic()
        self._save_seconds = self._last_save - start

    def compute_once(self, name: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the result of ``compute`` after a JSON round trip; a resumed run reads the stored result."""
        path = self.folder / f"{name}.json"
        value: dict[str, Any] | None = read_json(path)
        if value is None:  # not stored yet, or damaged
            value = compute()
            write_json(path, value)
        return value

    def load(self) -> Snapshot | None:
        """Return the checkpoint, or None where there is no complete one."""
        state = read_json(self.folder / STATE)
        if state is None:
            return None
        try:
            path = self.folder / Path(state["tensors"]).name
            if sha256(path) != state["sha256"]:
                raise ValueError(f"wrong SHA-256 of {path.name}")
            return Snapshot(load_file(path), state)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            log.warning("%s: checkpoint is incomplete or damaged (%s); training restarts at step 0", self.folder, error)
            return None

    def clear(self) -> None:
        """Delete the checkpoints, once the results of the run are written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def open_store(
    root: Path, key: str, seconds: float, log_point: Callable[[str, float, int], None] = lambda *_: None
) -> CheckpointStore:
    """Return the store of the run with this key, and delete the oldest folders of other unfinished runs."""
    root.mkdir(parents=True, exist_ok=True)
    folders = sorted((f for f in root.iterdir() if f.is_dir() and f.name != key), key=lambda f: f.stat().st_mtime)
    for folder in folders[:-MAX_FOLDERS]:
        shutil.rmtree(folder, ignore_errors=True)
    return CheckpointStore(root / key, seconds, log_point)


def compute_key(params: str, *inputs: Path) -> str:
    """Return a digest of a run's parameters and of the files and folders it reads."""
    digests = {str(i): digest(manifest(path)) if path.is_dir() else sha256(path) for i, path in enumerate(inputs)}
    return hashed(f"{params}\n{digest(digests)}".encode()).hexdigest()[:32]
