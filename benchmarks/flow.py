"""What Prefect costs: the flow against bare `dvc repro`, cold, and the flow over a cached pipeline; a server runs.

Both run in clones of the last commit with an empty cache: the default problem, some minutes. The flow also promotes,
so `dvc repro` is timed with `promote` after it, as `make run` has it.

    python -m benchmarks.flow
"""

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from satiety.core.state import prepare_state

BARS = {"flow / dvc repro": 1.10, "seconds, cached": 5.0}
RESULTS = Path("benchmarks/results/flow.json")
QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DVC_NO_ANALYTICS": "1"}
FLOW = [sys.executable, "-m", "flows.pipeline"]


@contextmanager
def server(home: Path) -> Iterator[dict[str, str]]:
    """Start a Prefect server; yield the environment of its clients."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    environment = {**os.environ, **QUIET, "PATH": path, "PREFECT_HOME": str(home), "SATIETY_JOIN": "false"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/api"
    try:
        while not _answers(f"{url}/health"):
            if process.poll() is not None:
                sys.exit(f"the Prefect server did not start: `{' '.join(command)}` ended with {process.returncode}")
            time.sleep(0.5)
        yield {**environment, "PREFECT_API_URL": url}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(url: str) -> bool:
    """Return whether a server is there."""
    try:
        urllib.request.urlopen(url, timeout=2).close()  # noqa: S310  # our own address
    except OSError:
        return False
    return True


def time_commands(folder: Path, environment: dict[str, str], *commands: list[str]) -> float:
    """Run commands in a clone; return their wall time in seconds."""
    clock = time.perf_counter()
    for command in commands:
        process = subprocess.run(
            command,
            cwd=folder,
            env={**environment, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            output = process.stdout[-2000:] + process.stderr[-2000:]
            sys.exit(f"{' '.join(command)} ended with code {process.returncode}:\n{output}")
    return time.perf_counter() - clock


def clone(into: Path) -> Path:
    """Clone the last commit, with nothing computed in it."""
    subprocess.run(["git", "clone", "-q", ".", str(into)], check=True)
    prepare_state(into)
    return into


def main() -> None:
    """Measure, write the results, and print them."""
    with TemporaryDirectory(prefix="satiety-") as scratch, server(Path(scratch, "prefect")) as environment:
        bare = [["dvc", "repro"], [sys.executable, "-m", "tasks.promote"]]
        repro, promote = (
            time_commands(folder, environment, command) for folder in [clone(Path(scratch, "bare"))] for command in bare
        )
        flow_clone = clone(Path(scratch, "flow"))
        flow = time_commands(flow_clone, environment, FLOW)
        cached = sorted(time_commands(flow_clone, environment, FLOW) for _ in range(3))[1]
        server_seconds = _server_seconds(environment["PREFECT_API_URL"])
    figures = {
        "seconds": {"dvc repro": repro, "promote": promote, "flow": flow},
        "flow / dvc repro": flow / (repro + promote),
        "seconds, cached": server_seconds,
        "seconds, cached, the command with its imports": cached,
    }
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))
    if any(figures[name] > bar for name, bar in BARS.items()):  # type: ignore[operator]
        sys.exit(f"outside what is promised: {BARS}")


def _server_seconds(url: str) -> float:
    """Return how long the last three runs took from their beginning to their end, as Prefect reports it: the median."""
    body = json.dumps({"sort": "START_TIME_DESC", "limit": 3}).encode()
    request = urllib.request.Request(f"{url}/flow_runs/filter", body, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # our own address
        return float(sorted(run["total_run_time"] for run in json.load(answer))[1])


if __name__ == "__main__":
    main()
