"""The record of what was asked, or a table of texts -> the newest texts, for a model to look at.

Both are sanitised as `ingest` does it, the record when it was written, and of equal texts one is taken, for so were the
test examples: `&amp;` would be news else, and whatever is asked twice. What `ingest` refuses of a table is left out,
and so is what is no string: an id or a null would be judged as what people wrote.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.core.answers import load
from satiety.core.errors import DataError
from satiety.core.inputs import Inputs, content_id
from satiety.core.records import Example, Rejection, Served
from satiety.ingest.base import READERS, Row
from satiety.ingest.clean import Cleaner
from satiety.ingest.load import read_rows
from satiety.ingest.values import NumberLiteral
from satiety.monitor.excluded_rows import ExcludedRows
from satiety.problems import Prediction
from satiety.problems.base import is_answer_to
from satiety.text.masking import KINDS

if TYPE_CHECKING:
    from satiety.ingest.base import Limits
    from satiety.problems import Problem
    from satiety.serving.traffic import Traffic

FORMATS: dict[str, dict[str, Any]] = {
    ".csv": {"kind": "csv", "delimiter": ",", "quote": '"', "header": True},
    ".tsv": {"kind": "csv", "delimiter": "\t", "quote": '"', "header": True},
    ".jsonl": {"kind": "jsonl"},
    ".parquet": {"kind": "parquet"},
    ".txt": {"kind": "text", "label": None},
}
"""How a table is read, by the end of its name; its texts stand in the column `text`."""


@dataclass(frozen=True, slots=True)
class TrafficWindow:
    """What was asked, the newest last."""

    inputs: Sequence[Inputs]
    source: str
    answers: dict[int, tuple[str, Prediction]] = field(default_factory=dict)
    """What was answered, by its place, after the digest of the package that did: where it is on record as a whole."""
    gold: dict[int, Example] = field(default_factory=dict)
    """What people said of the answer to one of them, by its place."""
    since: str | None = None
    """ISO 8601, UTC."""
    until: str | None = None
    excluded: ExcludedRows | None = None
    """Rows of a table that held no text; None where all did."""

    def answers_of(self, digest: str) -> dict[int, Prediction]:
        """Return the answers of one package, by their places."""
        return {place: prediction for place, (model, prediction) in self.answers.items() if model == digest}


def read_traffic(traffic: Traffic, count: int, problem: Problem, name: str) -> TrafficWindow:
    """Return the newest texts that models of a name answered to a problem, at most ``count``."""
    corrections = traffic.corrections()
    newest: dict[str, Served] = {}
    for row in reversed(traffic.read(name)):
        if is_answer_to(row.answer, problem):
            newest.setdefault(content_id(row.named_inputs), row)
    rows = list(newest.values())[:count][::-1]
    answers = {
        index: (row.model, prediction) for index, row in enumerate(rows) if (prediction := _build_prediction(row))
    }
    gold = {}
    for index, row in enumerate(rows):
        if row.id in corrections and is_answer_to(corrections[row.id].answer, problem):
            gold[index] = Example(row.id, row.named_inputs, load(corrections[row.id].answer))
    ends = (rows[0].time, rows[-1].time) if rows else (None, None)
    return TrafficWindow([row.named_inputs for row in rows], "traffic", answers, gold, *ends)


def _build_prediction(row: Served) -> Prediction | None:
    """Return what was answered; None where the scores of its labels or mentions are not on record."""
    answer, scores = load(row.answer), json.loads(row.scores)
    scored = [mention.offsets for mention in answer.mentions] or answer.labels if answer else ()
    if not {*scored} <= {*scores}:
        return None
    return Prediction(answer, row.confidence, scores)


def read_table(path: Path, count: int, problem: Problem, limits: Limits) -> TrafficWindow:
    """Return the last inputs of a table, at most ``count``; personal data in them is masked.

    Raises:
        DataError: it cannot be read, or is of no known format, or none of its rows holds a text.
    """
    if path.suffix.lower() not in FORMATS:
        raise DataError(f"{path}: of no known format; there are: {', '.join(FORMATS)}")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    reader_params = dict(FORMATS[path.suffix.lower()])
    reader = READERS[reader_params.pop("kind")].model_validate(reader_params)
    columns = {name: name for name in problem.inputs if name not in reader.provided_columns}
    cleaner, unique_inputs = Cleaner(problem, limits, KINDS, labelled=False), dict[str, Inputs]()
    rows, reasons, first_examples = 0, Counter[str](), dict[str, str]()
    for row in read_rows(reader, path, columns, limits, KINDS):
        rows += 1
        record = cleaner.clean(path.name, _check_types(row, problem)).record
        if isinstance(record, Rejection):
            reasons[record.reason] += 1
            first_examples.setdefault(record.reason, f"{record.source}: {record.detail}")
        elif isinstance(record, Example):
            unique_inputs[record.id] = record.inputs
    excluded = _count_excluded(reasons, first_examples, rows)
    if not unique_inputs:
        reason = excluded.describe()["en"] if excluded else "it has no rows"
        raise DataError(f"{path}: holds no text that can be read; {reason}")
    return TrafficWindow(list(unique_inputs.values())[-count:], str(path), excluded=excluded)


def _check_types(row: Row, problem: Problem) -> Row:
    """Return the row, refused where a text is a number or the like, which `ingest` takes for text."""
    for name in problem.inputs:
        value = row.values.get(name)
        is_valid = isinstance(value, list if name in problem.list_inputs else str) and not isinstance(
            value, NumberLiteral
        )
        if value is not None and not is_valid:
            return Row(
                row.place, reason="type", detail=f"{name} is of type {type(value).__name__.lower()}, not a string"
            )
    return row


def _count_excluded(reasons: Counter[str], first_examples: dict[str, str], rows: int) -> ExcludedRows | None:
    commonest = dict(reasons.most_common())
    return ExcludedRows(reasons.total(), rows, commonest, first_examples[next(iter(commonest))]) if commonest else None
