"""What a model was asked and what it answered, kept for those who watch over it; and what people say of its answers.

Both are folders of Parquet parts (`satiety.parts`): bounded, whole after any kill, with no lock for writers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from satiety.evaluate.answers import write as told
from satiety.masking import KINDS, mask, mask_spans
from satiety.parts import ABANDONED, Parts
from satiety.problems.base import Prediction
from satiety.records import Feedback, Served, Span
from satiety.settings import Settings, project_root

__all__ = ["ABANDONED", "FOLDER", "Traffic", "recorded", "served"]

FOLDER = Path(".satiety/traffic")
"""Of a project, where the settings name no other."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """A folder of answered texts, and of corrections in a folder within."""

    folder: Path
    limit: int = 200_000
    """Rows of each that are kept at least, once there are so many; the oldest files beyond go."""
    parts: int = 256
    """Small files of each from which on the older ones are made one."""

    def add(self, rows: Sequence[Served]) -> None:
        """Append answers.

        Raises:
            SetupError: the disk is full, read-only or forbidden; nothing was appended then.
        """
        self._answers().add(rows)

    def read(self, name: str | None = None) -> list[Served]:
        """Return every answer once, in order of time, of models of a name or of all.

        What is no whole file is left out, and said.
        """
        return [row for row in self._answers().read().values() if name is None or row.name == name]

    def correct(self, rows: Sequence[Feedback]) -> None:
        """Append corrections; the latest of an answer counts.

        Raises:
            SetupError: as ``add``.
        """
        self._corrections().add(rows)

    def corrections(self) -> dict[str, Feedback]:
        """Return the latest correction of every answer, by the answer's id, in order of time."""
        return self._corrections().read()

    def _answers(self) -> Parts[Served]:
        return Parts(self.folder, Served, self.limit, self.parts)

    def _corrections(self) -> Parts[Feedback]:
        return Parts(self.folder / "feedback", Feedback, self.limit, self.parts)


def recorded(settings: Settings) -> Traffic | None:
    """Return the record: where the settings say, else of the project, if this is one."""
    root = project_root()
    folder = settings.traffic or (root / FOLDER if (root / ".dvc").is_dir() else None)
    return Traffic(folder) if folder else None


def served(
    texts: Sequence[str], answers: Sequence[Prediction], name: str, model: str, seconds: float
) -> Iterator[Served]:
    """Yield what is kept of a batch that a model answered: no personal data, and no span that holds a part of some.

    Args:
        texts: as they were asked.
        answers: one per text.
        name: of the registered model.
        model: digest of the package.
        seconds: that the batch took.
    """
    now = datetime.now(UTC).isoformat(timespec="microseconds")  # so that one batch comes after another
    for text, answer in zip(texts, answers, strict=True):
        yield Served(
            id=uuid.uuid4().hex,
            time=now,
            text=mask(text, KINDS)[0],
            answer=told(Prediction(answer.label, tuple(_moved(text, answer.spans)))),
            confidence=float(answer.confidence),
            scores=json.dumps({name: float(score) for name, score in answer.scores.items()} if answer.label else {}),
            latency=seconds / len(texts),
            model=model,
            name=name,
        )


def _moved(text: str, spans: Sequence[Span]) -> Iterator[Span]:
    for span in spans:
        with suppress(ValueError):  # it cuts what is masked
            yield from mask_spans(text, (span,), KINDS)[1]
