"""What changes where or how fast, never a result: read from the environment (`SATIETY_*`), logged, never versioned."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from satiety.core.errors import SetupError

PREFIX = "SATIETY_"
"""How the name of every variable begins."""
Device = Literal["auto", "cpu", "cuda"]


def count_cores() -> int:
    """Return the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseSettings):
    """The surroundings of a run."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    device: Device = "auto"
    """Where models run; ``auto`` takes the GPU where there is one."""
    processes: int = Field(default_factory=count_cores, ge=1, le=1024)
    """How many work side by side where work can be divided; as many as there are cores."""
    checkpoint_seconds: float = Field(default=30, ge=0)
    """Least time between two checkpoints of a training run, in seconds; what a kill costs at most."""
    project: Path | None = None
    """Root of the project whose services, MLflow store and record are used; unset: the nearest folder with a `.dvc`.
    The flow `retrain` sets it, for it works in a copy."""
    traffic: Path | None = None
    """Folder of the record of what was answered; unset: `.satiety/traffic` of the project, and none outside of one."""
    tracking_uri: str | None = None
    """MLflow server or store; unset means a SQLite file in the project's root."""
    parent_run: str | None = Field(default=None, pattern=r"^\d+-[\w.-]+-[0-9a-f]{8}$")
    """Key of the run that the stages of this run belong to (`tasks/outbox.py`); flows set it."""
    join: bool = True
    """Whether what runs in the project uses the services that `satiety up` started in it, where they run."""
    prefect_port: int = Field(default=4200, ge=1, le=65535)
    """Port of the Prefect server that `satiety up` starts, on loopback."""
    mlflow_port: int = Field(default=5000, ge=1, le=65535)
    """Port of the MLflow server that `satiety up` starts, on loopback."""
    services_seconds: float = Field(default=180, gt=0)
    """How long `satiety up` waits for the services to answer, in seconds."""
    alerts: str | None = Field(default=None, repr=False)
    """Addresses of Apprise that alerts are sent to, with spaces between them, as ``slack://…`` or ``mailtos://…``; a
    secret."""
    alert_quiet: float = Field(default=24, ge=0)
    """For how long the same alert is not sent again, in hours; one that has become worse is."""

    def __init__(self) -> None:
        try:
            super().__init__()
        except ValidationError as error:
            raise SetupError("; ".join(map(_format_error, error.errors()))) from None


def _format_error(error: Any) -> str:
    return f"{PREFIX}{str(error['loc'][0]).upper()}: {error['msg']} (it is {error['input']!r}); change or unset it"


def project_root(start: Path | None = None) -> Path:
    """Return the nearest folder, from ``start`` upwards, that DVC calls a root; else ``start`` itself.

    Without a ``start`` the setting `SATIETY_PROJECT` goes before, then this folder is the start.
    """
    if start is None and (setting := os.environ.get(f"{PREFIX}PROJECT")):
        return Path(setting).resolve()
    origin = (start or Path.cwd()).resolve()
    return next((folder for folder in (origin, *origin.parents) if (folder / ".dvc").is_dir()), origin)
