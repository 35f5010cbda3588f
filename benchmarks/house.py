"""A former commit against this tree: scores and CPU seconds of every stage on the same splits, and tables.

The first round trains as params.yaml says; the others train for a few steps, and give the CPU seconds. All give scores.
Both trees take turns, so that neither has the quieter hour. Each run is an entry of the results, and an
interrupted benchmark continues where it was.

    python -m benchmarks.house COMMIT [--rounds 5] [--few]
"""

import argparse
import json
import os
import resource
import shlex
import shutil
import statistics
import string
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.support import stages

ROOT, SCRATCH = stages.ROOT, stages.ROOT / "benchmarks/scratch/house"
RESULTS = Path("benchmarks/results/house.json")
STAGES = ("ingest", "validate", "retrieve", "augment", "pretrain", "finetune", "evaluate")
PROBLEMS = {"classify": Path(), "ner": Path("examples/ner_zh")}
"""Where in the tree a problem's params.yaml lies."""
FIELD = {"classify": "label", "ner": "spans"}
ROWS = 200_000
TABLES = f"""
import resource, sys, time
from pathlib import Path
from satiety.core.records import Example, read, write
path, text = Path(sys.argv[1]), "some text of a usual length, such as people write in a review or a message " * 2
try:
    from satiety.core.answers import Label
    made = (Example(str(i), {{"text": f"{{text}} {{i}}"}}, Label("good")) for i in range({ROWS}))
except ImportError:
    made = (Example(str(i), f"{{text}} {{i}}", "good") for i in range({ROWS}))
clock = time.process_time(); write(path, made, Example); written = time.process_time() - clock
clock = time.process_time(); count = sum(1 for _ in read(path, Example)); been = time.process_time() - clock
print(count / written, count / been, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
"""Rows a second written, and read; peak memory in MiB."""
FEW = {"min_steps": 10, "max_steps": 10, "evaluations": 1, "patience": None}
"""Training where CPU seconds are measured: few steps, as many in either tree, for what a step costs shows in few."""
FORMER_NAMES = {"min_steps": "least_steps", "max_steps": "most_steps", "evaluations": "checks"}
"""Parameters of training as trees before version 0.1 call them."""


def trees(commit: str) -> dict[str, Path]:
    """Return the two trees."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    revisions = {"before": (commit, SCRATCH / "before"), "after": ("HEAD", SCRATCH / "after")}
    for revision, folder in revisions.values():
        if not folder.is_dir():
            subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
            digest = subprocess.run(
                ["git", "rev-parse", revision], cwd=ROOT, capture_output=True, text=True, check=True
            ).stdout.strip()
            subprocess.run(["git", "checkout", "-q", digest], cwd=folder, check=True)
    return {name: folder for name, (_, folder) in revisions.items()}


def command(tree: Path, stage: str) -> list[str]:
    """Return a stage's command, as the tree's dvc.yaml has it."""
    pipeline = stages.read(tree / "dvc.yaml")
    names = {key: value for group in pipeline["vars"] for key, value in group.items()} | {"root": str(tree)}
    return shlex.split(string.Template(pipeline["stages"][stage]["cmd"]).substitute(names))[2:]


def run(tree: Path, folder: Path, stage: str) -> float:
    """Run a stage of a tree in a folder; return the CPU seconds that it took."""
    usage_before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(tree), "SATIETY_JOIN": "false"}
    subprocess.run(
        [sys.executable, *command(tree, stage)], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    usage_after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage_after.ru_utime + usage_after.ru_stime - usage_before.ru_utime - usage_before.ru_stime


def splits(tree: Path, problem: str) -> Path:
    """Return a folder with train, dev, test and corpus as files, as this tree divides them."""
    from satiety.core.records import Document, Example, read

    folder = SCRATCH / f"{problem}-splits"
    if (folder / "corpus.jsonl").is_file():
        return folder
    home = SCRATCH / f"{problem}-home"
    stages.write(home, _read_params(tree, problem, home))
    for stage in ("ingest", "validate"):
        run(tree, home, stage)
    folder.mkdir(exist_ok=True)
    for name in ("train", "dev", "test"):
        rows = [
            {"text": example.text, FIELD[problem]: _format_answer(example)}
            for example in read(home / f"data/{name}.parquet", Example)
        ]
        _write(folder / f"{name}.jsonl", rows)
    _write(
        folder / "corpus.jsonl", [{"text": document.text} for document in read(home / "data/corpus.parquet", Document)]
    )
    return folder


def _format_answer(example: Any) -> Any:
    mentions = [[mention.start, mention.end, mention.label] for mention in example.answer.mentions]
    return mentions if type(example.answer).__name__ == "Spans" else str(example.answer)


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _read_params(tree: Path, problem: str, folder: Path) -> dict[str, Any]:
    """Return a tree's params of a problem, for another folder: its base lies beside the project."""
    values = stages.read(tree / PROBLEMS[problem] / "params.yaml")
    base = values.get("project", values["ingest"])["base"]
    base["uri"] = base["uri"].replace("../../../shared", os.path.relpath(ROOT.parent / "shared", folder))
    return values


def build_params(tree: Path, problem: str, folder: Path, data: Path, *, timed: bool) -> dict[str, Any]:
    """Return a tree's own params of a problem, reading the given splits."""
    values = _read_params(tree, problem, folder)
    columns, reader = {"text": "text", FIELD[problem]: FIELD[problem]}, {"kind": "jsonl"}
    values["ingest"]["labelled"] = [
        {"uri": f"file:data/raw/{name}.jsonl", "sha256": None, "reader": reader, "columns": columns, "split": name}
        for name in ("train", "dev", "test")
    ]
    corpus = {"uri": "file:data/raw/corpus.jsonl", "sha256": None, "reader": reader, "columns": {"text": "text"}}
    values["ingest"]["corpus"] = [corpus]
    counts = {
        name: sum(1 for _ in (data / f"{name}.jsonl").open(encoding="utf-8")) for name in ("train", "dev", "test")
    }
    share = counts["dev"] / (counts["train"] + counts["dev"])
    values["ingest"] |= {"budget": counts["train"] + counts["dev"], "dev": share, "test": counts["test"]}
    recipe = (
        values["finetune"].setdefault("recipe", {})
        if (tree / "satiety/tuning/recipes").is_dir()
        else values["finetune"]
    )
    if timed:
        is_former = any("least_steps" in path.read_text() for path in (tree / "satiety/training").glob("*.py"))
        few = {FORMER_NAMES.get(name, name) if is_former else name: value for name, value in FEW.items()}
        recipe["training"] = {**recipe.get("training", {}), **few}
    return values


def measure_run(tree: Path, problem: str, folder: Path, data: Path, *, timed: bool) -> dict[str, Any]:
    """Return the CPU seconds of every stage of one run, and what the model scored."""
    shutil.rmtree(folder, ignore_errors=True)
    stages.write(folder, build_params(tree, problem, folder, data, timed=timed))
    for path in data.glob("*.jsonl"):
        shutil.copy(path, folder / "data/raw")
    seconds = {stage: run(tree, folder, stage) for stage in STAGES}
    report = json.loads((folder / "reports/evaluate.json").read_text(encoding="utf-8"))
    return {"commit": commit(tree), "seconds": seconds, "score": report["after"], "metric": report["metric"]}


def commit(tree: Path) -> str:
    """Return the commit of a tree."""
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=tree, capture_output=True, text=True, check=True
    ).stdout.strip()


def iterate_runs(rounds: int, first: int) -> Iterator[tuple[str, str, int]]:
    """Yield (problem, tree, round), the trees in turn; the scores' round is 0."""
    for number in range(first, rounds + 1):
        for problem in PROBLEMS:
            for name in ("before", "after") if number % 2 else ("after", "before"):
                yield problem, name, number


def summary(figures: dict[str, Any]) -> dict[str, Any]:
    """Return per problem and stage the ratio of the medians, after to before; and the scores of both."""
    summaries: dict[str, Any] = {}
    for problem in PROBLEMS:
        runs = {
            name: {key: run for key, run in figures["cells"].items() if key.startswith(f"{problem}/{name}/")}
            for name in ("before", "after")
        }
        scores = {name: [run["score"]["value"] for run in group.values()] for name, group in runs.items()}
        runs = {name: [run for key, run in group.items() if key[-2:] != "/0"] for name, group in runs.items()}
        if not all(runs.values()):
            continue
        medians = {
            name: {stage: statistics.median(run["seconds"][stage] for run in group) for stage in STAGES}
            for name, group in runs.items()
        }
        ratios = {stage: medians["after"][stage] / medians["before"][stage] for stage in STAGES}
        summaries[problem] = {
            "ratio": ratios,
            "seconds": medians,
            **scores,
        }
    return summaries


def main() -> None:
    """Measure what is not measured yet, write each run as it ends, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--few", action="store_true", help="leave out the first round, which takes an hour")
    arguments = parser.parse_args()
    folders = trees(arguments.commit)
    figures: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {"cells": {}}
    for problem, name, number in iterate_runs(arguments.rounds, int(arguments.few)):
        key = f"{problem}/{name}/{number}"
        if key not in figures["cells"]:
            data = splits(folders["after"], problem)
            figures["cells"][key] = measure_run(folders[name], problem, SCRATCH / "run", data, timed=number > 0)
            RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for name, tree in folders.items():
        rows = []
        for _ in range(arguments.rounds):
            process = subprocess.run(
                [sys.executable, "-c", TABLES, str(SCRATCH / "table.parquet")],
                env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True, check=True,
            )  # fmt: skip
            rows.append([float(number) for number in process.stdout.split()])
        write_rate, read_rate, peak = (statistics.median(column) for column in zip(*rows, strict=True))
        figures[f"tables, {name}"] = {
            "rows written a second": write_rate,
            "rows read a second": read_rate,
            "peak, MiB": peak,
        }
    figures["summary"] = summary(figures)
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in figures.items() if key != "cells"}, indent=1))


if __name__ == "__main__":
    main()
