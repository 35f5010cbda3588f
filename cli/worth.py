"""`satiety worth`: have DVC run the meter where anything it rests on changed, then show what it says."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.child import run_child
from flows.dvc import DVC, python
from flows.overrides import recover
from satiety.errors import SatietyError, SetupError
from satiety.worth.page import sanity_checks
from tasks.stage import REPORTS

PAGE = REPORTS / "worth.html"
STOPPED = {-signal.SIGTERM, 128 + signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGINT}
"""What DVC ends with when it is told to stop."""


def measure(folder: Path, console: Console | None = None) -> None:
    """Run stage `worth` with all it needs; print the findings and where the page is.

    Raises:
        SetupError: the folder holds no dvc.yaml.
        SatietyError: a stage failed; DVC has said why.
    """
    if not (folder / "dvc.yaml").is_file():
        raise SetupError(f"{folder}: holds no dvc.yaml; run from the project's root, or `satiety workspace` first")
    recover(folder)
    command = python("tasks.leash", str(os.getpid()), *DVC, "repro", "worth")
    code = run_child(command, folder)
    if code in STOPPED:
        raise SatietyError("worth: stopped; what was evaluated is kept, the next run goes on from there")
    if code:
        raise SatietyError("worth: not measured; the lines above say why")
    told: dict[str, Any] = json.loads((folder / REPORTS / "worth.json").read_text(encoding="utf-8"))
    out = console or Console(highlight=False)
    for part in (
        told["headline"]["en"],
        "",
        *([table(told), ""] if told["levers"] else []),
        known(told),
        f"Next: {told['next']['sentence']['en']}",
        f"The page: {PAGE}",
    ):
        out.print(part, markup=False) if isinstance(part, str) else out.print(part)


def known(told: Mapping[str, Any]) -> str:
    """Return how many levers of known worth were read right, so that nobody takes the rest for surer than it is."""
    right = sanity_checks(told)
    if not right:
        return "Known answers: none measured; mind what is said here"
    return f"Known answers: {sum(right)} of {len(right)} read right{'' if all(right) else '; mind what is said here'}"


def table(told: Mapping[str, Any]) -> Table:
    """Return what every lever set is worth at the largest budget."""
    top = max(told["budgets"])
    found = Table(
        title=f"At {top:,} labels",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for number, name in enumerate(("lever", "gain", f"{told['level']:.0%} interval", "worth in labels", "verdict")):
        side = "right" if number in (1, 2) else "left"
        found.add_column(name, justify=side, no_wrap=number in (1, 2), overflow="fold")  # type: ignore[arg-type]
    for one in told["levers"]:
        if one["budget"] == top:
            gain = one["gain"]
            bounds = rf"\[{gain['low']:+.3f}, {gain['high']:+.3f}]"
            said = one["verdict"] + (f"; {one['refused']:,} texts refused" if one.get("refused") else "")
            found.add_row(one["lever"], f"{gain['value']:+.3f}", bounds, labels(one["labels"], top), said)
    return found


def labels(worth: Mapping[str, float | None], top: int) -> str:
    """Return a number of labels with its interval, as words where it lies beyond what was measured."""
    value, low, high = (worth[name] for name in ("value", "low", "high"))
    said = f"more than {top:,}" if value is None else f"{value:,.0f}"
    ends = [f"> {top:,}" if end is None else f"{end:,.0f}" for end in (low, high)]
    return rf"{said} \[{ends[0]}, {ends[1]}]"
