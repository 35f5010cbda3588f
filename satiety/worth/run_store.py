"""Outcomes of runs on disk, by key.

An outcome is one small safetensors file with a digest, written atomically. A killed study keeps every finished run, and
damaged files are computed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from satiety.core.checksums import read_tensors, write_tensors

if TYPE_CHECKING:
    from satiety.problems.base import Floats


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a run."""

    tallies: Floats
    """Counts on the test examples, shape (examples, counts)."""
    seconds: float
    """CPU time of the run."""
    is_zero_shot: bool = False
    """Whether the answers are zero-shot."""
    num_rejected: int = 0
    """Training examples removed because they repeat a test text."""
    num_examples: int = 0
    """Training examples used."""


@dataclass(frozen=True, slots=True)
class RunStore:
    """Folder of outcomes."""

    folder: Path

    def get(self, key: str) -> Outcome | None:
        """Return an outcome; None if it is missing or damaged."""
        tensors = read_tensors(self._path(key))
        if tensors is None:
            return None
        seconds, is_zero_shot, num_rejected, num_examples = tensors["facts"].tolist()
        return Outcome(
            tensors["tallies"].astype(np.float64), seconds, bool(is_zero_shot), int(num_rejected), int(num_examples)
        )

    def put(self, key: str, outcome: Outcome) -> None:
        """Write an outcome, counts in the smallest exact type."""
        counts = outcome.tallies.astype(np.uint8)
        exact = counts if np.array_equal(counts, outcome.tallies) else outcome.tallies.astype(np.float64)
        facts = np.array(
            [outcome.seconds, outcome.is_zero_shot, outcome.num_rejected, outcome.num_examples], dtype=np.float64
        )
        write_tensors(self._path(key), {"tallies": exact, "facts": facts})

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"
