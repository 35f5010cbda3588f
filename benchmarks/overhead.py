"""Cost of the pipeline itself: wall time of a complete `dvc repro` against the time inside its stages; peak memory.

It runs every stage anew (`--force`) in the folder it is called in: the default problem, some minutes.
"""

import json
import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from benchmarks.support.memory import memory

BARS = {"overhead": 0.15, "seconds": 360, "gigabytes": 4.0}
"""What is promised of the default run on two cores."""
TIMINGS = Path(".satiety/timings")


def run() -> tuple[float, int]:
    """Run the pipeline anew; return its wall time in seconds and its peak memory in bytes."""
    programs = sysconfig.get_path("scripts")
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    clock, command = time.perf_counter(), [f"{programs}/dvc", "--wait-for-lock", "repro", "--force"]
    with memory() as samples:
        process = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    if process.returncode:
        sys.exit(f"dvc repro ended with code {process.returncode}")
    return time.perf_counter() - clock, max(samples)


def main() -> None:
    """Print what each stage cost and what the pipeline added."""
    wall, peak = run()
    costs = {path.stem: json.loads(path.read_text()) for path in sorted(TIMINGS.glob("*.json"), key=os.path.getmtime)}
    stage_seconds = sum(cost["seconds"] for name, cost in costs.items() if name != "promote")
    for name, cost in costs.items():
        print(f"{name:12}{cost['seconds']:8.1f} s{cost['peak_bytes'] / 1e9:8.2f} GB")
    overhead = (wall - stage_seconds) / wall
    print(
        f"wall {wall:.1f} s, inside the stages {stage_seconds:.1f} s, overhead {overhead:.3f}, peak {peak / 1e9:.2f} GB"
    )
    if overhead > BARS["overhead"] or wall > BARS["seconds"] or peak / 1e9 > BARS["gigabytes"]:
        sys.exit(f"outside what is promised: {BARS}")


if __name__ == "__main__":
    main()
