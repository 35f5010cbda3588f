"""`satiety up` and `satiety down`: start the services of a project and wait for them; end them without a trace."""

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
"""Lines of a log that an error repeats, at most."""
FLOW_RUN = "PREFECT__FLOW_RUN_ID"
"""What Prefect gives the process of a flow run, and so what that starts."""


def start_services(root: Path, tell: Callable[[str], None]) -> None:
    """Start the services and wait until all answer; where they run already, say so.

    Raises:
        SetupError: a port is taken, a service ended, or does not answer in time; the others were ended then.
    """
    if is_running(root):
        tell(f"The services run already.\n{_describe_addresses(root)}")
        return
    end_all(root)  # what a runner that was killed left behind
    _check_ports(SATIETY_PREFECT_PORT=Settings().prefect_port, SATIETY_MLFLOW_PORT=Settings().mlflow_port)
    prepare(root)
    make_store(mlflow_store(root))
    tell(f"Starting Prefect, MLflow and a worker; their logs: {LOGS}/")
    _wait(root, _start(root))
    tell(_describe_addresses(root))


def stop_services(root: Path) -> str:
    """End the services and all they started; return one line saying what was done. Doing it again changes nothing.

    Flow runs end first, while there is a server that can be told.
    """
    if not find_processes(root):
        return f"The services do not run.{_read_last_line(root)}"
    end(find_processes(root, **{FLOW_RUN: ""}))
    end(find_processes(root, **{ROLE: RUNNER}))  # ends the others
    end_all(root)
    return "The services have ended."


def _start(root: Path) -> "subprocess.Popen[bytes]":
    """Start the runner, which outlives this process."""
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
            words = [f"{name} did not answer within {patience:g} s:\n{_tail(root, name)}" for name in pending]
            raise SetupError("\n".join([*words, "the services were ended; SATIETY_SERVICES_SECONDS gives them longer"]))
        time.sleep(0.5)
        pending = [name for name in pending if not is_healthy(name, read(root), start_time)]


def _describe_failure(root: Path) -> str:
    """Say which member ended by itself, with its last lines."""
    word = _read_last_line(root).strip()
    name = next((service.name for service in list_services(root) if f" {service.name} stopped" in word), None)
    if name is None:
        return f"the runner ended:\n{_tail(root, RUNNER)}\n{(root / LOGS / 'runner.err').read_text(errors='replace')}"
    return f"{name} ended; the last lines of {LOGS / name}.log:\n{_tail(root, name)}"


def _read_last_line(root: Path) -> str:
    """Return the runner's last line where a member ended by itself, else nothing."""
    last = _tail(root, RUNNER).rpartition("\n")[2].strip()
    return f" {last} (logs: {LOGS}/)" if ALONE in last else ""


def _tail(root: Path, name: str) -> str:
    path = root / LOGS / f"{name}.log"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return "\n".join(f"  {line}" for line in lines[-LAST:]) or "  (it wrote nothing)"


def _describe_addresses(root: Path) -> str:
    environment = read(root)
    rows = {
        "Prefect": environment["PREFECT_API_URL"].removesuffix("/api"),
        "MLflow": environment["MLFLOW_TRACKING_URI"],
        "databases": " and ".join(describe_databases(root)),
        "passwords": f"{SERVICES}; `satiety`, the flows and make use it by themselves, a shell: source {SERVICES}",
        "logs": f"{LOGS}/",
        "to end": "make down",
    }
    return "\n".join(f"  {name:10} {value}" for name, value in rows.items())


def _check_ports(**ports: int) -> None:
    busy_ports = {name: port for name, port in ports.items() if _is_busy(port)}
    if busy_ports:
        words = [f"port {port} is taken: end what listens there, or set {name}" for name, port in busy_ports.items()]
        raise SetupError("\n".join(words))


def _is_busy(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex((HOST, port)) == 0
