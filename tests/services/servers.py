"""Real servers on loopback for tests: PostgreSQL from the Debian package, and the MLflow server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.patience import PATIENCE, wait_until

DEBIAN = Path("/usr/lib/postgresql")
"""Folder of the PostgreSQL programs on Debian, one subfolder per version; only some programs are on PATH."""


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_postgres_programs() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs, or None where none is installed."""
    initdbs = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return initdbs[-1].parent if initdbs else Path(on_path).resolve().parent if on_path else None


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server."""

    port: int

    def url(self, database: str, driver: str = "psycopg") -> str:
        return f"postgresql+{driver}://satiety@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        import psycopg

        dsn = f"postgresql://satiety@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(dsn, autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return list(cursor.fetchall()) if cursor.description else []

    def create(self, database: str, like: str = "template1") -> str:
        """Create a database as a copy of another; return its URL for MLflow."""
        self.execute(f"CREATE DATABASE {database} TEMPLATE {like}")
        return self.url(database)


@contextmanager
def run_postgres(programs: Path) -> Iterator[Postgres]:
    """Start a PostgreSQL server on new data; it refuses to run as root, so root runs it as `postgres`."""
    folder = Path(tempfile.mkdtemp(prefix="satiety-pg-"))
    user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    if user:
        shutil.chown(folder, **user)
    port = find_free_port()
    init = ["initdb", "-D", "data", "-U", "satiety", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    settings = ["fsync=off", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "max_connections=60"]
    options = [word for setting in settings for word in ("-c", setting)]
    try:
        subprocess.run([programs / init[0], *init[1:]], cwd=folder, check=True, capture_output=True, **user)
        command = [programs / "postgres", "-D", "data", "-p", str(port), *options]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **user)
        try:
            _wait_until_ready(process, lambda: _is_ready(programs, port), folder / "log")
            yield Postgres(port)
        finally:
            process.send_signal(signal.SIGQUIT)  # immediate shutdown: its data is deleted
            process.wait(PATIENCE)
    finally:
        shutil.rmtree(folder)


def _is_ready(programs: Path, port: int) -> bool:
    command = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(command, check=False).returncode == 0


@dataclass
class MLflow:
    """A server that a test can stop, freeze, and start again on its data."""

    folder: Path
    port: int = field(default_factory=find_free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
        command += ["--port", str(self.port), "--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        _wait_until_ready(self.process, self._is_answering, self.folder / "log")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server and all its workers."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def stop(self) -> None:
        if self.process is not None:
            self.send(signal.SIGKILL)
            self.process.wait()
        self.process = None

    def _is_answering(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False


def _wait_until_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    wait_until(lambda: process.poll() is not None or ready(), log.read_text)
    assert process.poll() is None, log.read_text()
