"""Live the year; write year.json, its pages, and a table into the terminal.

python -m examples.year [--plan year.yaml] [--folder FOLDER] [--out examples/year]
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from examples.year import place
from examples.year.living import Month, live, told
from examples.year.page import page
from examples.year.plan import FILE, Year
from examples.year.server import prefect
from satiety.core.errors import SatietyError
from satiety.core.files import write_text
from satiety.core.project import read_project
from satiety.core.section import PARAMS_FILE, read_yaml
from satiety.core.settings import project_root
from satiety.core.state import STATE, prepare_state
from satiety.ingest import Ingest

HERE = Path("examples/year")


def main() -> None:
    """Make the copy, live in it, and tell."""
    parser = argparse.ArgumentParser(description="Twelve months of a world that moves, with Satiety and without.")
    parser.add_argument("--plan", type=Path, default=FILE, help="another year.yaml")
    parser.add_argument("--folder", type=Path, default=HERE / STATE / "copy", help="where the copy lives")
    parser.add_argument("--out", type=Path, default=HERE, help="where year.json and the pages go")
    asked = parser.parse_args()
    place.alone()
    prepare_state(HERE)
    year, out, console = Year.read(asked.plan), asked.out.resolve(), Console(highlight=False)
    found = _lived(year, asked.folder.resolve(), console)
    report = json.loads(json.dumps(told(year, found)))
    write_text(out / "year.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    write_text(out / "year.html", page(report, "en"))
    write_text(out / "year.zh.html", page(report, "zh"))
    console.print(table(found))
    console.print(f"The estimate was off by {report['error']:.3f} on average. The page: {out / 'year.html'}")


def _lived(year: Year, folder: Path, console: Console) -> Sequence[Month]:
    root, begun, months = project_root(), time.monotonic(), list[Month]()
    console.print(f"The year is lived in {folder}, with the last commit's code.")
    params = place.changed(read_yaml(root / PARAMS_FILE), year.params)
    given = read_project(root / PARAMS_FILE, params)
    ingest = Ingest.check(root / PARAMS_FILE, params["ingest"], keys=("ingest",), defaults=given)
    examples, pool = place.divided(ingest, root / "data" / "raw", year.seed)
    copy = place.clone(root, folder)
    place.settle(copy, params, examples)
    place.first_champion(copy)
    console.print(f"{time.monotonic() - begun:5.0f} s  the first champion is made")
    with prefect(folder.with_name("prefect")) as around:
        for month in live(place.Copy(folder, around), year, pool):
            months.append(month)
            console.print(f"{time.monotonic() - begun:5.0f} s  month {month.world.month}: {month.verdict}")
    return months


def table(months: Sequence[Month]) -> Table:
    """Return the year as a table."""
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("month", "planted", "verdict", "estimate", "with", "without", "retraining"):
        found.add_column(name, justify="right" if name in ("month", "with", "without") else "left")
    for one in months:
        said = "{value:.3f} [{low:.3f}, {high:.3f}]".format(**one.estimate)
        true = [f"{line['value']:.3f}" for line in (one.true.champion, one.true.first)]
        done = f"{one.retraining.decision} ({one.retraining.asked_by})" if one.retraining else ""
        found.add_row(str(one.world.month), ", ".join(one.world.planted), one.verdict, said, *true, done)
    return found


if __name__ == "__main__":
    try:
        main()
    except SatietyError as error:
        sys.exit(str(error))
