"""Training curves, written as CSV files that DVC plots."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from satiety.core.files import write_text


@dataclass(slots=True)
class TrainingCurve:
    """Values of named columns by training step, in order."""

    columns: Sequence[str]
    points: list[dict[str, float]] = field(default_factory=list)

    def add(self, point: Mapping[str, float]) -> None:
        """Append a point: one value per column."""
        self.points.append({name: point[name] for name in self.columns})

    def write(self, path: Path) -> None:
        """Write the points; without points, the header only."""
        buffer = io.StringIO()
        table = csv.DictWriter(buffer, self.columns, lineterminator="\n")
        table.writeheader()
        table.writerows({name: f"{value:.6g}" for name, value in point.items()} for point in self.points)
        write_text(path, buffer.getvalue())
