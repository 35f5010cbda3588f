"""What people say of answers, from the command line or a file -> corrections beside the record, all right or none."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from satiety.answers import Answer, dump
from satiety.errors import DataError, SetupError
from satiety.ingest.sanitise import mask_salvaged
from satiety.inputs import Inputs
from satiety.masking import KINDS
from satiety.problems.base import Problem
from satiety.records import Feedback, Served
from satiety.section import nearest

SHOWN = 5
"""Mistakes that one message names, at most."""


@dataclass(frozen=True, slots=True)
class Said:
    """One correction as somebody gave it."""

    where: str
    id: str
    right: Any
    """The right answer as a labelled source has it: a label; or, as JSON, spans: ``[[start, end, label], …]``."""
    text: str | None = None
    """What was labelled, where the file has it."""


def correct(id: str | None, label: str | None, file: Path | None, by: str, package: Path) -> str:
    """Check the corrections against record and problem, then append them; return a line saying so.

    Raises:
        DataError: names what is wrong with each, at most five; nothing is appended then.
        SetupError: there is no record here, or it cannot be written.
    """
    from satiety.settings import Settings
    from satiety.traffic import recorded

    given = _given(id, label, file)
    traffic = recorded(Settings())
    if traffic is None:
        raise SetupError("feedback: no project here, so no record; run this inside one, or set SATIETY_TRAFFIC")
    problem = Problem.load(package / "model" / "problem.json")
    rows = check_corrections(given, {row.id: row for row in traffic.read()}, problem, by)
    traffic.correct(rows)
    return f"{len(rows):,} {'correction' if len(rows) == 1 else 'corrections'} recorded; the next retraining takes them"


def _given(id: str | None, label: str | None, file: Path | None) -> list[Said]:
    if file is not None and (id is not None or label is not None):
        raise DataError("feedback: give ID and LABEL, or --file, not both")
    if file is not None:
        return read_corrections(file)
    if id is None or label is None:
        raise DataError("feedback: give the ID of an answer and its right LABEL, or a --file with columns id,label")
    return [Said("feedback", id, label)]


def read_corrections(file: Path, *, unlabelled: bool = False) -> list[Said]:
    """Return the rows of a CSV or JSON-lines file with columns id and label.

    Args:
        file: what to read.
        unlabelled: whether a label may be empty.

    Raises:
        DataError: it cannot be read, or a row has no id or no label.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{file}: cannot read it: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    rows = list(_objects(file, text) if file.suffix in (".jsonl", ".json") else _cells(file, text))
    needed = (None,) if unlabelled else (None, "")
    lacking = [where for where, row in rows if row.get("id") in (None, "") or row.get("label") in needed]
    if lacking or not rows:
        shown = ", ".join(lacking[:SHOWN]) or "the file"
        raise DataError(f"{file}: {shown}: no id, or no label; it needs both columns, id and label")
    return [Said(f"{file}:{where}", str(row["id"]), row["label"], row.get("text")) for where, row in rows]


def _objects(file: Path, text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{file}:{number}: not JSON ({error}); write one object a line") from None
        if not isinstance(row, dict):
            raise DataError(f"{file}:{number}: not an object; write {{'id': …, 'label': …}}")
        yield str(number), row


def _cells(file: Path, text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    lines = text.splitlines(keepends=True)
    delimiter = max(",;\t", key=(lines or [""])[0].count)  # a spreadsheet's is a matter of its country
    reader = csv.DictReader(lines, delimiter=delimiter)
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    try:
        for row in reader:
            if None in row:
                raise DataError(f"{file}:{reader.line_num}: more cells than the header has")
            if any(row.values()):  # spreadsheets leave empty rows at the end
                yield str(reader.line_num), row
    except csv.Error as error:
        raise DataError(f"{file}:{reader.line_num}: not CSV: {error}") from None


def check_corrections(given: list[Said], answers: Mapping[str, Served], problem: Problem, by: str) -> list[Feedback]:
    """Return the corrections as the record keeps them.

    Raises:
        DataError: names what is wrong with each, at most five.
    """
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    rows, wrong, labels = list[Feedback](), list[str](), dict[str, Any]()
    for said in given:
        if labels.setdefault(said.id, said.right) != said.right:
            wrong.append(f"{said.where}: id {said.id[:80]!r}: it has another label above")
            continue
        if said.id not in answers:
            unknown = f"{said.where}: id {said.id[:80]!r}: the record has no such answer"
            wrong.append(f"{unknown}; {nearest(said.id, answers)}".rstrip("; "))
            continue
        try:
            right = _answer(problem, answers[said.id].asked, said.right)
            rows.append(Feedback(said.id, now, dump(right), mask_salvaged(by, KINDS)))
        except ValueError as error:
            wrong.append(f"{said.where}: {error}")
    if wrong:
        more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise DataError("\n".join([*wrong[:SHOWN], *more]))
    return rows


def _answer(problem: Problem, inputs: Inputs, given: Any) -> Answer:
    """Return the right answer, named and masked as `ingest` would; raise ValueError where the problem has no such."""
    try:
        answer = problem.said(given).rename(lambda label: _named(problem, label))
    except TypeError as error:
        raise ValueError(f"{problem.gold} {str(given)[:80]!r}: {error}") from None
    answer = answer.reword(lambda text: mask_salvaged(text, KINDS))
    problem.check(inputs, answer)
    return answer


def _named(problem: Problem, label: str) -> str:
    return label if label in problem.listed else mask_salvaged(label, KINDS).strip()
