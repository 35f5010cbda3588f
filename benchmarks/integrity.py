"""What it costs that every stage hashes what it reads: seconds per 100 MB, and the share of each stage's own time.

Wants the results of a run in this folder (`make run`), and the times that it noted. The files are in memory, as a stage
finds what the one before has just written. Best of five.

    python -m benchmarks.integrity
"""

import json
import shlex
import sys
import time
from pathlib import Path

import yaml

from tasks.integrity import LOCK, check_hashes, read_locked_outputs

BAR = 0.01
"""Share of the time of all stages that is promised."""
TIMES = 5


def inputs() -> dict[str, list[Path]]:
    """Return the paths that each stage's command names and another stage makes."""
    stage_by_path = {output.path: output.stage for output in read_locked_outputs(LOCK)}
    file = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))
    names = {name: str(value) for block in file["vars"] for name, value in block.items()}
    paths = {}
    for stage, block in file["stages"].items():
        words = shlex.split(block["cmd"])
        for name, value in names.items():
            words = [word.replace(f"${{{name}}}", value) for word in words]
        paths[stage] = [Path(word) for word in words if stage_by_path.get(Path(word), stage) != stage]
    return paths


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files of a folder."""
    return sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def seconds(paths: list[Path]) -> float:
    """Return how long the check of these paths takes."""
    times = []
    for _ in range(TIMES):
        clock = time.perf_counter()
        check_hashes(paths)
        times.append(time.perf_counter() - clock)
    return min(times)


def main() -> None:
    """Print the table; end with a message where the stages spend more on it than promised."""
    if not LOCK.is_file():
        sys.exit("nothing ran here yet: `make run` first")
    hash_seconds, stage_seconds = 0.0, 0.0
    print(f"{'stage':12}{'MB':>8}{'check s':>9}{'s/100 MB':>10}{'stage s':>9}{'share':>8}")
    for stage, paths in inputs().items():
        times = Path(f".satiety/timings/{stage}.json")
        if not times.is_file():
            print(f"{stage:12}left out, for it did not run here")
            continue
        megabytes, cost = sum(map(size, paths)) / 1e6, seconds(paths)
        took = json.loads(times.read_text(encoding="utf-8"))["seconds"]
        hash_seconds, stage_seconds = hash_seconds + cost, stage_seconds + took
        per = f"{cost / megabytes * 100:.2f}" if megabytes > 1 else "-"
        print(f"{stage:12}{megabytes:8.1f}{cost:9.3f}{per:>10}{took:9.1f}{cost / took:8.1%}")
    print(f"{'all':12}{'':8}{hash_seconds:9.3f}{'':10}{stage_seconds:9.1f}{hash_seconds / stage_seconds:8.1%}")
    if hash_seconds > BAR * stage_seconds:
        sys.exit(f"more than {BAR:.0%} of the time of all stages")


if __name__ == "__main__":
    main()
