"""`satiety receipt`: an answer -> the model, data, levers and training examples it rests on, to read or as JSON."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from satiety.errors import SetupError

if TYPE_CHECKING:
    from satiety.support import Support
    from tasks.receipt import Receipt

DIGITS = 12
"""Of a digest that is shown."""


def show(folder: Path, id: str, nearest: int, format: Literal["text", "json"], console: Console | None = None) -> None:
    """Print the receipt of an answer.

    Raises:
        SetupError: nothing is recorded here.
        DataError: nothing of that id is on record.
        ModelError: the model that answered is gone.
    """
    from satiety.settings import Settings
    from satiety.traffic import recorded
    from tasks.receipt import receipt

    traffic = recorded(Settings())
    if traffic is None:
        raise SetupError(f"{folder}: no project here, so no answer is on record; go to one, or set SATIETY_TRAFFIC")
    found = receipt(traffic, id, folder, nearest)
    if format == "json":
        sys.stdout.write(json.dumps(found.plain(), ensure_ascii=False, indent=2) + "\n")
        return
    out = console or Console(highlight=False)
    out.print(_table(found))
    for one in found.supports:
        out.print()
        out.print(Text.assemble(("Nearest training examples to ", "bold"), f"{one.about[:60]!r}, {one.said}"))
        out.print(_rows(one))
        out.print(f"{sum(row.agrees for row in one.rows)} of {len(one.rows)} have the label that was answered")


def _table(found: "Receipt") -> Table:
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in _lines(found):
        table.add_row(name, Text(said))
    return table


def _lines(found: "Receipt") -> Iterator[tuple[str, str]]:
    from satiety.answers import load
    from satiety.problems import PROBLEMS
    from tasks.receipt import told_levers

    served, facts = found.served, found.facts
    yield "text", served.text
    sure = (
        f", confidence {served.confidence:.2f}" if PROBLEMS[facts.params["ingest"]["problem"]["kind"]].confident else ""
    )
    yield "answer", f"{load(served.answer)}{sure}, {served.time[:19].replace('T', ' ')} UTC"
    version = f"version {found.version}" if found.version else "not in the registry"
    yield "model", f"{found.name}, {version}{', champion' if found.champion else ''}, digest {served.model[:DIGITS]}"
    yield "data", ", ".join(f"{name} {value[:DIGITS]}" for name, value in facts.data.items())
    yield "", f"{facts.trained:,} labelled examples, languages {', '.join(facts.languages) or 'unknown'}"
    yield "code", f"git revision {facts.revision}"
    yield from told_levers(found.levers())
    if found.missing:
        yield "support", found.missing


def _rows(one: "Support") -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("similarity", "label", "source", "text"):
        table.add_column(name, justify="right" if name == "similarity" else "left", overflow="fold")
    for row in one.rows:
        mark = "" if row.agrees else " (differs)"
        table.add_row(f"{row.similarity:.3f}", Text(row.gold + mark), Text(row.source), Text(row.text[:200]))
    return table
