"""A real Prefect server on loopback and its workers, as child processes of the tests."""

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
    """A Prefect server with the deployments of a project."""

    url: str
    project: Project
    home: Path

    def build_environment(self) -> dict[str, str]:
        """Return the environment of a command that uses the server."""
        variables = {"PREFECT_API_URL": f"{self.url}/api", "PREFECT_HOME": str(self.home), "DO_NOT_TRACK": "1"}
        return self.project.build_environment() | variables | {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"}

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project."""
        return subprocess.run(
            command, cwd=self.project.root, env=self.build_environment(), text=True, capture_output=True, check=False
        )

    def call_api(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the API, with POST if there is a body and GET otherwise; return the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/{path}", data, {"Content-Type": "application/json"})  # noqa: S310  # our own address
        for patience in (1, 2, 4, 8, 0):  # its SQLite is sometimes locked: it answers 503 or not at all
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                    return json.loads(answer.read() or "null")
            except (urllib.error.HTTPError, TimeoutError) as error:
                code = error.code if isinstance(error, urllib.error.HTTPError) else HTTPStatus.SERVICE_UNAVAILABLE
                if code != HTTPStatus.SERVICE_UNAVAILABLE or not patience:
                    raise
                time.sleep(patience)
        raise AssertionError

    def find_deployment(self, name: str = "pipeline/daily") -> str:
        """Return the id of a deployment."""
        return str(self.call_api(f"deployments/name/{name}")["id"])

    def start(self, name: str = "pipeline/daily", **parameters: Any) -> str:
        """Start a run of a deployment, as the page does; return its id."""
        return str(
            self.call_api(f"deployments/{self.find_deployment(name)}/create_flow_run", {"parameters": parameters})["id"]
        )

    def list_runs(self, deployment: str | None = None) -> list[dict[str, Any]]:
        """Return every started flow run, of one deployment or of all, the newest first."""
        query = {"flow_runs": {"start_time": {"is_null_": False}}, "sort": "START_TIME_DESC"}
        runs: list[dict[str, Any]] = self.call_api("flow_runs/filter", query)
        expected = deployment and self.find_deployment(deployment)
        return [run for run in runs if run["deployment_id"] == expected or not expected]

    def schedule(self, deployment: str, seconds: float) -> None:
        """Schedule a deployment to run after some seconds."""
        start = {"anchor_date": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(), "timezone": "UTC"}
        schedule = {"schedule": {"interval": 86_400, **start}, "active": True}
        self.call_api(f"deployments/{self.find_deployment(deployment)}/schedules", [schedule])

    def list_scheduled_runs(self, deployment: str) -> list[str]:
        """Return the runs that the schedule started."""
        return [str(run["id"]) for run in self.list_runs(deployment) if run["auto_scheduled"]]

    def list_automation_runs(self) -> list[dict[str, Any]]:
        """Return the runs that an automation started."""
        runs: list[dict[str, Any]] = self.call_api("flow_runs/filter", {})
        return [run for run in runs if (run["created_by"] or {}).get("type") == "AUTOMATION"]

    def list_events(self, name: str) -> list[dict[str, Any]]:
        """Return at most 50 events of a name, the newest first."""
        events: list[dict[str, Any]] = self.call_api("events/filter", {"filter": {"event": {"name": [name]}}})["events"]
        return events

    def get_state(self, run: str) -> str:
        """Return the type of a run's state."""
        return str(self.call_api(f"flow_runs/{run}")["state_type"])

    def wait_for_end(self, run: str) -> str:
        """Wait until a run has ended; return its final state. If it does not end, the error shows the worker log."""
        try:
            wait_until(lambda: self.get_state(run) in ENDED, every=0.5)
        except AssertionError:
            log = (self.home / "worker.log").read_text(encoding="utf-8", errors="replace")[-4000:]
            raise AssertionError(f"{run} is {self.get_state(run)}; the worker: {log}") from None
        return self.get_state(run)

    @contextmanager
    def worker(self, pool: str = "satiety", **settings: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a worker of a pool within the block."""
        command = ["prefect", "worker", "start", "--pool", pool, "--type", "process"]
        environment = self.build_environment() | FAST_POLLING | settings
        with (self.home / "worker.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=self.project.root, env=environment, stdout=log, stderr=log)
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:  # with two runs for one slot, a Prefect worker ignores SIGTERM
                    process.kill()
                    process.wait(PATIENCE)


FAST_POLLING = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
"""Makes workers poll every second."""


@contextmanager
def serve(project: Project, home: Path) -> Iterator[Server]:
    """Start a server on the database of ``home``, if there is one, and deploy the project to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}", project, home)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    loops = {"PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2"}
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=server.build_environment() | loops, stdout=log, stderr=log, cwd=home)
        try:
            deployed = server.run("satiety", "deploy")  # waits for the server
            assert deployed.returncode == 0, deployed.stdout + deployed.stderr
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def list_children(pid: int) -> list[int]:
    """Return the child processes of a process."""
    output = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(line) for line in output.split()]


def alive(pid: int) -> bool:
    """Return whether a process is alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def kill(*pids: int) -> None:
    """Kill processes with SIGKILL."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
