"""A real Prefect server on loopback, and workers of it, as processes of the tests."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE, wait_until
from tests.pipeline.project import Project

CHROMIUM = shutil.which("chromium")
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True)
class Server:
    """A Prefect server that knows a project's deployments."""

    url: str
    project: Project
    home: Path

    def environment(self) -> dict[str, str]:
        """Return the surroundings of a command that talks to the server."""
        ours = {"PREFECT_API_URL": f"{self.url}/api", "PREFECT_HOME": str(self.home), "DO_NOT_TRACK": "1"}
        return self.project.environment() | ours | {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project."""
        return subprocess.run(
            command, cwd=self.project.root, env=self.environment(), text=True, capture_output=True, check=False
        )

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return what the API answers: to a POST where there is a body, else to a GET."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/{path}", data, {"Content-Type": "application/json"})  # noqa: S310  # our own address
        for patience in (1, 2, 4, 8, 0):  # its sqlite is locked now and then, and it says so, or nothing
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                    return json.loads(answer.read() or "null")
            except (urllib.error.HTTPError, TimeoutError) as error:
                code = error.code if isinstance(error, urllib.error.HTTPError) else HTTPStatus.SERVICE_UNAVAILABLE
                if code != HTTPStatus.SERVICE_UNAVAILABLE or not patience:
                    raise
                time.sleep(patience)
        raise AssertionError

    def deployment(self, name: str = "pipeline/daily") -> str:
        """Return the id of a deployment."""
        return str(self.ask(f"deployments/name/{name}")["id"])

    def start(self, name: str = "pipeline/daily", **parameters: Any) -> str:
        """Ask for a run of a deployment, as the page does; return its id."""
        return str(self.ask(f"deployments/{self.deployment(name)}/create_flow_run", {"parameters": parameters})["id"])

    def runs(self, deployment: str | None = None) -> list[dict[str, Any]]:
        """Return every flow run that has begun, of a deployment or of all, the newest first."""
        begun = {"flow_runs": {"start_time": {"is_null_": False}}, "sort": "START_TIME_DESC"}
        found: list[dict[str, Any]] = self.ask("flow_runs/filter", begun)
        expected = deployment and self.deployment(deployment)
        return [run for run in found if run["deployment_id"] == expected or not expected]

    def soon(self, deployment: str, seconds: float) -> None:
        """Have a deployment run by the clock."""
        then = {"anchor_date": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(), "timezone": "UTC"}
        schedule = {"schedule": {"interval": 86_400, **then}, "active": True}
        self.ask(f"deployments/{self.deployment(deployment)}/schedules", [schedule])

    def fired(self, deployment: str) -> list[str]:
        """Return the runs that the clock has begun."""
        return [str(run["id"]) for run in self.runs(deployment) if run["auto_scheduled"]]

    def caused(self) -> list[dict[str, Any]]:
        """Return the runs that an automation asked for."""
        found: list[dict[str, Any]] = self.ask("flow_runs/filter", {})
        return [run for run in found if (run["created_by"] or {}).get("type") == "AUTOMATION"]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the events of a name, 50 at most, the newest first."""
        found: list[dict[str, Any]] = self.ask("events/filter", {"filter": {"event": {"name": [name]}}})["events"]
        return found

    def state(self, run: str) -> str:
        """Return the type of a run's state."""
        return str(self.ask(f"flow_runs/{run}")["state_type"])

    def ended(self, run: str) -> str:
        """Wait until a run has ended; return how. What the worker said last explains one that does not."""
        try:
            wait_until(lambda: self.state(run) in ENDED, every=0.5)
        except AssertionError:
            said = (self.home / "worker.log").read_text(encoding="utf-8", errors="replace")[-4000:]
            raise AssertionError(f"{run} is {self.state(run)}; the worker: {said}") from None
        return self.state(run)

    @contextmanager
    def worker(self, pool: str = "satiety", **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Let a worker of a pool run within the block."""
        command = ["prefect", "worker", "start", "--pool", pool, "--type", "process"]
        around = self.environment() | QUICK | settings
        with (self.home / "worker.log").open("ab") as said:
            process = subprocess.Popen(command, cwd=self.project.root, env=around, stdout=said, stderr=said)
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:  # of two runs for one slot, Prefect's worker goes on after SIGTERM
                    process.kill()
                    process.wait(PATIENCE)


QUICK = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
"""So that tests wait for nobody."""


@contextmanager
def serve(project: Project, home: Path) -> Iterator[Server]:
    """Start a server, on the database of ``home`` where there is one, and deploy the project to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}", project, home)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    loops = {"PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2"}
    with (home / "server.log").open("wb") as said:
        process = subprocess.Popen(command, env=server.environment() | loops, stdout=said, stderr=said, cwd=home)
        try:
            deployed = server.run("satiety", "deploy")  # waits for the server
            assert deployed.returncode == 0, deployed.stdout + deployed.stderr
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(line) for line in found.split()]


def alive(pid: int) -> bool:
    """Return whether a process lives."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def kill(*pids: int) -> None:
    """Kill processes in a way that they cannot see coming."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
