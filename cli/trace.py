"""`satiety trace`: print the model, data, levers and nearest training examples of a prediction."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.feedback import open_traffic

if TYPE_CHECKING:
    from satiety.serving.nearest_examples import NearestNeighbors
    from tasks.trace import PredictionTrace

DIGITS = 12
"""Number of digits of a printed digest."""


def show(folder: Path, id: str, nearest: int, format: Literal["text", "json"], console: Console | None = None) -> None:
    """Print the trace of a prediction.

    Raises:
        SetupError: the folder is not in a project, so there is no traffic record.
        DataError: no prediction with that id is recorded.
        ModelError: the model of the prediction no longer exists.
    """
    from tasks.trace import trace_prediction

    prediction_trace = trace_prediction(open_traffic(), id, folder, nearest)
    if format == "json":
        sys.stdout.write(json.dumps(prediction_trace.to_dict(), ensure_ascii=False, indent=2) + "\n")
        return
    printer = console or Console(highlight=False)
    printer.print(_tabulate_trace(prediction_trace))
    for neighbors in prediction_trace.neighbors:
        printer.print()
        printer.print(
            Text.assemble(
                ("Nearest training examples to ", "bold"), f"{neighbors.text[:60]!r}, {neighbors.answer_text}"
            )
        )
        printer.print(_tabulate_neighbors(neighbors))
        printer.print(f"{sum(row.agrees for row in neighbors.rows)} of {len(neighbors.rows)} have the predicted label")


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
        yield "nearest examples", trace.missing


def _tabulate_neighbors(neighbors: "NearestNeighbors") -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("similarity", "label", "source", "text"):
        table.add_column(name, justify="right" if name == "similarity" else "left", overflow="fold")
    for row in neighbors.rows:
        mark = "" if row.agrees else " (differs)"
        table.add_row(f"{row.similarity:.3f}", Text(row.gold + mark), Text(row.source), Text(row.text[:200]))
    return table
