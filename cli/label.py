"""`satiety label`: a random sample of answered texts into a CSV for people to label, and their labels back."""

from __future__ import annotations

import csv
import logging
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

from cli.feedback import SHOWN, check_corrections, read_corrections
from satiety.core.errors import DataError, SetupError
from satiety.core.files import write_atomically
from satiety.core.records import LabelRequest
from satiety.core.settings import Settings
from satiety.package import Register
from satiety.problems.base import Problem, is_answer_to
from satiety.promotion import Promote
from satiety.retrain import Retrain
from satiety.retrain.draws import COMPLETE, count_draws, sample_answers
from satiety.serving.traffic import Traffic, open_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satiety.core.records import Served

COLUMNS = ("id", "text", "label")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""
log = logging.getLogger(__name__)


def draw_texts(folder: Path, count: int, path: Path, package: Path, since: datetime | None = None) -> str:
    """Write answered texts, drawn at random, to a CSV with an empty column `label`; return what to do with it.

    Args:
        folder: of the project.
        count: how many.
        path: the CSV.
        package: whose answers they are.
        since: only what was answered from then on, in UTC.

    Raises:
        DataError: nothing is left to draw, or ``out`` is there already.
        SetupError: there is no record here, or the file cannot be written.
    """
    if path.exists():
        raise DataError(f"{path}: is there already, perhaps with labels in it; name another file with --out")
    traffic, problem = _open_traffic(), Problem.load(package / "model" / "problem.json")
    first = f"{since:%Y-%m-%dT%H:%M:%S}" if since else ""
    records = traffic.read(Register.load(folder / "params.yaml").name)
    answers = [row for row in records if row.time >= first and is_answer_to(row.answer, problem)]
    rows = sample_answers(answers, traffic.draws(), count, SystemRandom())
    if not rows:
        period = f" since {first}" if first else ""
        raise DataError(
            f"label: no answered text is left to draw in {traffic.folder}{period}; `satiety predict` records them"
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
        log.warning("label: %d texts were asked for, but %d are left to draw", count, len(rows))
    test_count = round(len(rows) * Retrain.load(folder / "params.yaml").fresh)
    minimum = Promote.load(folder / "params.yaml").min_fresh_examples
    return (
        f"{path}: {len(rows):,} texts drawn at random. Fill in the column label, of every text, then: satiety label "
        f"import {path}\nAbout {test_count:,} of them will test a challenger (retrain.fresh), the others teach it; "
        "from "
        f"{minimum:,} on (promote.min_fresh_examples) they may promote it."
    )


def import_labels(folder: Path, file: Path, author: str, package: Path) -> str:
    """Record the labels of a CSV that ``draw_texts`` wrote; return how far each draw is labelled.

    Args:
        folder: of the project.
        file: the CSV.
        author: who labelled.
        package: of whose problem the labels are.

    Raises:
        DataError: names what is wrong with each row, at most five; nothing is recorded then.
        SetupError: there is no record here, or it cannot be written.
    """
    traffic, problem = _open_traffic(), Problem.load(package / "model" / "problem.json")
    corrections, drawn_rows = read_corrections(file, unlabelled=True), traffic.draws()
    unknown = [row for row in corrections if row.id not in drawn_rows]
    if unknown:
        locations = "; ".join(f"{row.location}: id {row.id[:80]!r}" for row in unknown[:SHOWN])
        raise DataError(
            f"{locations}: of no draw; `satiety label next` draws texts, other labels go in by `satiety feedback`"
        )
    answers = {row.id: row for row in traffic.read()}
    if mismatches := [
        row
        for row in corrections
        if row.text and row.id in answers and not _is_same_text(row.text, answers[row.id].text)
    ]:
        locations = ", ".join(row.location for row in mismatches[:SHOWN])
        raise DataError(f"{locations}: not the text of that id; sort whole rows, and leave id and text as they are")
    rows = check_corrections([row for row in corrections if row.answer_text != ""], answers, problem, author)
    traffic.correct(rows)
    draw_names = {drawn_rows[row.id].draw for row in corrections}
    states = [state for state in count_draws(drawn_rows.values(), traffic.corrections()) if state.name in draw_names]
    minimum = Promote.load(folder / "params.yaml").min_fresh_examples
    lines = [
        f"{state.labelled:,} of {state.size:,} drawn texts have a label{_describe_completeness(state.is_complete)}"
        for state in states
    ]
    lines.append(f"They may promote a model once {minimum:,} of them test it (promote.min_fresh_examples)")
    return "\n".join([f"{len(rows):,} labels recorded; the next retraining takes them", *lines])


def _open_traffic() -> Traffic:
    traffic = open_record(Settings())
    if traffic is None:
        raise SetupError("label: no project here, so no record; run this inside one, or set SATIETY_TRAFFIC")
    return traffic


def _write(path: Path, rows: Sequence[Served]) -> None:
    """Write the texts with a byte order mark, for spreadsheets; a cell that they would compute is quoted."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows((row.id, f"'{row.text}" if row.text.startswith(FORMULA) else row.text, "") for row in rows)


def _is_same_text(cell: str, text: str) -> bool:
    """Return whether a cell is the text, whatever a spreadsheet did to its first sign and to its line ends."""
    return cell.removeprefix("'").split() == text.removeprefix("'").split()


def _describe_completeness(complete: bool) -> str:
    return "" if complete else f"; the draw counts once {COMPLETE:.0%} have one"
