"""What the pipeline itself costs: the wall time of a whole `dvc repro` against the work inside its stages; peak memory.

It runs every stage anew (`--force`) in the folder it is called in: the default problem, some minutes.
"""

import json
import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

BARS = {"overhead": 0.15, "seconds": 360, "gigabytes": 4.0}
"""What is promised of the default run on two cores."""
TIMINGS = Path(".satiety/timings")


def tree_rss(root: int) -> int:
    """Return the memory of a process and all below it now, in bytes."""
    parents, sizes = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
        except OSError:
            continue
        pid = int(folder.name)
        parents[pid], sizes[pid] = int(status["PPid"]), int(status.get("VmRSS", "0 kB").split()[0]) * 1024
    return sum(size for pid, size in sizes.items() if _below(pid, root, parents))


def _below(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid and pid != root:
        pid = parents.get(pid, 0)
    return pid == root


def run() -> tuple[float, int]:
    """Run the pipeline anew; return its wall time in seconds and its peak memory in bytes."""
    programs = sysconfig.get_path("scripts")
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    clock, peak = time.perf_counter(), 0
    command = [f"{programs}/dvc", "--wait-for-lock", "repro", "--force"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, tree_rss(process.pid))
            time.sleep(0.25)
    if process.returncode:
        sys.exit(f"dvc repro ended with code {process.returncode}")
    return time.perf_counter() - clock, peak


def main() -> None:
    """Print what each stage cost and what the pipeline added."""
    wall, peak = run()
    costs = {path.stem: json.loads(path.read_text()) for path in sorted(TIMINGS.glob("*.json"), key=os.path.getmtime)}
    inside = sum(cost["seconds"] for name, cost in costs.items() if name != "promote")
    for name, cost in costs.items():
        print(f"{name:12}{cost['seconds']:8.1f} s{cost['peak_bytes'] / 1e9:8.2f} GB")
    overhead = (wall - inside) / wall
    print(f"wall {wall:.1f} s, inside the stages {inside:.1f} s, overhead {overhead:.3f}, peak {peak / 1e9:.2f} GB")
    if overhead > BARS["overhead"] or wall > BARS["seconds"] or peak / 1e9 > BARS["gigabytes"]:
        sys.exit(f"outside what is promised: {BARS}")


if __name__ == "__main__":
    main()
