"""What a model was asked and what it answered, kept for those who watch over it; and what people say of its answers.

All are folders of Parquet parts (`satiety.core.record_log`): bounded, whole after any kill, with no lock for writers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from satiety.core.answers import Answer, dump
from satiety.core.errors import SetupError
from satiety.core.inputs import Inputs, dump_inputs
from satiety.core.record_log import RecordLog
from satiety.core.records import Example, Feedback, LabelRequest, Served
from satiety.core.settings import Settings, project_root
from satiety.core.state import PRIVATE, STATE, prepare_state
from satiety.ingest.sanitise import mask_salvaged, sanitise_example
from satiety.problems.base import Prediction, Problem
from satiety.text.masking import KINDS

__all__ = ["FOLDER", "Traffic", "open_record", "record_answers"]

FOLDER = STATE / "traffic"
"""Of a project, where the settings name no other."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """A folder of answered texts; of corrections, and of what was drawn to be labelled, in folders within."""

    folder: Path
    limit: int = 200_000
    """Rows of each that are kept at least, once there are so many; the oldest files beyond go."""
    max_segments: int = 256
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

    def draw(self, rows: Sequence[LabelRequest]) -> None:
        """Append answers that were drawn for people to label.

        Raises:
            SetupError: as ``add``.
        """
        self._draws().add(rows)

    def draws(self) -> dict[str, LabelRequest]:
        """Return every answer that was drawn, by its id, in order of arrival."""
        return self._draws().read()

    def _answers(self) -> RecordLog[Served]:
        return RecordLog(self.folder, Served, self.limit, self.max_segments)

    def _corrections(self) -> RecordLog[Feedback]:
        return RecordLog(self.folder / "feedback", Feedback, self.limit, self.max_segments)

    def _draws(self) -> RecordLog[LabelRequest]:
        return RecordLog(self.folder / "draws", LabelRequest, self.limit, self.max_segments)


def open_record(settings: Settings) -> Traffic | None:
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


def record_answers(
    problem: Problem,
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    name: str,
    model: str,
    seconds: float,
) -> Iterator[Served]:
    """Yield what is kept of a batch that a model answered: sanitised as `ingest` does, without what cannot move along.

    Args:
        problem: that was asked.
        examples: the examples, as they were asked.
        predictions: one answer to each.
        name: of the registered model.
        model: digest of the package.
        seconds: that the batch took.
    """
    time = datetime.now(UTC).isoformat(timespec="microseconds")  # so that one batch comes after another
    for example, prediction in zip(examples, predictions, strict=True):
        inputs, answer = _sanitise(example.inputs, prediction.answer, problem.span_input)
        yield Served(
            id=uuid.uuid4().hex,
            time=time,
            inputs=dump_inputs(inputs),
            answer=dump(answer),
            confidence=float(prediction.confidence),
            scores=json.dumps(_move_scores(prediction, answer)),
            latency=seconds / len(examples),
            model=model,
            name=name,
        )


def _move_scores(prediction: Prediction, masked: Answer | None) -> dict[str, float]:
    """Return the scores of an answer: of mentions, at the places where they stand in what is kept of the text."""
    scores = {name: float(score) for name, score in prediction.scores.items()}
    originals, targets = (answer.mentions if answer else () for answer in (prediction.answer, masked))
    if len(originals) != len(targets):  # some could not move along
        return {}
    return (
        {b.offsets: scores[a.offsets] for a, b in zip(originals, targets, strict=True) if a.offsets in scores}
        if originals
        else scores
    )


def _sanitise(inputs: Inputs, answer: Answer | None, marked: str) -> tuple[Inputs, Answer | None]:
    try:
        clean = sanitise_example(inputs, answer, marked, KINDS)
    except ValueError:  # what cannot be repaired is kept as far as it can
        texts = {name: mask_salvaged(value, KINDS) for name, value in inputs.items() if isinstance(value, str)}
        return texts, answer.move(()).reword(lambda text: mask_salvaged(text, KINDS)) if answer else None
    return clean.inputs, clean.answer
