"""Settings from environment variables (`SATIETY_*`): they change where or how fast work runs, never a result."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from satiety.core.errors import SetupError

PREFIX = "SATIETY_"
"""Prefix of every variable."""
Device = Literal["auto", "cpu", "cuda"]


def count_cores() -> int:
    """Return the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """Environment of a run."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    device: Device = "auto"
    """Device for models; ``auto``: the GPU if available, otherwise the CPU."""
    processes: int = Field(default_factory=count_cores, ge=1, le=1024)
    """Number of parallel processes; default: the number of cores."""
    checkpoint_seconds: float = Field(default=30, ge=0)
    """Minimum seconds between two checkpoints of a training run; a kill loses at most the work since the last one."""
    project: Path | None = None
    """Root of the project whose services, MLflow store and traffic log are used; unset: the nearest folder with a
    `.dvc`. The flow `retrain` sets it because it works in a copy."""
    traffic: Path | None = None
    """Folder of the traffic log; unset: `.satiety/traffic` of the project, or no log outside a project."""
    tracking_uri: str | None = None
    """MLflow server or store; unset: a SQLite file in the project's root."""
    parent_run: str | None = Field(default=None, pattern=r"^\d+-[\w.-]+-[0-9a-f]{8}$")
    """Key of the parent run (`tasks/outbox.py`); set by flows."""
    join: bool = True
    """Whether commands in the project use the services started by `satiety up`, if they are running."""
    prefect_port: int = Field(default=4200, ge=1, le=65535)
    """Port of the Prefect server that `satiety up` starts, on loopback."""
    mlflow_port: int = Field(default=5000, ge=1, le=65535)
    """Port of the MLflow server that `satiety up` starts, on loopback."""
    services_seconds: float = Field(default=180, gt=0)
    """Seconds that `satiety up` waits for the services to start."""
    alerts: str | None = Field(default=None, repr=False)
    """Apprise URLs for alerts, separated by spaces, such as ``slack://…`` or ``mailtos://…``; a secret."""
    alert_quiet: float = Field(default=24, ge=0)
    """Hours before the same alert is repeated; a worse one is sent immediately."""

    def __init__(self) -> None:
        try:
            super().__init__()
        except ValidationError as error:
            raise SetupError("; ".join(map(_format_error, error.errors()))) from None


def _format_error(error: Any) -> str:
    return (
        f"{PREFIX}{str(error['loc'][0]).upper()}: {error['msg']} (got {error['input']!r}); change or unset the variable"
    )


def project_root(start: Path | None = None) -> Path:
    """Return the nearest folder with a `.dvc`, from ``start`` upwards; ``start`` if there is none.

    Without ``start``: the variable `SATIETY_PROJECT` if set, otherwise the search starts in the current folder.
    """
    if start is None and (setting := os.environ.get(f"{PREFIX}PROJECT")):
        return Path(setting).resolve()
    origin = (start or Path.cwd()).resolve()
    return next((folder for folder in (origin, *origin.parents) if (folder / ".dvc").is_dir()), origin)
