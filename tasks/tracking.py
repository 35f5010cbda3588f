"""The only writer to MLflow: one run per stage that really ran.

A stage never talks to MLflow itself. It spools what it measured, a JSON line each, to a file of its own under
``.satiety/spool/``; ``deliver`` replays finished files, in order and in batches, when MLflow is at hand (the stage
`register`, then `promote`, have it loaded anyway). So no stage pays for MLflow's import, and none fails because it is down.
"""

import json
import logging
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from satiety.section import Section
from satiety.settings import Settings, project_root

SPOOL = Path(".satiety/spool")
RUN_TAG = "satiety.run"
"""MLflow tag that holds the spool file's id, so that a replay that was cut off is taken up, not repeated."""
BATCH = 1000
"""Metrics per request: the most that MLflow's `log_batch` takes."""
log = logging.getLogger(__name__)


class Run:
    """One executed stage, as lines of its spool file."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, **line: Any) -> None:
        """Append one line, safe against a crash of this process."""
        self._out.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._out.flush()

    def metric(self, name: str, value: float, step: int = 0) -> None:
        """Spool one point of a metric."""
        self.write(metric=_safe(name), value=value, step=step, time=int(time.time() * 1000))

    def finish(self, values: Mapping[str, Any]) -> None:
        """Spool every number of a report, nested names joined by dots."""
        for name, value in _numbers(values):
            self.metric(name, value)
        self.write(end=int(time.time() * 1000), status="FINISHED")


@contextmanager
def tracked(stage: str, params: Section) -> Iterator[Run]:
    """Open the stage's spool file; mark the run failed where it raises."""
    SPOOL.mkdir(parents=True, exist_ok=True)
    key = f"{time.time_ns()}-{stage}-{uuid.uuid4().hex[:8]}"
    unfinished = SPOOL / f"{key}.open"
    with unfinished.open("w", encoding="utf-8") as out:
        run = Run(out)
        settings = Settings()
        fields = {f"{stage}.{name}": json.dumps(value, ensure_ascii=False) for name, value in params.model_dump().items()}
        run.write(run=key, stage=stage, start=int(time.time() * 1000), parent=settings.parent_run, params=fields)
        try:
            yield run
        except BaseException:
            run.write(end=int(time.time() * 1000), status="FAILED")
            raise
        finally:
            out.flush()
            os.fsync(out.fileno())
            unfinished.rename(SPOOL / f"{key}.jsonl")


def tracking_uri() -> str:
    """Return where MLflow is: the setting, MLflow's own variable, or a SQLite file in the project's root."""
    default = f"sqlite:///{project_root() / 'mlflow.db'}"
    return Settings().tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default


def _numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)


def _safe(name: str) -> str:
    """Replace what MLflow refuses in a metric's name."""
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)[:250].replace("..", "_").strip("/")
