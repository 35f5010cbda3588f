"""What a model was asked and what it answered, kept for those who watch over it; and what people say of its answers.

All are folders of Parquet parts (`satiety.parts`): bounded, whole after any kill, with no lock for writers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from satiety.answers import Answer, dump
from satiety.errors import SetupError
from satiety.ingest.sanitise import mask_salvaged, sanitise_example
from satiety.inputs import Inputs, dump_inputs
from satiety.masking import KINDS
from satiety.parts import Parts
from satiety.problems.base import Prediction, Problem
from satiety.records import Drawn, Example, Feedback, Served
from satiety.settings import Settings, project_root
from satiety.state import PRIVATE, STATE, prepare_state

__all__ = ["FOLDER", "Traffic", "recorded", "served"]

FOLDER = STATE / "traffic"
"""Of a project, where the settings name no other."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """A folder of answered texts; of corrections, and of what was drawn to be labelled, in folders within."""

    folder: Path
    limit: int = 200_000
    """Rows of each that are kept at least, once there are so many; the oldest files beyond go."""
    parts: int = 256
    """Small files of each from which on the older ones are joined."""

    def add(self, rows: Sequence[Served]) -> None:
        """Append answers.

        Raises:
            SetupError: the disk is full, read-only or forbidden; nothing was appended then.
        """
        self._answers().add(rows)

    def read(self, name: str | None = None) -> list[Served]:
        """Return every answer once, in order of arrival, of models of a name or of all.

        What is no whole file is put aside, and the log says so.
        """
        return [row for row in self._answers().read().values() if name is None or row.name == name]

    def correct(self, rows: Sequence[Feedback]) -> None:
        """Append corrections; of an answer that which arrives last counts.

        Raises:
            SetupError: as ``add``.
        """
        self._corrections().add(rows)

    def corrections(self) -> dict[str, Feedback]:
        """Return the latest correction of every answer, by the answer's id, in order of arrival."""
        return self._corrections().read()

    def draw(self, rows: Sequence[Drawn]) -> None:
        """Append answers that were drawn for people to label.

        Raises:
            SetupError: as ``add``.
        """
        self._draws().add(rows)

    def draws(self) -> dict[str, Drawn]:
        """Return every answer that was drawn, by its id, in order of arrival."""
        return self._draws().read()

    def _answers(self) -> Parts[Served]:
        return Parts(self.folder, Served, self.limit, self.parts)

    def _corrections(self) -> Parts[Feedback]:
        return Parts(self.folder / "feedback", Feedback, self.limit, self.parts)

    def _draws(self) -> Parts[Drawn]:
        return Parts(self.folder / "draws", Drawn, self.limit, self.parts)


def recorded(settings: Settings) -> Traffic | None:
    """Return the record: where the settings say, else of the project, if this is one."""
    if settings.traffic:
        with suppress(OSError):  # whoever appends hears of it
            settings.traffic.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        return Traffic(settings.traffic)
    root = project_root()
    if not (root / ".dvc").is_dir():
        return None
    with suppress(SetupError):  # whoever appends hears of it, and a reader can do without
        prepare_state(root)
    return Traffic(root / FOLDER)


def served(
    problem: Problem, asked: Sequence[Example], given: Sequence[Prediction], name: str, model: str, seconds: float
) -> Iterator[Served]:
    """Yield what is kept of a batch that a model answered: sanitised as `ingest` does, without what cannot move along.

    Args:
        problem: that was asked.
        asked: the examples, as they were asked.
        given: one answer to each.
        name: of the registered model.
        model: digest of the package.
        seconds: that the batch took.
    """
    now = datetime.now(UTC).isoformat(timespec="microseconds")  # so that one batch comes after another
    for example, prediction in zip(asked, given, strict=True):
        inputs, answer = _sanitised(example.inputs, prediction.answer, problem.marked)
        yield Served(
            id=uuid.uuid4().hex,
            time=now,
            inputs=dump_inputs(inputs),
            answer=dump(answer),
            confidence=float(prediction.confidence),
            scores=json.dumps(_scores(prediction, answer)),
            latency=seconds / len(asked),
            model=model,
            name=name,
        )


def _scores(prediction: Prediction, kept: Answer | None) -> dict[str, float]:
    """Return the scores of an answer: of mentions, at the places where they stand in what is kept of the text."""
    scores = {name: float(score) for name, score in prediction.scores.items()}
    old, new = (answer.mentions if answer else () for answer in (prediction.answer, kept))
    if len(old) != len(new):  # some could not move along
        return {}
    return {b.place: scores[a.place] for a, b in zip(old, new, strict=True) if a.place in scores} if old else scores


def _sanitised(inputs: Inputs, answer: Answer | None, marked: str) -> tuple[Inputs, Answer | None]:
    try:
        clean = sanitise_example(inputs, answer, marked, KINDS)
    except ValueError:  # what cannot be repaired is kept as far as it can
        texts = {name: mask_salvaged(value, KINDS) for name, value in inputs.items() if isinstance(value, str)}
        return texts, answer.move(()).reword(lambda text: mask_salvaged(text, KINDS)) if answer else None
    return clean.inputs, clean.answer
