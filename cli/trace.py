"""`satiety receipt`: an answer -> the model, data, levers and training examples it rests on, to read or as JSON."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from satiety.core.errors import SetupError

if TYPE_CHECKING:
    from satiety.serving.nearest_examples import NearestNeighbors
    from tasks.trace import PredictionTrace

DIGITS = 12
"""Of a digest that is shown."""


def show(folder: Path, id: str, nearest: int, format: Literal["text", "json"], console: Console | None = None) -> None:
    """Print the receipt of an answer.

    Raises:
        SetupError: nothing is recorded here.
        DataError: nothing of that id is on record.
        ModelError: the model that answered is gone.
    """
    from satiety.core.settings import Settings
    from satiety.serving.traffic import open_record
    from tasks.trace import trace_prediction

    traffic = open_record(Settings())
    if traffic is None:
        raise SetupError(f"{folder}: no project here, so no answer is on record; go to one, or set SATIETY_TRAFFIC")
    answer_trace = trace_prediction(traffic, id, folder, nearest)
    if format == "json":
        sys.stdout.write(json.dumps(answer_trace.to_dict(), ensure_ascii=False, indent=2) + "\n")
        return
    printer = console or Console(highlight=False)
    printer.print(_tabulate_trace(answer_trace))
    for neighbors in answer_trace.neighbors:
        printer.print()
        printer.print(
            Text.assemble(
                ("Nearest training examples to ", "bold"), f"{neighbors.text[:60]!r}, {neighbors.answer_text}"
            )
        )
        printer.print(_tabulate_neighbors(neighbors))
        printer.print(
            f"{sum(row.agrees for row in neighbors.rows)} of {len(neighbors.rows)} have the label that was answered"
        )


def _tabulate_trace(trace: "PredictionTrace") -> Table:
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _describe_trace(trace):
        table.add_row(name, Text(text))
    return table


def _describe_trace(trace: "PredictionTrace") -> Iterator[tuple[str, str]]:
    from satiety.core.answers import load
    from satiety.problems import PROBLEMS
    from tasks.trace import describe_levers

    served, facts = trace.served, trace.facts
    yield "text", served.text
    confidence = (
        f", confidence {served.confidence:.2f}"
        if PROBLEMS[facts.params["ingest"]["problem"]["kind"]].has_confidence
        else ""
    )
    yield "answer", f"{load(served.answer)}{confidence}, {served.time[:19].replace('T', ' ')} UTC"
    version = f"version {trace.version}" if trace.version else "not in the registry"
    yield "model", f"{trace.name}, {version}{', champion' if trace.is_champion else ''}, digest {served.model[:DIGITS]}"
    yield "data", ", ".join(f"{name} {value[:DIGITS]}" for name, value in facts.data.items())
    yield "", f"{facts.trained:,} labelled examples, languages {', '.join(facts.languages) or 'unknown'}"
    yield "code", f"git revision {facts.revision}"
    yield from describe_levers(trace.get_levers())
    if trace.missing:
        yield "support", trace.missing


def _tabulate_neighbors(neighbors: "NearestNeighbors") -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("similarity", "label", "source", "text"):
        table.add_column(name, justify="right" if name == "similarity" else "left", overflow="fold")
    for row in neighbors.rows:
        mark = "" if row.agrees else " (differs)"
        table.add_row(f"{row.similarity:.3f}", Text(row.gold + mark), Text(row.source), Text(row.text[:200]))
    return table
