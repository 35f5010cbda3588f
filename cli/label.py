"""`satiety label`: a random sample of answered texts into a CSV for people to label, and their labels back."""

from __future__ import annotations

import csv
import logging
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

from cli.feedback import SHOWN, check_corrections, read_corrections
from satiety.errors import DataError, SetupError
from satiety.files import replacing
from satiety.package import Register
from satiety.problems.base import Problem, fits
from satiety.promotion import Promote
from satiety.records import Drawn
from satiety.retrain import Retrain
from satiety.retrain.draws import COMPLETE, draws, sample
from satiety.settings import Settings
from satiety.traffic import Traffic, recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satiety.records import Served

COLUMNS = ("id", "text", "label")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""
log = logging.getLogger(__name__)


def draw_texts(folder: Path, count: int, out: Path, package: Path, since: datetime | None = None) -> str:
    """Write answered texts, drawn at random, to a CSV with an empty column `label`; return what to do with it.

    Args:
        folder: of the project.
        count: how many.
        out: the CSV.
        package: whose answers they are.
        since: only what was answered from then on, in UTC.

    Raises:
        DataError: nothing is left to draw, or ``out`` is there already.
        SetupError: there is no record here, or the file cannot be written.
    """
    if out.exists():
        raise DataError(f"{out}: is there already, perhaps with labels in it; name another file with --out")
    traffic, problem = _record(), Problem.load(package / "model" / "problem.json")
    first = f"{since:%Y-%m-%dT%H:%M:%S}" if since else ""
    every = traffic.read(Register.load(folder / "params.yaml").name)
    answers = [row for row in every if row.time >= first and fits(row.answer, problem)]
    rows = sample(answers, traffic.draws(), count, SystemRandom())
    if not rows:
        after = f" since {first}" if first else ""
        raise DataError(
            f"label: no answered text is left to draw in {traffic.folder}{after}; `satiety predict` records them"
        )
    now = datetime.now(UTC)
    with replacing(out) as temporary:
        _write(temporary, rows)
        traffic.draw([Drawn(row.id, now.isoformat(timespec="microseconds"), f"{now:%Y%m%dT%H%M%S.%f}") for row in rows])
    if len(rows) < count:
        log.warning("label: %d texts were asked for, but %d are left to draw", count, len(rows))
    tested = round(len(rows) * Retrain.load(folder / "params.yaml").fresh)
    needed = Promote.load(folder / "params.yaml").fresh_least
    return (
        f"{out}: {len(rows):,} texts drawn at random. Fill in the column label, of every text, then: satiety label "
        f"import {out}\nAbout {tested:,} of them will test a challenger (retrain.fresh), the others teach it; from "
        f"{needed:,} on (promote.fresh_least) they may promote it."
    )


def import_labels(folder: Path, file: Path, by: str, package: Path) -> str:
    """Record the labels of a CSV that ``draw_texts`` wrote; return how far each draw is labelled.

    Args:
        folder: of the project.
        file: the CSV.
        by: who labelled.
        package: of whose problem the labels are.

    Raises:
        DataError: names what is wrong with each row, at most five; nothing is recorded then.
        SetupError: there is no record here, or it cannot be written.
    """
    traffic, problem = _record(), Problem.load(package / "model" / "problem.json")
    given, drawn = read_corrections(file, unlabelled=True), traffic.draws()
    strangers = [row for row in given if row.id not in drawn]
    if strangers:
        named = "; ".join(f"{row.where}: id {row.id[:80]!r}" for row in strangers[:SHOWN])
        raise DataError(
            f"{named}: of no draw; `satiety label next` draws texts, other labels go in by `satiety feedback`"
        )
    answers = {row.id: row for row in traffic.read()}
    if moved := [row for row in given if row.text and row.id in answers and not _same(row.text, answers[row.id].text)]:
        named = ", ".join(row.where for row in moved[:SHOWN])
        raise DataError(f"{named}: not the text of that id; sort whole rows, and leave id and text as they are")
    rows = check_corrections([row for row in given if row.right != ""], answers, problem, by)
    traffic.correct(rows)
    touched = {drawn[row.id].draw for row in given}
    states = [one for one in draws(drawn.values(), traffic.corrections()) if one.name in touched]
    needed = Promote.load(folder / "params.yaml").fresh_least
    lines = [f"{one.labelled:,} of {one.size:,} drawn texts have a label{_counts(one.complete)}" for one in states]
    lines.append(f"They may promote a model once {needed:,} of them test it (promote.fresh_least)")
    return "\n".join([f"{len(rows):,} labels recorded; the next retraining takes them", *lines])


def _record() -> Traffic:
    traffic = recorded(Settings())
    if traffic is None:
        raise SetupError("label: no project here, so no record; run this inside one, or set SATIETY_TRAFFIC")
    return traffic


def _write(path: Path, rows: Sequence[Served]) -> None:
    """Write the texts with a byte order mark, for spreadsheets; a cell that they would compute is quoted."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows((row.id, f"'{row.text}" if row.text.startswith(FORMULA) else row.text, "") for row in rows)


def _same(cell: str, text: str) -> bool:
    """Return whether a cell is the text, whatever a spreadsheet did to its first sign and to its line ends."""
    return cell.removeprefix("'").split() == text.removeprefix("'").split()


def _counts(complete: bool) -> str:
    return "" if complete else f"; the draw counts once {COMPLETE:.0%} have one"
