"""`satiety predict`: predict texts from the command line, a file or stdin, as JSON lines or a table."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from satiety.core.errors import DataError, SatietyError
from satiety.core.inputs import dump_inputs

if TYPE_CHECKING:
    from satiety.core.inputs import Inputs
    from satiety.core.records import Served
    from satiety.package.card import Facts
    from satiety.problems import Prediction, Problem
    from satiety.serving.traffic import Traffic

BATCH = 256
"""Texts per batch, which limits memory and the delay of a stream."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that a terminal interprets: control characters, ANSI codes, text direction marks."""


log = logging.getLogger(__name__)


class Predictor(Protocol):
    """A loaded model package."""

    @property
    def problem(self) -> Problem:
        """Problem of the model."""

    @property
    def digest(self) -> str:
        """Digest of the package."""

    @property
    def threshold(self) -> float | None:
        """The confidence below which a text may belong to no class; None where every text is answered."""

    def facts(self) -> Facts:
        """Return name, data and training facts of the model."""

    def predict(self, inputs: list[str | Inputs]) -> list[Prediction]:
        """Return one prediction per input, in order."""


def read_texts(texts: list[str] | None, file: Path | None) -> Iterator[str]:
    """Return the given texts, the lines of the file, or those of stdin.

    Raises:
        DataError: there are no texts, both texts and a file, or the file is missing or not UTF-8.
    """
    if texts and file:
        raise DataError("predict: give texts or --file, not both")
    if texts:
        return _read(texts, "predict: text ")
    if file:
        return _read_file(file)
    if sys.stdin.isatty():
        raise DataError("predict: no texts; pass them as arguments, by --file or by stdin")
    return _read_stdin()


def predict_texts(
    texts: Iterator[str], folder: Path, format: Literal["jsonl", "table"], output: Path | None = None
) -> None:
    """Load the package, predict in batches, and write to stdout batch by batch, or atomically to a file.

    Raises:
        DataError: `output` is set for a table, or is a folder or a device.
    """
    from satiety import package
    from satiety.core.files import write_atomically
    from satiety.core.settings import Settings
    from satiety.serving.traffic import open_record

    if output and format == "table":
        raise DataError("predict: --format table cannot be written to --out; leave one of them out")
    if output and output.exists() and not output.is_file():
        raise DataError(f"predict: --out: {output} is a folder or a device; give a file")
    settings = Settings()
    model = package.open(folder, settings.device)
    rows = iterate_predictions(model, texts, open_record(settings))
    if format == "table":
        _print_table(model.problem, rows)
        return
    if output:
        with write_atomically(output) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        return
    escaped = "utf" not in str(sys.stdout.encoding).lower()
    for row in rows:
        sys.stdout.write(_escape_controls(json.dumps(row, ensure_ascii=escaped, allow_nan=False)) + "\n")


def iterate_predictions(model: Predictor, texts: Iterator[str], traffic: Traffic | None) -> Iterator[dict[str, Any]]:
    """Yield one row per text: inputs, prediction, confidence, scores of all candidates, prediction id.

    If the problem has several inputs, each text is a JSON object of them. Recording is optional: if it fails, a warning
    is logged once and the remaining rows have no id.
    """
    from satiety.package.example import serialize_prediction
    from satiety.serving.traffic import record_answers

    name = model.facts().name if traffic else ""
    while batch := list(islice(texts, BATCH)):
        examples = model.problem.build_examples(_parse_inputs(model.problem, text) for text in batch)
        start_time = time.perf_counter()
        answers = model.predict([example.inputs for example in examples])
        seconds = time.perf_counter() - start_time
        records = list(record_answers(model.problem, examples, answers, name, model.digest, seconds)) if traffic else []
        if traffic and not _record_predictions(traffic, records):
            traffic, records = None, []
        ids = ({"id": record.id} for record in records)
        for example, prediction in zip(examples, answers, strict=True):
            inputs = json.loads(dump_inputs(example.inputs))
            answer = serialize_prediction(model.problem, example.inputs, prediction, model.threshold)
            scores = {name: round(float(score), 4) for name, score in prediction.scores.items()}
            yield {**inputs, **answer, "scores": scores, **next(ids, {})}


def _parse_inputs(problem: Problem, text: str) -> str | dict[str, Any]:
    """Return a text, or its inputs if the problem has several.

    Raises:
        DataError: the problem has several inputs and the text is not a JSON object.
    """
    if problem.inputs == ("text",) and not problem.list_inputs:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DataError(
            f"predict: {text[:80]!r} is not a JSON object; {problem.kind} needs the inputs {', '.join(problem.inputs)}"
        )
    return value


def _record_predictions(traffic: Traffic, rows: list[Served]) -> bool:
    try:
        traffic.add(rows)
    except (SatietyError, OSError) as error:
        log.warning("%s; predictions are not recorded", error)
        return False
    return True


def _read_stdin() -> Iterator[str]:
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    return _read(sys.stdin, "stdin:")


def _read_file(file: Path) -> Iterator[str]:
    try:
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as lines:
            yield from _read(lines, f"{file}:")
    except OSError as error:
        raise DataError(f"{file}: cannot read: {error.strerror}") from None


def _read(lines: Iterable[str], prefix: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if any("\ud800" <= character <= "\udfff" for character in line):  # surrogates: bytes that are not UTF-8
            raise DataError(f"{prefix}{number}: not UTF-8; convert it to UTF-8")
        yield line.rstrip("\r\n")


def _escape_controls(text: str) -> str:
    """Return the text with control characters escaped as in JSON."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _print_table(problem: Problem, rows: Iterable[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("answer", "confidence", "text"):
        table.add_column(name, overflow="fold", justify="right" if name == "confidence" else "left")
    for row in rows:
        text = " | ".join(str(row[name]) for name in problem.inputs)
        confidence = f"{row['confidence']:.2f}" if problem.has_confidence else ""
        answer = _summarize(row[problem.gold])
        shown = f"none of these ({answer}?)" if row.get("none_of_these") else answer
        table.add_row(escape(_escape_controls(shown)), confidence, escape(_escape_controls(text)))
    Console(highlight=False).print(table)


def _summarize(answer: Any) -> str:
    """Return a short form of an answer: the parts of a list, the text and label of a mention."""
    if isinstance(answer, list):
        return ", ".join(_summarize(part) for part in answer) or "none"
    if isinstance(answer, dict):
        return " ".join(str(answer[name]) for name in ("text", "label") if name in answer)
    return str(answer)
