"""Traffic log, or a table of texts -> the newest distinct texts, as the window of the monitor.

Texts are sanitised and deduplicated as in `ingest`, so that they are comparable with the test examples (the log is
sanitised when it is written). Rows that `ingest` rejects are excluded, and so are values that are not strings, such as
ids and nulls.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
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
from satiety.problems import Prediction
from satiety.problems.base import is_answer_to
from satiety.report.render import join, write
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
"""Reader of a table by its file extension; the texts are in the column `text`."""


@dataclass(frozen=True, slots=True)
class ExcludedRows:
    """Rows of a table without a usable text."""

    rows: int
    total: int
    """Rows of the table, without blank lines."""
    reasons: Mapping[str, int]
    """Number of rows by reason, most frequent first."""
    example: str
    """Place and detail of the first row with the most frequent reason; personal data is masked."""

    def describe(self) -> dict[str, str]:
        """Return a summary in English and Chinese."""
        reasons = join([write("verdict.reason", reason=reason, n=count) for reason, count in self.reasons.items()])
        return write("verdict.left out", rows=self.rows, of=self.total, reasons=reasons, example=self.example)


@dataclass(frozen=True, slots=True)
class TrafficWindow:
    """Inputs of the window, newest last."""

    inputs: Sequence[Inputs]
    source: str
    answers: dict[int, tuple[str, Prediction]] = field(default_factory=dict)
    """Digest of the answering package and its prediction, by index, if the log has all scores."""
    gold: dict[int, Example] = field(default_factory=dict)
    """Corrected examples, by index."""
    since: str | None = None
    """ISO 8601, UTC."""
    until: str | None = None
    excluded: ExcludedRows | None = None
    """Excluded rows of a table; None if there are none."""

    def answers_of(self, digest: str) -> dict[int, Prediction]:
        """Return the predictions of one package, by index."""
        return {index: prediction for index, (model, prediction) in self.answers.items() if model == digest}


def read_traffic(traffic: Traffic, count: int, problem: Problem, name: str) -> TrafficWindow:
    """Return the newest texts, at most ``count``, that models of this name answered for this problem."""
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
    """Return the logged prediction; None if the log lacks scores of its labels or mentions."""
    answer, scores = load(row.answer), json.loads(row.scores)
    scored = [mention.offsets for mention in answer.mentions] or answer.labels if answer else ()
    if not {*scored} <= {*scores}:
        return None
    return Prediction(answer, row.confidence, scores)


def read_table(path: Path, count: int, problem: Problem, limits: Limits) -> TrafficWindow:
    """Return the last inputs of a table, at most ``count``, with personal data masked.

    Raises:
        DataError: the file is missing, has an unknown format, or contains no usable text.
    """
    if path.suffix.lower() not in FORMATS:
        raise DataError(f"{path}: unknown format; supported: {', '.join(FORMATS)}")
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

    commonest, excluded = dict(reasons.most_common()), None
    if commonest:
        excluded = ExcludedRows(reasons.total(), rows, commonest, first_examples[next(iter(commonest))])
    if not unique_inputs:
        reason = excluded.describe()["en"] if excluded else "it has no rows"
        raise DataError(f"{path}: contains no usable text; {reason}")
    return TrafficWindow(list(unique_inputs.values())[-count:], str(path), excluded=excluded)


def _check_types(row: Row, problem: Problem) -> Row:
    """Return the row, rejected if an input is not a string (`ingest` converts numbers to text)."""
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
