"""Texts from the command line, a file or stdin -> the packaged model's answers, as JSON lines or a table."""

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
"""Texts answered at a time: bounds memory, and lets a stream be answered while it comes."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it: control characters, ANSI codes, changes of direction."""


log = logging.getLogger(__name__)


class Predictor(Protocol):
    """What answers."""

    @property
    def problem(self) -> Problem:
        """What it is asked."""

    @property
    def digest(self) -> str:
        """Which model it is."""

    def facts(self) -> Facts:
        """Return where it comes from."""

    def predict(self, inputs: list[str | Inputs]) -> list[Prediction]:
        """Return an answer to each of the inputs, in order."""


def read_texts(texts: list[str] | None, file: Path | None) -> Iterator[str]:
    """Return the texts: those given, or a file's lines, or stdin's where something is piped in.

    Raises:
        DataError: no text at all, both ways at once, or a file that is missing or not UTF-8.
    """
    if texts and file:
        raise DataError("predict: give texts or --file, not both")
    if texts:
        return _read(texts, "predict: text ")
    if file:
        return _read_file(file)
    if sys.stdin.isatty():
        raise DataError("predict: no text; write it after the command, name a --file, or pipe lines in")
    return _read_stdin()


def answer_texts(
    texts: Iterator[str], folder: Path, format: Literal["jsonl", "table"], output: Path | None = None
) -> None:
    """Load the package, answer batch by batch, and write to stdout as the answers come, or all of them into a file.

    Raises:
        DataError: a table is asked for in a file, or what is at ``out`` is none.
    """
    from satiety import package
    from satiety.core.files import write_atomically
    from satiety.core.settings import Settings
    from satiety.serving.traffic import open_record

    if output and format == "table":
        raise DataError("predict: a table is to look at; leave --format or --out off")
    if output and output.exists() and not output.is_file():
        raise DataError(f"predict: --out: {output} is a folder or a device, and stays; name a file")
    settings = Settings()
    model = package.open(folder, settings.device)
    rows = iterate_answers(model, texts, open_record(settings))
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


def iterate_answers(model: Predictor, texts: Iterator[str], traffic: Traffic | None) -> Iterator[dict[str, Any]]:
    """Yield a row per text: the inputs, the answer, its confidence, the score of each possible answer, the answer's id.

    Where the problem has several inputs, a text is a JSON object of them. No answer fails for its record: where that
    cannot be kept, this is said once, and answers have no id.
    """
    from satiety.serving.traffic import record_answers

    name = model.facts().name if traffic else ""
    while batch := list(islice(texts, BATCH)):
        examples = model.problem.build_examples(_parse_inputs(model.problem, text) for text in batch)
        start_time = time.perf_counter()
        answers = model.predict([example.inputs for example in examples])
        seconds = time.perf_counter() - start_time
        records = list(record_answers(model.problem, examples, answers, name, model.digest, seconds)) if traffic else []
        if traffic and not _record_answers(traffic, records):
            traffic, records = None, []
        ids = ({"id": record.id} for record in records)
        for example, prediction in zip(examples, answers, strict=True):
            inputs = json.loads(dump_inputs(example.inputs))
            yield {**inputs, **_format_prediction(model.problem, example.inputs, prediction), **next(ids, {})}


def _parse_inputs(problem: Problem, text: str) -> str | dict[str, Any]:
    """Return a text, or the inputs that it holds as a JSON object.

    Raises:
        DataError: it should be such an object and is none.
    """
    if problem.inputs == ("text",) and not problem.list_inputs:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DataError(
            f"predict: {text[:80]!r} is no JSON object; {problem.kind} asks for: {', '.join(problem.inputs)}"
        )
    return value


def _record_answers(traffic: Traffic, rows: list[Served]) -> bool:
    try:
        traffic.add(rows)
    except (SatietyError, OSError) as error:
        log.warning("%s; what is answered is not recorded", error)
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
        raise DataError(f"{file}: cannot read it: {error.strerror}") from None


def _read(lines: Iterable[str], prefix: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if any("\ud800" <= character <= "\udfff" for character in line):  # how Python carries bytes it cannot read
            raise DataError(f"{prefix}{number}: not UTF-8; give it as UTF-8")
        yield line.rstrip("\r\n")


def _escape_controls(text: str) -> str:
    """Return the text with what a terminal would obey written as JSON writes it."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _format_prediction(problem: Problem, inputs: Inputs, prediction: Prediction) -> dict[str, Any]:
    from satiety.package.example import serialize_prediction

    scores = {name: round(float(score), 4) for name, score in prediction.scores.items()}
    return {**serialize_prediction(problem, inputs, prediction), "scores": scores}


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
        table.add_row(
            escape(_escape_controls(_summarize(row[problem.gold]))), confidence, escape(_escape_controls(text))
        )
    Console(highlight=False).print(table)


def _summarize(answer: Any) -> str:
    """Return an answer in a few words: of a list its parts, of a mention its text and label."""
    if isinstance(answer, list):
        return ", ".join(_summarize(part) for part in answer) or "nothing found"
    if isinstance(answer, dict):
        return " ".join(str(answer[name]) for name in ("text", "label") if name in answer)
    return str(answer)
