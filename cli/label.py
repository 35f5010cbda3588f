"""`satiety label`: write a random sample of predicted texts to a CSV file, and import its labels."""

from __future__ import annotations

import csv
import logging
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

from cli.feedback import SHOWN, check_corrections, load_problem, open_traffic, read_corrections
from satiety.core.errors import DataError
from satiety.core.files import write_atomically
from satiety.core.records import LabelRequest
from satiety.package import Register
from satiety.problems.base import is_answer_to
from satiety.promotion import Promote
from satiety.retrain import Retrain
from satiety.retrain.draws import COMPLETE, count_draws, sample_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satiety.core.records import Served

COLUMNS = ("id", "text", "label")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Prefixes of cells that a spreadsheet evaluates as formulas."""
log = logging.getLogger(__name__)


def draw_texts(folder: Path, count: int, path: Path, package: Path, since: datetime | None = None) -> str:
    """Write a random sample of predicted texts to a CSV file with an empty column `label`; return instructions.

    Args:
        folder: folder of the params.yaml.
        count: number of texts.
        path: CSV file.
        package: model package of the predictions.
        since: earliest prediction time, in UTC.

    Raises:
        DataError: no text is left to draw, or the file exists.
        SetupError: the folder is not in a project, or the file cannot be written.
    """
    if path.exists():
        raise DataError(f"{path} exists and may contain labels; give another file with --out")
    traffic, problem = open_traffic(), load_problem(package)
    first = f"{since:%Y-%m-%dT%H:%M:%S}" if since else ""
    records = traffic.read(Register.load(folder / "params.yaml").name)
    answers = [row for row in records if row.time >= first and is_answer_to(row.answer, problem)]
    rows = sample_answers(answers, traffic.draws(), count, SystemRandom())
    if not rows:
        period = f" since {first}" if first else ""
        raise DataError(
            f"label: no predicted text is left to draw in {traffic.folder}{period}; `satiety predict` records more"
        )
    drawn_at = datetime.now(UTC)
    with write_atomically(path) as temporary:
        _write(temporary, rows)
        traffic.draw(
            [
                LabelRequest(row.id, drawn_at.isoformat(timespec="microseconds"), f"{drawn_at:%Y%m%dT%H%M%S.%f}")
                for row in rows
            ]
        )
    if len(rows) < count:
        log.warning("label: %d texts requested, but only %d are left to draw", count, len(rows))
    test_count = round(len(rows) * Retrain.load(folder / "params.yaml").fresh)
    minimum = Promote.load(folder / "params.yaml").min_fresh_examples
    return (
        f"{path}: {len(rows):,} texts drawn at random. Fill in the column label for every text, then run: "
        f"satiety label import {path}\nAbout {test_count:,} of them become test examples (retrain.fresh), the others "
        f"training examples; {minimum:,} test examples can support a promotion (promote.min_fresh_examples)."
    )


def import_labels(folder: Path, file: Path, author: str, package: Path) -> str:
    """Import the labels of a CSV file written by ``draw_texts``; return the progress of each draw.

    Args:
        folder: folder of the params.yaml.
        file: CSV file.
        author: name of the person who labelled.
        package: model package, which defines the valid labels.

    Raises:
        DataError: lists up to five errors; nothing is recorded then.
        SetupError: the folder is not in a project, or the traffic record cannot be written.
    """
    traffic, problem = open_traffic(), load_problem(package)
    corrections, drawn_rows = read_corrections(file, unlabelled=True), traffic.draws()
    unknown = [row for row in corrections if row.id not in drawn_rows]
    if unknown:
        locations = "; ".join(f"{row.location}: id {row.id[:80]!r}" for row in unknown[:SHOWN])
        raise DataError(f"{locations}: not drawn by `satiety label next`; use `satiety feedback` for other predictions")
    answers = {row.id: row for row in traffic.read()}
    if mismatches := [
        row
        for row in corrections
        if row.text and row.id in answers and not _is_same_text(row.text, answers[row.id].text)
    ]:
        locations = ", ".join(row.location for row in mismatches[:SHOWN])
        raise DataError(f"{locations}: text and id do not match; keep both columns unchanged and sort whole rows only")
    rows = check_corrections([row for row in corrections if row.answer_text != ""], answers, problem, author)
    traffic.correct(rows)
    draw_names = {drawn_rows[row.id].draw for row in corrections}
    states = [state for state in count_draws(drawn_rows.values(), traffic.corrections()) if state.name in draw_names]
    minimum = Promote.load(folder / "params.yaml").min_fresh_examples
    lines = [
        f"{state.labelled:,} of {state.size:,} drawn texts have a label"
        + ("" if state.is_complete else f"; the sample is used once {COMPLETE:.0%} have one")
        for state in states
    ]
    lines.append(
        f"They can support a promotion once {minimum:,} of them are test examples (promote.min_fresh_examples)"
    )
    return "\n".join([f"{len(rows):,} labels recorded; the next retraining uses them", *lines])


def _write(path: Path, rows: Sequence[Served]) -> None:
    """Write the CSV file for spreadsheets: with a byte order mark, and formulas quoted."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows((row.id, f"'{row.text}" if row.text.startswith(FORMULA) else row.text, "") for row in rows)


def _is_same_text(cell: str, text: str) -> bool:
    """Return whether a cell is the text, up to a leading quote and white space, which spreadsheets change."""
    return cell.removeprefix("'").split() == text.removeprefix("'").split()
