"""How long people wait: `--help` of every command, and a `dvc repro` that has nothing to do. Best of five each."""

import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import yaml

PROGRAMS = sysconfig.get_path("scripts")
BARS = {"satiety": 0.5, "tasks": 1.0, "dvc": 2.0}
"""Seconds that are promised."""


def best(command: list[str], times: int = 5) -> float:
    """Return the shortest of several runs, in seconds: what the machine can do when nothing else disturbs it."""
    durations, environment = [], {"PATH": f"{PROGRAMS}:/usr/bin:/bin"}
    for _ in range(times):
        clock = time.perf_counter()
        process = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        durations.append(time.perf_counter() - clock)
        if process.returncode:
            sys.exit(f"{' '.join(command)}: {process.stderr}")
    return min(durations)


def is_up_to_date() -> bool:
    """Whether the pipeline here has run and nothing has changed since."""
    command = [f"{PROGRAMS}/dvc", "repro", "--dry"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return process.returncode == 0 and "Running stage" not in process.stdout


def main() -> None:
    """Print the table; end with a message where something is slower than promised."""
    stages = [*yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"], "promote"]
    commands = {"satiety --help": ([sys.executable, "-m", "cli.main", "--help"], BARS["satiety"])}
    commands |= {f"tasks.{s} --help": ([sys.executable, "-m", f"tasks.{s}", "--help"], BARS["tasks"]) for s in stages}
    if is_up_to_date():
        commands["dvc repro, nothing to do"] = ([f"{PROGRAMS}/dvc", "repro"], BARS["dvc"])
    else:
        print("dvc repro, nothing to do: left out, for there is something to do here: run `make run` first")
    slow = []
    print(f"{'command':28}{'seconds':>9}{'bar':>6}")
    for name, (command, bar) in commands.items():
        seconds = best(command)
        print(f"{name:28}{seconds:9.2f}{bar:6.1f}")
        slow += [name] if seconds > bar else []
    if slow:
        sys.exit(f"slower than promised: {', '.join(slow)}")


if __name__ == "__main__":
    main()
