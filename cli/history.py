"""`satiety history`: every move of the alias champion, who made it and why; and what is left of the test set."""

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

from satiety.package import Register
from satiety.promotion.moves import Move
from satiety.section import read_yaml

DIGITS = 8
"""Of a digest that is shown."""


def show(folder: Path, format: Literal["table", "jsonl"], console: Console | None = None) -> None:
    """Print the history of the model that the folder's params.yaml names.

    Raises:
        ParamsError: there is no params.yaml, or it names no model.
        TrackingError: MLflow does not answer.
    """
    from tasks import history, tracking

    name, client = Register.load(folder / "params.yaml").name, tracking.connect()
    with tracking.reached():
        known = bool(client.search_registered_models(f"name = '{name}'"))
        moves = history.moves(client, name) if known else []
        held = history.held(client, name) if known else None
        tags = client.get_registered_model(name).tags if known else {}
    if format == "jsonl":
        for one in moves:
            sys.stdout.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")
        return
    out = console or Console(highlight=False)
    out.print(f"{name}: {f'version {held} is champion' if held else 'no champion yet'}", style="bold", markup=False)
    out.print(_looks(folder, tags))
    for one in moves:
        out.print()
        out.print(_heading(one))
        out.print(Padding(_details(one), (0, 0, 0, 4)))


def _looks(folder: Path, tags: Mapping[str, str]) -> str:
    """Say how often the test set that is there now was looked at."""
    from satiety.promotion.spending import Look
    from satiety.records import Example, read
    from tasks import looks

    places = {name: path for block in read_yaml(folder / "dvc.yaml").get("vars", []) for name, path in block.items()}
    test = folder / places.get("test", "")
    if not test.is_file():
        return f"{places.get('test', 'the test examples')}: not there, so looks at it are not counted"
    look = Look(looks.taken(tags, looks.set_digest(list(read(test, Example)))), 0.0)
    looked = "look" if look.number == 1 else "looks"
    return f"{look.number} {looked} at {places['test']}; {look.left:.2f} of its alpha is left"


def _heading(one: Move) -> Text:
    when = one.time[:16].replace("T", " ") or "since then"
    what = "moved elsewhere" if one.kind == "elsewhere" else one.kind
    return Text.assemble(
        (f"{one.before or 'none'} → {one.after or 'none'}", "bold"), f"  {what}  ", (f"{when}  {one.who}", "dim")
    )


def _details(one: Move) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in (("why", one.why), ("scores", _scores(one.scores)), ("data", _data(one.data))):
        if said:
            table.add_row(name, Text(said))
    return table


def _scores(scores: Mapping[str, Any]) -> str:
    if not scores:
        return ""
    sides = {name: f"{scores[name]['value']:.3f} {_bounds(scores[name])}" for name in ("old", "new")}
    said = f"{scores['metric']} {sides['old']} → {sides['new']}, difference {_apart(scores['difference'])}"
    fresh = f"; on fresh examples {_apart(scores['fresh'])}" if "fresh" in scores else ""
    return f"{said} at level {scores['level']:.4g}{fresh}"


def _apart(interval: Mapping[str, float]) -> str:
    return f"{interval['value']:+.3f} {_bounds(interval, '+')}"


def _bounds(interval: Mapping[str, float], sign: str = "") -> str:
    return f"[{interval['low']:{sign}.3f}, {interval['high']:{sign}.3f}]"


def _data(data: Mapping[str, str]) -> str:
    named: Sequence[str] = [f"{name} {value[:DIGITS]}" for name, value in data.items() if name != "revision"]
    code = [f"code {data['revision'][:DIGITS]}"] if "revision" in data else []
    return ", ".join([*named, *code])
