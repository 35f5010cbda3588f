"""Services of a project: their commands, environments, addresses and passwords.

All listen on loopback only and use SQLite, unless PREFECT_SERVER_DATABASE_CONNECTION_URL or MLFLOW_BACKEND_STORE_URI
is set.
"""

import os
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.dvc import build_environment, python
from satiety.core.services import NO_TELEMETRY, read, write, write_private
from satiety.core.settings import Settings
from satiety.core.state import STATE, prepare_state

HOST = "127.0.0.1"
USER = "satiety"
POOL = "satiety"
MARK, ROLE = "SATIETY_SERVICES_OF", "SATIETY_SERVICE"
"""Environment variables of every process of the services: the project's root, and the name of the service."""
RUNNER = "runner"
ALONE = "it ended by itself, so the others were stopped too"
"""End of the runner's last line after a service has failed."""
STEADY = 60
"""Seconds after which a service that ends is restarted; one that ends earlier has failed."""
ENDED = "it ended by itself and is restarted"
LOGS = STATE / "log"
USERS = STATE / "mlflow-users.db"
USERS_CONFIG = STATE / "mlflow-users.ini"


@dataclass(frozen=True)
class Service:
    """A service: its name, the commands that it runs in sequence, and their environment."""

    name: str
    commands: Sequence[Sequence[str]]
    environment: Mapping[str, str]

    def to_shell(self) -> str:
        """Return a shell script that runs the commands, and restarts them if they end after `STEADY` seconds."""
        run = " && ".join(map(shlex.join, self.commands))
        steady = f'[ "$(($(date +%s) - begun))" -ge {STEADY} ]'
        restart = f"echo {shlex.quote(ENDED)}; sleep 1"
        return f"while begun=$(date +%s); {run}; code=$?; {steady}; do {restart}; done; exit $code"


def prepare(root: Path) -> None:
    """Write the addresses and passwords of the services; existing passwords are reused."""
    credentials, settings = read(root), Settings()
    prepare_state(root)
    password = credentials.get("MLFLOW_TRACKING_PASSWORD")
    if password is None:
        password = secrets.token_urlsafe(24)
        write_private(root / USERS, "")  # MLflow never changes a stored password
    mlflow = f"http://{HOST}:{settings.mlflow_port}"
    environment = {
        "PREFECT_API_URL": f"http://{HOST}:{settings.prefect_port}/api",
        "PREFECT_API_AUTH_STRING": credentials.get("PREFECT_API_AUTH_STRING") or f"{USER}:{secrets.token_urlsafe(24)}",
        "SATIETY_TRACKING_URI": mlflow,
        "MLFLOW_TRACKING_URI": mlflow,
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": password,
    }
    write(root, environment)
    # MLflow runs as one process, so a cached password cannot be stale.
    lines = ["[mlflow]", "default_permission = READ", f"database_uri = sqlite:///{root / USERS}"]
    write_private(root / USERS_CONFIG, "\n".join([*lines, "auth_cache_ttl_seconds = 60", ""]))


def mlflow_store(root: Path) -> str:
    """Return the URL of MLflow's database: MLFLOW_BACKEND_STORE_URI, or a SQLite file in the root."""
    return os.environ.get("MLFLOW_BACKEND_STORE_URI") or f"sqlite:///{root / 'mlflow.db'}"


def describe_databases(root: Path) -> list[str]:
    """Return the databases of Prefect and MLflow: a SQLite file, or the kind only; a URL may contain a password."""
    files = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": root / STATE / "prefect",
        "MLFLOW_BACKEND_STORE_URI": root / "mlflow.db",
    }
    kinds = {name: os.environ.get(name, "sqlite").partition(":")[0].partition("+")[0] for name in files}
    return [f"sqlite ({file})" if kinds[name] == "sqlite" else kinds[name] for name, file in files.items()]


def list_services(root: Path) -> list[Service]:
    """Return the services in start order."""
    return [_make_prefect(root), _make_mlflow(root), _make_worker(root)]


def _make_prefect(root: Path) -> Service:
    port, auth = str(Settings().prefect_port), read(root)["PREFECT_API_AUTH_STRING"]
    variables = {"PREFECT_SERVER_API_AUTH_STRING": auth, "PREFECT_HOME": str(root / STATE / "prefect")}
    variables["PREFECT_API_URL"] = read(root)["PREFECT_API_URL"]  # used by the web page
    # Leases in memory would be lost with the server, and slots of dead runs never freed.
    variables["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"] = "prefect.server.concurrency.lease_storage.filesystem"
    command = ["prefect", "server", "start", "--host", HOST, "--port", port]
    return Service("prefect", [python(*command)], _build_environment(root, "prefect") | variables)


def _make_mlflow(root: Path) -> Service:
    """Return MLflow with authentication. Its artifacts are in the same folder as those of runs without services."""
    credentials = read(root)
    stores = {
        "MLFLOW_BACKEND_STORE_URI": mlflow_store(root),
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": (root / "mlartifacts").as_uri(),
    }
    variables = {
        "MLFLOW_AUTH_CONFIG_PATH": str(root / USERS_CONFIG),
        "MLFLOW_AUTH_ADMIN_USERNAME": credentials["MLFLOW_TRACKING_USERNAME"],
        "MLFLOW_AUTH_ADMIN_PASSWORD": credentials["MLFLOW_TRACKING_PASSWORD"],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_urlsafe(32),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # jobs of LLM judges, which are not used
    }
    port = str(Settings().mlflow_port)
    command = ["mlflow", "server", "--host", HOST, "--port", port, "--workers", "1", "--app-name", "basic-auth"]
    environment = stores | _build_environment(root, "mlflow") | variables
    environment.pop("MLFLOW_TRACKING_URI", None)  # the server must not be a client
    return Service("mlflow", [python(*command, "--no-serve-artifacts")], environment)


def _make_worker(root: Path) -> Service:
    """Return the worker. It runs `satiety deploy` first, which waits for Prefect."""
    work = python("prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", USER)
    return Service("worker", [python("cli.main", "deploy"), work], _build_environment(root, "worker") | read(root))


def _build_environment(root: Path, role: str) -> dict[str, str]:
    """Return the common environment: this Python's programs first on PATH, no telemetry, no pickles."""
    overrides = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", MARK: str(root), ROLE: role}
    return {**build_environment(), **NO_TELEMETRY, **overrides}
