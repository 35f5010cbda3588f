"""`satiety feedback`: record corrections from the command line or a file, all of them or none."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from satiety.core.answers import Answer, dump
from satiety.core.errors import DataError, ModelError, SetupError
from satiety.core.inputs import Inputs
from satiety.core.records import Feedback, Served
from satiety.core.section import suggest
from satiety.core.settings import Settings
from satiety.ingest.sanitise import mask_salvaged
from satiety.package.verify import describe_missing
from satiety.problems.base import Problem
from satiety.serving.traffic import Traffic, open_record
from satiety.text.masking import KINDS

SHOWN = 5
"""Maximum number of errors in one message."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction as entered by a user."""

    location: str
    id: str
    answer_text: Any
    """Correct answer in the format of a labelled source: a label, or spans as JSON: ``[[start, end, label], …]``."""
    text: str | None = None
    """The labelled text, if the file contains it."""


def record_corrections(id: str | None, label: str | None, file: Path | None, author: str, package: Path) -> str:
    """Validate the corrections against the recorded predictions, then append them; return a message.

    Raises:
        DataError: lists up to five errors; nothing is recorded then.
        SetupError: the folder is not in a project, or the traffic record cannot be written.
    """
    corrections, traffic = _collect_corrections(id, label, file), open_traffic()
    problem = load_problem(package)
    rows = check_corrections(corrections, {row.id: row for row in traffic.read()}, problem, author)
    traffic.correct(rows)
    return f"{len(rows):,} {'correction' if len(rows) == 1 else 'corrections'} recorded; the next retraining uses them"


def load_problem(package: Path) -> Problem:
    """Return the problem of a model package; raise ModelError if there is no package."""
    if not package.is_dir():
        raise ModelError(describe_missing(package))
    return Problem.load(package / "model" / "problem.json")


def open_traffic() -> Traffic:
    """Return the record of predictions; raise SetupError outside a project."""
    traffic = open_record(Settings())
    if traffic is None:
        cause = "not in a project, so no predictions are recorded"
        raise SetupError(f"{Path.cwd()}: {cause}; change to a project, or set SATIETY_TRAFFIC")
    return traffic


def _collect_corrections(id: str | None, label: str | None, file: Path | None) -> list[Correction]:
    if file is not None and (id is not None or label is not None):
        raise DataError("feedback: give ID and LABEL, or --file, not both")
    if file is not None:
        return read_corrections(file)
    if id is None or label is None:
        raise DataError("feedback: give a prediction ID and its correct LABEL, or a --file with columns id,label")
    return [Correction("feedback", id, label)]


def read_corrections(file: Path, *, unlabelled: bool = False) -> list[Correction]:
    """Return the rows of a CSV or JSON-lines file with columns id and label.

    Args:
        file: path of the file.
        unlabelled: whether empty labels are allowed.

    Raises:
        DataError: the file cannot be read, or a row has no id or label.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{file}: cannot read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    rows = list(_read_objects(file, text) if file.suffix in (".jsonl", ".json") else _read_cells(file, text))
    blanks = (None,) if unlabelled else (None, "")
    incomplete = [number for number, row in rows if row.get("id") in (None, "") or row.get("label") in blanks]
    if incomplete or not rows:
        listing = ", ".join(incomplete[:SHOWN]) or "the file"
        raise DataError(f"{file}: {listing}: no id or no label; fill in both columns, id and label")
    return [Correction(f"{file}:{number}", str(row["id"]), row["label"], row.get("text")) for number, row in rows]


def _read_objects(file: Path, text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{file}:{number}: not JSON ({error}); write one object per line") from None
        if not isinstance(row, dict):
            raise DataError(f'{file}:{number}: not a JSON object; write {{"id": …, "label": …}}')
        yield str(number), row


def _read_cells(file: Path, text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    lines = text.splitlines(keepends=True)
    delimiter = max(",;\t", key=(lines or [""])[0].count)  # spreadsheets choose it by locale
    reader = csv.DictReader(lines, delimiter=delimiter)
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    try:
        for row in reader:
            if None in row:
                raise DataError(f"{file}:{reader.line_num}: more cells than the header")
            if any(row.values()):  # spreadsheets append empty rows
                yield str(reader.line_num), row
    except csv.Error as error:
        raise DataError(f"{file}:{reader.line_num}: not CSV: {error}") from None


def check_corrections(
    corrections: list[Correction], answers: Mapping[str, Served], problem: Problem, author: str
) -> list[Feedback]:
    """Return the corrections as they are recorded.

    Raises:
        DataError: lists up to five errors.
    """
    timestamp = datetime.now(UTC).isoformat(timespec="microseconds")
    rows, mistakes, labels = list[Feedback](), list[str](), dict[str, Any]()
    for correction in corrections:
        if labels.setdefault(correction.id, correction.answer_text) != correction.answer_text:
            mistakes.append(f"{correction.location}: id {correction.id[:80]!r}: conflicts with an earlier label")
            continue
        if correction.id not in answers:
            unknown = f"{correction.location}: id {correction.id[:80]!r}: no such prediction is recorded"
            mistakes.append(f"{unknown}; {suggest(correction.id, answers)}".rstrip("; "))
            continue
        try:
            answer = _parse_answer(problem, answers[correction.id].named_inputs, correction.answer_text)
            rows.append(Feedback(correction.id, timestamp, dump(answer), mask_salvaged(author, KINDS)))
        except ValueError as error:
            mistakes.append(f"{correction.location}: {error}")
    if mistakes:
        overflow = [f"and {len(mistakes) - SHOWN} more"] if len(mistakes) > SHOWN else []
        raise DataError("\n".join([*mistakes[:SHOWN], *overflow]))
    return rows


def _parse_answer(problem: Problem, inputs: Inputs, value: Any) -> Answer:
    """Return the correct answer, renamed and masked as by `ingest`; raise ValueError if it is invalid."""
    try:
        answer = problem.parse_feedback(value).rename(lambda label: _normalize_label(problem, label))
    except TypeError as error:
        raise ValueError(f"{problem.gold} {str(value)[:80]!r}: {error}") from None
    answer = answer.reword(lambda text: mask_salvaged(text, KINDS))
    problem.check(inputs, answer)
    return answer


def _normalize_label(problem: Problem, label: str) -> str:
    return label if label in problem.label_set else mask_salvaged(label, KINDS).strip()
