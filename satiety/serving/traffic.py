"""Traffic log: a model's inputs and answers, people's corrections, and random samples to label.

Each is a folder of Parquet parts (`satiety.core.record_log`) of bounded size, crash-safe and without write locks.
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
"""Default folder of the log in a project."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Folder of answers, with subfolders of corrections and of random samples to label."""

    folder: Path
    limit: int = 200_000
    """Rows kept of each; the oldest files beyond are deleted."""
    max_segments: int = 256
    """Number of files of each that triggers merging the older ones."""

    def add(self, rows: Sequence[Served]) -> None:
        """Append answers.

        Raises:
            SetupError: the disk is full, read-only or not writable; nothing is appended.
        """
        self._answers().add(rows)

    def read(self, name: str | None = None) -> list[Served]:
        """Return all answers, or those of one model name, in order of arrival.

        Damaged files are moved aside with a warning.
        """
        return [row for row in self._answers().read().values() if name is None or row.name == name]

    def correct(self, rows: Sequence[Feedback]) -> None:
        """Append corrections; the last correction of an answer counts.

        Raises:
            SetupError: as ``add``.
        """
        self._corrections().add(rows)

    def corrections(self) -> dict[str, Feedback]:
        """Return the last correction of each answer, by id of the answer, in order of arrival."""
        return self._corrections().read()

    def draw(self, rows: Sequence[LabelRequest]) -> None:
        """Append answers of a random sample to label.

        Raises:
            SetupError: as ``add``.
        """
        self._draws().add(rows)

    def draws(self) -> dict[str, LabelRequest]:
        """Return the answers of all random samples, by id, in order of arrival."""
        return self._draws().read()

    def _answers(self) -> RecordLog[Served]:
        return RecordLog(self.folder, Served, self.limit, self.max_segments)

    def _corrections(self) -> RecordLog[Feedback]:
        return RecordLog(self.folder / "feedback", Feedback, self.limit, self.max_segments)

    def _draws(self) -> RecordLog[LabelRequest]:
        return RecordLog(self.folder / "draws", LabelRequest, self.limit, self.max_segments)


def open_record(settings: Settings) -> Traffic | None:
    """Return the log of the settings, else of the project; None outside a project."""
    if settings.traffic:
        with suppress(OSError):  # `add` reports it
            settings.traffic.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        return Traffic(settings.traffic)
    root = project_root()
    if not (root / ".dvc").is_dir():
        return None
    with suppress(SetupError):  # `add` reports it; reading works without the folder
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
    """Yield the log rows of a batch, sanitised as in `ingest`; entities that masking removes are dropped.

    Args:
        problem: the problem of the model.
        examples: the original inputs.
        predictions: prediction for each example.
        name: name of the registered model.
        model: digest of the package.
        seconds: duration of the batch in seconds.
    """
    time = datetime.now(UTC).isoformat(timespec="microseconds")  # microseconds keep batches in order
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
    """Return the scores of an answer; entity scores get their offsets in the sanitised text."""
    scores = {name: float(score) for name, score in prediction.scores.items()}
    originals, targets = (answer.mentions if answer else () for answer in (prediction.answer, masked))
    if len(originals) != len(targets):  # sanitising removed some
        return {}
    return (
        {b.offsets: scores[a.offsets] for a, b in zip(originals, targets, strict=True) if a.offsets in scores}
        if originals
        else scores
    )


def _sanitise(inputs: Inputs, answer: Answer | None, marked: str) -> tuple[Inputs, Answer | None]:
    try:
        clean = sanitise_example(inputs, answer, marked, KINDS)
    except ValueError:  # irreparable text: mask the salvageable part
        texts = {name: mask_salvaged(value, KINDS) for name, value in inputs.items() if isinstance(value, str)}
        return texts, answer.move(()).reword(lambda text: mask_salvaged(text, KINDS)) if answer else None
    return clean.inputs, clean.answer
