"""Results of cells on disk, by key: what one run computed, another finds, whatever became of the first.

A result is one small safetensors file, put in place whole, with a digest: a kill leaves every finished cell, and what
the disk damages is computed anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.core.checksums import read_tensors, write_tensors

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
    is_zero_shot: bool = False
    """Whether these are answers without training."""
    num_rejected: int = 0
    """Examples that the gate kept out."""
    num_examples: int = 0
    """Examples learned from."""


@dataclass(frozen=True, slots=True)
class RunStore:
    """A folder of results."""

    folder: Path

    def get(self, key: str) -> Outcome | None:
        """Return a result, or None where there is none that is whole."""
        tensors = read_tensors(self._path(key))
        if tensors is None:
            return None
        seconds, is_zero_shot, num_rejected, num_examples = tensors["facts"].tolist()
        return Outcome(
            tensors["tallies"].astype(np.float64), seconds, bool(is_zero_shot), int(num_rejected), int(num_examples)
        )

    def put(self, key: str, outcome: Outcome) -> None:
        """Keep a result."""
        facts = np.array(
            [outcome.seconds, outcome.is_zero_shot, outcome.num_rejected, outcome.num_examples], dtype=np.float64
        )
        write_tensors(self._path(key), {"tallies": _narrow(outcome.tallies), "facts": facts})

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"


def _narrow(tallies: Floats) -> NDArray[Any]:
    """Return counts in the narrowest type that holds them all."""
    counts = tallies.astype(np.uint8)
    return counts if np.array_equal(counts, tallies) else tallies.astype(np.float64)
