"""Simulate the year; write year.json and its pages, and print a table.

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

from examples.year import project_copy
from examples.year.page import page
from examples.year.plan import FILE, Year
from examples.year.server import prefect
from examples.year.simulation import Month, iterate_months, summarize_year
from satiety.core.errors import SatietyError
from satiety.core.files import write_text
from satiety.core.project import read_project
from satiety.core.section import PARAMS_FILE, read_yaml
from satiety.core.settings import project_root
from satiety.core.state import STATE, prepare_state
from satiety.ingest import Ingest

HERE = Path("examples/year")


def main() -> None:
    """Make the copy, simulate the year in it, and write the report and its pages."""
    parser = argparse.ArgumentParser(description="Twelve months of a world that moves, with Satiety and without.")
    parser.add_argument("--plan", type=Path, default=FILE, help="another year.yaml")
    parser.add_argument("--folder", type=Path, default=HERE / STATE / "copy", help="where the copy lives")
    parser.add_argument("--out", type=Path, default=HERE, help="where year.json and the pages go")
    arguments = parser.parse_args()
    project_copy.isolate_environment()
    prepare_state(HERE)
    year, output, console = Year.read(arguments.plan), arguments.out.resolve(), Console(highlight=False)
    months = _run_year(year, arguments.folder.resolve(), console)
    report = json.loads(json.dumps(summarize_year(year, months)))
    write_text(output / "year.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    write_text(output / "year.html", page(report, "en"))
    write_text(output / "year.zh.html", page(report, "zh"))
    console.print(make_table(months))
    console.print(f"The estimate was off by {report['error']:.3f} on average. The page: {output / 'year.html'}")


def _run_year(year: Year, folder: Path, console: Console) -> Sequence[Month]:
    root, start, months = project_root(), time.monotonic(), list[Month]()
    console.print(f"The year is lived in {folder}, with the last commit's code.")
    params = project_copy.override_params(read_yaml(root / PARAMS_FILE), year.params)
    defaults = read_project(root / PARAMS_FILE, params)
    ingest = Ingest.check(root / PARAMS_FILE, params["ingest"], keys=("ingest",), defaults=defaults)
    examples, pool = project_copy.divide_labels(ingest, root / "data" / "raw", year.seed)
    copy = project_copy.clone(root, folder)
    project_copy.write_inputs(copy, params, examples)
    project_copy.first_champion(copy)
    console.print(f"{time.monotonic() - start:5.0f} s  the first champion is made")
    with prefect(folder.with_name("prefect")) as environment:
        for month in iterate_months(project_copy.ProjectCopy(folder, environment), year, pool):
            months.append(month)
            console.print(f"{time.monotonic() - start:5.0f} s  month {month.world.month}: {month.verdict}")
    return months


def make_table(months: Sequence[Month]) -> Table:
    """Return the year as a table."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("month", "planted", "verdict", "estimate", "with", "without", "retraining"):
        table.add_column(name, justify="right" if name in ("month", "with", "without") else "left")
    for month in months:
        estimate = "{value:.3f} [{low:.3f}, {high:.3f}]".format(**month.estimate)
        true = [f"{line['value']:.3f}" for line in (month.true.champion, month.true.first)]
        retraining = f"{month.retraining.decision} ({month.retraining.trigger})" if month.retraining else ""
        table.add_row(
            str(month.world.month), ", ".join(month.world.planted), month.verdict, estimate, *true, retraining
        )
    return table


if __name__ == "__main__":
    try:
        main()
    except SatietyError as error:
        sys.exit(str(error))
