"""`satiety history`: print every change of the champion, and the error budget left of the test set."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from satiety.core.section import read_yaml
from satiety.package import Register
from satiety.promotion.moves import Move

DIGITS = 8
"""Number of digits of a printed digest."""


def show(folder: Path, format: Literal["table", "jsonl"], console: Console | None = None) -> None:
    """Print the promotion history of the folder's model.

    Raises:
        ParamsError: there is no params.yaml, or it has no model name.
        TrackingError: MLflow does not respond.
    """
    from tasks import history, tracking

    name, client = Register.load(folder / "params.yaml").name, tracking.connect()
    with tracking.translate_errors():
        is_registered = bool(client.search_registered_models(f"name = '{name}'"))
        moves = history.read_moves(client, name) if is_registered else []
        champion = history.find_champion(client, name) if is_registered else None
        tags = client.get_registered_model(name).tags if is_registered else {}
    if format == "jsonl":
        for move in moves:
            sys.stdout.write(json.dumps(asdict(move), ensure_ascii=False) + "\n")
        return
    printer = console or Console(highlight=False)
    printer.print(
        f"{name}: {f'version {champion} is champion' if champion else 'no champion yet'}", style="bold", markup=False
    )
    if comparisons := _describe_comparisons(folder, tags):
        printer.print(comparisons)
    for move in moves:
        printer.print()
        printer.print(_format_heading(move))
        printer.print(Padding(_format_details(move), (0, 0, 0, 4)))


def _describe_comparisons(folder: Path, tags: Mapping[str, str]) -> str:
    """Return how many comparisons have used the current test set, and what is left; "" before it exists."""
    from satiety.core.records import Example, read
    from satiety.promotion.alpha_spending import InterimAnalysis
    from satiety.promotion.reason import format_remaining
    from tasks import comparisons

    paths = {name: path for block in read_yaml(folder / "dvc.yaml").get("vars", []) for name, path in block.items()}
    test = folder / paths.get("test", "")
    if not test.is_file():
        return ""
    comparison = InterimAnalysis(
        comparisons.count_comparisons(tags, comparisons.digest_test_set(list(read(test, Example)))), 0.0
    )
    noun = "comparison" if comparison.number == 1 else "comparisons"
    return f"{comparison.number} {noun} on {paths['test']}; {format_remaining(comparison)}"


def _format_heading(move: Move) -> Text:
    time = move.time[:16].replace("T", " ") or "since then"
    kind = "moved outside satiety" if move.kind == "elsewhere" else move.kind
    return Text.assemble(
        (f"{move.before or 'none'} → {move.after or 'none'}", "bold"), f"  {kind}  ", (f"{time}  {move.author}", "dim")
    )


def _format_details(move: Move) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in (
        ("reason", move.reason),
        ("scores", _format_scores(move.scores)),
        ("data", _format_data(move.data)),
    ):
        if text:
            table.add_row(name, Text(text))
    return table


def _format_scores(scores: Mapping[str, Any]) -> str:
    if not scores:
        return ""
    sides = {name: f"{scores[name]['value']:.3f} {_format_bounds(scores[name])}" for name in ("old", "new")}
    summary = f"{scores['metric']} {sides['old']} → {sides['new']}, difference {_format_gain(scores['difference'])}"
    fresh = f"; on the fresh test set {_format_gain(scores['fresh'])}" if "fresh" in scores else ""
    return f"{summary} at confidence level {scores['confidence_level']:.4g}{fresh}"


def _format_gain(interval: Mapping[str, float]) -> str:
    return f"{interval['value']:+.3f} {_format_bounds(interval, '+')}"


def _format_bounds(interval: Mapping[str, float], sign: str = "") -> str:
    return f"[{interval['low']:{sign}.3f}, {interval['high']:{sign}.3f}]"


def _format_data(data: Mapping[str, str]) -> str:
    digests: Sequence[str] = [f"{name} {value[:DIGITS]}" for name, value in data.items() if name != "revision"]
    code = [f"code {data['revision'][:DIGITS]}"] if "revision" in data else []
    return ", ".join([*digests, *code])
