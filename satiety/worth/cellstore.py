"""Results of cells on disk, by key: what one run computed, another finds, whatever became of the first.

A result is one small safetensors file, put in place whole: a kill leaves every finished cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from satiety.files import replacing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a cell gave."""

    tallies: Floats
    """On the test examples, shape (examples, counts)."""
    seconds: float
    """It took, on one core or on the GPU."""
    zero_shot: bool = False
    """Whether these are answers without training."""
    refused: int = 0
    """Examples that the gate kept out."""
    used: int = 0
    """Examples learned from."""


@dataclass(frozen=True, slots=True)
class CellStore:
    """A folder of results."""

    folder: Path

    def get(self, key: str) -> Outcome | None:
        """Return a result, or None where there is none that can be read."""
        try:
            found = load_file(self._path(key))
            seconds, zero_shot, refused, used = found["facts"].tolist()
            return Outcome(found["tallies"].astype(np.float64), seconds, bool(zero_shot), int(refused), int(used))
        except (OSError, SafetensorError, KeyError, ValueError):
            return None

    def put(self, key: str, outcome: Outcome) -> None:
        """Keep a result."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = np.array([outcome.seconds, outcome.zero_shot, outcome.refused, outcome.used], dtype=np.float64)
        with replacing(path) as temporary:
            save_file({"tallies": np.ascontiguousarray(_small(outcome.tallies)), "facts": facts}, temporary)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"


def _small(tallies: Floats) -> NDArray[Any]:
    """Return counts in the narrowest type that holds them all."""
    whole = tallies.astype(np.uint8)
    return whole if np.array_equal(whole, tallies) else tallies.astype(np.float64)
