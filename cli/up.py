"""`satiety up` and `satiety down`: start the services of a project, and stop them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cli.health import is_healthy
from cli.processes import end, end_all, find_processes
from cli.services import ALONE, HOST, LOGS, MARK, ROLE, RUNNER, describe_databases, list_services, mlflow_store, prepare
from satiety.core.errors import SetupError
from satiety.core.services import SERVICES, is_running, read
from satiety.core.settings import Settings
from tasks.tracking import make_store

LAST = 15
"""Maximum number of log lines in an error message."""
FLOW_RUN = "PREFECT__FLOW_RUN_ID"
"""Environment variable of the processes of a flow run."""


def start_services(root: Path, show: Callable[[str], None]) -> None:
    """Start the services and wait until all are ready; do nothing if they are running.

    Raises:
        SetupError: a port is in use, or a service failed or timed out; all services are stopped then.
    """
    if is_running(root):
        show(f"The services are already running.\n{_describe_addresses(root)}")
        return
    end_all(root)  # orphans of a killed runner
    _check_ports(SATIETY_PREFECT_PORT=Settings().prefect_port, SATIETY_MLFLOW_PORT=Settings().mlflow_port)
    prepare(root)
    make_store(mlflow_store(root))
    show(f"Starting Prefect, MLflow and a worker; their logs: {LOGS}/")
    _wait(root, _start(root))
    show(_describe_addresses(root))


def stop_services(root: Path) -> str:
    """Stop the services and all processes that they started; return a message.

    Flow runs end first, while the server can record it.
    """
    if not find_processes(root):
        return f"The services are not running.{_read_last_line(root)}"
    end(find_processes(root, **{FLOW_RUN: ""}))
    end(find_processes(root, **{ROLE: RUNNER}))  # the runner ends the others
    end_all(root)
    return "The services have stopped."


def _start(root: Path) -> "subprocess.Popen[bytes]":
    """Start the runner as a background process."""
    folder = root / LOGS
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, MARK: str(root), ROLE: RUNNER}
    command = [sys.executable, "-m", "cli.runner"]
    with (folder / "runner.err").open("wb") as err:
        return subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=err, stderr=err, start_new_session=True
        )


def _wait(root: Path, runner: "subprocess.Popen[bytes]") -> None:
    patience = Settings().services_seconds
    pending, deadline = [service.name for service in list_services(root)], time.monotonic() + patience
    start_time = datetime.now(UTC)
    while pending:
        if runner.poll() is not None:
            stop_services(root)
            raise SetupError(_describe_failure(root))
        if time.monotonic() > deadline:
            stop_services(root)
            errors = [f"{name} was not ready within {patience:g} s:\n{_tail(root, name)}" for name in pending]
            raise SetupError("\n".join([*errors, "all services were stopped; increase SATIETY_SERVICES_SECONDS"]))
        time.sleep(0.5)
        pending = [name for name in pending if not is_healthy(name, read(root), start_time)]


def _describe_failure(root: Path) -> str:
    """Return an error message with the service that failed and its last log lines."""
    line = _read_last_line(root).strip()
    name = next((service.name for service in list_services(root) if f" {service.name} stopped" in line), None)
    if name is None:
        return f"the runner ended:\n{_tail(root, RUNNER)}\n{(root / LOGS / 'runner.err').read_text(errors='replace')}"
    return f"{name} ended; the last lines of {LOGS / name}.log:\n{_tail(root, name)}"


def _read_last_line(root: Path) -> str:
    """Return the runner's last line if a service has failed, else ""."""
    last = _tail(root, RUNNER).rpartition("\n")[2].strip()
    return f" {last} (logs: {LOGS}/)" if ALONE in last else ""


def _tail(root: Path, name: str) -> str:
    path = root / LOGS / f"{name}.log"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return "\n".join(f"  {line}" for line in lines[-LAST:]) or "  (no output)"


def _describe_addresses(root: Path) -> str:
    environment = read(root)
    rows = {
        "Prefect": environment["PREFECT_API_URL"].removesuffix("/api"),
        "MLflow": environment["MLFLOW_TRACKING_URI"],
        "databases": " and ".join(describe_databases(root)),
        "passwords": f"{SERVICES}, which satiety, flows and make read automatically; in a shell: source {SERVICES}",
        "logs": f"{LOGS}/",
        "stop": "make down",
    }
    return "\n".join(f"  {name:10} {value}" for name, value in rows.items())


def _check_ports(**ports: int) -> None:
    busy_ports = {name: port for name, port in ports.items() if _is_busy(port)}
    if busy_ports:
        errors = [f"port {port} is in use: stop its process, or set {name}" for name, port in busy_ports.items()]
        raise SetupError("\n".join(errors))


def _is_busy(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex((HOST, port)) == 0
