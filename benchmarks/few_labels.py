"""Recipes at few labels a class, on six public sets in English and Chinese: scores and CPU seconds.

A run is a set, a number of labels a class, a draw and a recipe. Runs are written as they end, and an interrupted
benchmark continues where it was.

    python -m benchmarks.few_labels [--sets clinc150,tweets] [--labels 4,8,16] [--draws 3] [--recipes linear,…]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.support.sets import SETS, FewLabels, draw_per_class, find_encoder, load_unique

RESULTS = Path("benchmarks/results/few_labels.json")
MAX_LENGTH = 128


def fit_recipe(draw: FewLabels, encoder: Path, prefix: str, recipe: dict[str, Any], seed: int) -> dict[str, Any]:
    """Fit a recipe to a draw; return its score on the test texts, CPU seconds of fitting, and its facts."""
    from satiety.core.answers import Label
    from satiety.core.records import Document, Example
    from satiety.problems.classify import Classify
    from satiety.training.checkpoint import CheckpointStore
    from satiety.tuning.finetune import finetune
    from satiety.tuning.section import Finetune

    train = [Example(str(i), {"text": row.text}, Label(row.label)) for i, row in enumerate(draw.train)]
    gold = [Example(f"t{i}", {"text": row.text}, Label(row.label)) for i, row in enumerate(draw.test)]
    problem = Classify().fit_labels([*train, *gold])
    documents = [Document(f"d{i}", text) for i, text in enumerate(draw.raw)]
    section = Finetune.model_validate(
        {"seed": seed, "max_length": MAX_LENGTH, "prefix": prefix, "pooling": "mean", "recipe": recipe}
    )
    clock = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        store = CheckpointStore(Path(folder) / "run", 1e9)
        options: dict[str, Any] = {"params": section, "store": store, "device": "cpu", "documents": documents}
        outcome = finetune(encoder, problem, train, [], **options)
    seconds = time.process_time() - clock
    predicted = outcome.model.predict([example.inputs for example in gold])
    metrics = problem.score(problem.tally(gold, predicted))
    facts = {name: value for name, value in outcome.facts.items() if name not in ("device", "precision")}
    return {"macro_f1": float(metrics["macro_f1"]), "seconds": round(seconds, 1), "facts": facts}


def iterate_runs(arguments: argparse.Namespace) -> Iterator[tuple[str, int, int, str]]:
    """Yield (set, labels a class, draw, recipe)."""
    for per_class in arguments.labels.split(","):
        for name in arguments.sets.split(","):
            for number in range(arguments.draws):
                for recipe in arguments.recipes.split(","):
                    yield name, int(per_class), number, recipe


def measure_run(name: str, per_class: int, number: int, recipe: str) -> dict[str, Any]:
    """Measure one run in this process."""
    draw = draw_per_class(load_unique(name), per_class, number)
    encoder, prefix = find_encoder(name)
    return fit_recipe(draw, encoder, prefix, {"kind": recipe}, number)


def summarise(runs: dict[str, Any]) -> str:
    """Return a table: a row for each number of labels and set, a column for each recipe."""
    rows: dict[tuple[int, str], dict[str, list[dict[str, Any]]]] = {}
    for key, run in runs.items():
        name, per_class, _, recipe = key.split("/")
        for group in (name, "mean"):
            rows.setdefault((int(per_class), group), {}).setdefault(recipe, []).append(run)
    recipes = sorted({recipe for row in rows.values() for recipe in row})
    lines = ["labels a class | set | " + " | ".join(recipes)]
    for (per_class, group), row in sorted(rows.items(), key=lambda pair: (pair[0][0], pair[0][1] == "mean")):
        columns = [f"{mean_of(row.get(recipe, []), 'macro_f1'):.3f}" for recipe in recipes]
        seconds = [f"{mean_of(row.get(recipe, []), 'seconds'):.0f} s" for recipe in recipes]
        lines.append(f"{per_class} | {group} | " + " | ".join(map(" ".join, zip(columns, seconds, strict=True))))
    return "\n".join(lines)


def mean_of(runs: Sequence[dict[str, Any]], field: str) -> float:
    """Return the mean of a field; NaN without runs."""
    return sum(run[field] for run in runs) / len(runs) if runs else float("nan")


def main() -> None:
    """Measure what is not measured yet, each run in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--labels", default="4,8,16")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--recipes", default="linear,label_names,transductive")
    parser.add_argument("--run", help="measure one run and print it as JSON")
    arguments = parser.parse_args()
    if arguments.run:
        name, per_class, number, recipe = arguments.run.split("/")
        print(json.dumps(measure_run(name, int(per_class), int(number), recipe)))
        return
    runs: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for run in iterate_runs(arguments):
        key = "/".join(map(str, run))
        if key not in runs:
            command = [sys.executable, "-m", "benchmarks.few_labels", "--run", key]
            process = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
            runs[key] = json.loads(process.stdout.splitlines()[-1])
            RESULTS.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    print(summarise(runs))


if __name__ == "__main__":
    main()
