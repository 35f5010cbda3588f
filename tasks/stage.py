"""Turn a function into a stage: paths from the command line, params from params.yaml, results to a report."""

import argparse
import faulthandler
import inspect
import json
import logging
import os
import resource
import signal
import sys
import time
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock, Timeout

from satiety.core.errors import BusyError, SatietyError
from satiety.core.files import sha256, translate_errors, write_text
from satiety.core.records import count_rows
from satiety.core.section import Section
from satiety.core.settings import project_root
from satiety.core.state import STATE, prepare_site, prepare_state
from satiety.core.state_files import Shape
from tasks.integrity import check_hashes
from tasks.outbox import Run, find_parent, track_run
from tasks.pdeathsig import end_with_parent, watch_parent

REPORTS = Path("reports")
OutputPath = Annotated[Path, "made"]
"""Path that the stage writes; all others are inputs."""
START_FILE = STATE / "run_started"
"""Start time of the current pipeline run; stages with an older timing came from the cache."""
COST: Shape = {"started": int | float, "seconds": int | float, "peak_bytes": int | float}
"""Schema of ``.satiety/timings/<stage>.json``."""
GRACE = 20.0
"""Seconds after SIGTERM within which a stage exits."""


class Report:
    """Results of a stage: written with its params to ``reports/<name>.json``; numbers are also logged to MLflow."""

    def __init__(self, name: str, run: Run) -> None:
        self.values: dict[str, Any] = {}
        self.name, self.run = name, run
        self.callbacks: list[Callable[[], None]] = []

    def add_counts(self, *, records_in: int, records_out: int, quarantined: int = 0) -> None:
        """Add the numbers of records read, written and quarantined; required of every stage."""
        self.values |= {"in": records_in, "out": records_out, "quarantined": quarantined}

    def add(self, **values: Any) -> None:
        """Add results: numbers, texts, or mappings of them, but no times, so that equal inputs give equal reports."""
        self.values |= values

    def log_point(self, name: str, value: float, step: int) -> None:
        """Log one point of a curve to MLflow; DVC plots are written by the stage itself."""
        self.run.log_metric(name, value, step)

    def defer(self, callback: Callable[[], None]) -> None:
        """Register a function to be called after the report is written."""
        self.callbacks.append(callback)

    def log_artifact(self, path: Path) -> None:
        """Log a small file or folder, in its current state, as an MLflow artifact of the run."""
        self.run.log_artifact(path)


class Stage:
    """Wrapper of a function whose positional parameters are paths and whose keyword ``params`` is a section.

    In MLflow, input tables are logged as the run's datasets, the report and plots as its artifacts.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        self.function = function
        hints = typing.get_type_hints(function, include_extras=True)
        self.params: type[Section] = hints["params"]
        self.name = self.params.key()
        parameters = inspect.signature(function).parameters.values()
        self.paths = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
        self.optional = {p.name for p in parameters if p.kind is not p.KEYWORD_ONLY and p.default is None}
        self.outputs = [name for name in self.paths if hints[name] == OutputPath]

    def run(self, **paths: Path) -> Report:
        """Run the function on these paths under the stage's lock; write and return the report.

        Raises:
            BusyError: another process is running the stage in this workspace.
            DataError: an input differs from its MD5 in DVC's records.
        """
        params = self.params.load()
        fields = {
            f"{self.name}.{name}": json.dumps(value, ensure_ascii=False) for name, value in params.model_dump().items()
        }
        description = (inspect.getdoc(self.function) or "").partition("\n")[0]
        with (
            hold_lock(self.name),
            _record_cost(self.name) as cost,
            track_run(self.name, fields, parent=find_parent(self.name), description=description) as run,
        ):
            cost["run"] = run.key
            report = Report(self.name, run)
            check_hashes(path for name, path in paths.items() if name not in self.outputs)
            self._log_inputs(run, paths)
            self.function(**paths, params=params, report=report)
            report_path = REPORTS / f"{report.name}.json"
            values = report.values | {"params": params.model_dump(mode="json")}
            text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
            write_text(report_path, text + "\n")
            for callback in report.callbacks:
                callback()
            run.log_report(report_path)
            for name, path in paths.items():
                if name in self.outputs and path.suffix == ".csv":
                    run.log_artifact(path)
        return report

    def _log_inputs(self, run: Run, paths: Mapping[str, Path]) -> None:
        """Log the input tables; the function itself reports a missing or damaged one."""
        for name, path in paths.items():
            if name not in self.outputs and path.suffix == ".parquet" and path.is_file():
                run.log_input(name, digest=sha256(path), uri=str(path), rows=count_rows(path))

    def cli(self) -> None:
        """Run ``python -m tasks.<stage>``; print a user's error as one line without a traceback."""
        parser = argparse.ArgumentParser(prog=f"python -m tasks.{self.name}", description=inspect.getdoc(self.function))
        for path in self.paths:
            parser.add_argument(f"--{path.replace('_', '-')}", type=Path, required=path not in self.optional)
        arguments = {name: path for name, path in vars(parser.parse_args()).items() if path is not None}
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
        signal.signal(signal.SIGTERM, _exit_on_sigterm)
        if "DVC_STAGE" in os.environ:
            end_with_parent()
            watch_parent(GRACE / 2)
        try:
            self.run(**arguments)
        except SatietyError as error:
            print(error, file=sys.stderr)  # noqa: T201  # as sys.exit does, but with the error's own exit code
            sys.exit(error.code)
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)


stage = Stage


def _exit_on_sigterm(*_: object) -> None:
    """Exit; if a library catches SystemExit or hangs, print a traceback after `GRACE` seconds and exit anyway."""
    faulthandler.dump_traceback_later(GRACE, exit=True)
    sys.exit(128 + signal.SIGTERM)


def begin_pipeline(folder: Path) -> None:
    """Record the start of a pipeline run in this folder; restrict access to the folders of DVC and the stages."""
    prepare_state(folder)
    prepare_site(project_root(folder))
    write_text(folder / START_FILE, f"{time.time()}\n")


@contextmanager
def hold_lock(name: str) -> Iterator[None]:
    """Hold the lock of a stage or a flow; the kernel releases it when the process dies."""
    path = prepare_state() / f"{name}.lock"
    lock = FileLock(path)
    try:
        with translate_errors(path):
            lock.acquire(timeout=0)
            path.write_text(str(os.getpid()))
    except Timeout:
        holder = path.read_text(errors="replace").strip()
        raise BusyError(f"{name} is already running in this workspace (process {holder}); wait for it") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _record_cost(name: str) -> Iterator[dict[str, Any]]:
    """Write seconds, peak bytes and key of this run to `.satiety/timings`, outside the versioned reports."""
    started, clock = time.time(), time.perf_counter()
    notes: dict[str, Any] = {}
    yield notes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    cost = {"started": started, "seconds": round(time.perf_counter() - clock, 3), "peak_bytes": peak} | notes
    write_text(STATE / "timings" / f"{name}.json", json.dumps(cost) + "\n")
