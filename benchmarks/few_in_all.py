"""Few labels in all: scores out of fold against the score on a large hidden test, and coverage of their intervals.

A run is a set, a number of labels drawn at random, a draw and a list of recipes that `auto` compares: those on the
untouched encoder (`frozen`, 20 draws) or all (`all`, 3 draws). The labels are scored as in the stage `evaluate` without
a test; then the recipe is fitted to all of them and scored on up to 1,000 hidden texts. The label set is that of the
drawn labels, as in `ingest`, so hidden texts of other classes are left out. Where all labels have one class, chance
draws again. Runs are written as they end, and an interrupted benchmark continues where it was.

    python -m benchmarks.few_in_all [--sets clinc150,tweets,reviews_zh] [--labels 10,40,150] [--draws 20]
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
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from benchmarks.few_labels import MAX_LENGTH
from benchmarks.support.sets import FewLabels, LabelledText, draw_at_random, find_encoder, load_unique

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.problems import Prediction, Problem
    from satiety.tuning.cross_validation import Experiment

RESULTS = Path("benchmarks/results/few_in_all.json")
DRAWS = {"frozen": 20, "all": 3}
FROZEN = [{"kind": "transductive"}, {"kind": "label_names"}, {"kind": "linear"}]
METRICS = ("macro_f1", "accuracy")
MAX_RAW = 500
"""Raw texts; a fit of `transductive` takes a second with so many."""
SIMILARITY = 0.65
"""Labels at least this similar are held out together, as `ingest.group_similarity` has it."""


def draw_labels(rows: Sequence[LabelledText], count: int, number: int) -> FewLabels:
    """Draw labels at random, of two classes at least; leave hidden texts of other classes out."""
    attempts = (draw_at_random(rows, count, number + 1000 * attempt) for attempt in range(100))
    draw = next(draw for draw in attempts if len({row.label for row in draw.train}) > 1)
    classes = {row.label for row in draw.train}
    return FewLabels(draw.train, draw.raw, tuple(row for row in draw.test if row.label in classes))


def build_examples(rows: Sequence[LabelledText], prefix: str) -> "list[Example]":
    """Return labelled texts as examples."""
    from satiety.core.answers import Label
    from satiety.core.records import Example

    return [Example(f"{prefix}{i:04}", {"text": row.text}, Label(row.label)) for i, row in enumerate(rows)]


def design_experiment(draw: FewLabels, name: str, number: int, recipes: str, folder: Path) -> "Experiment":
    """Return the labels in groups of near-duplicates, with the raw texts, as the stage `evaluate` has them."""
    from satiety.core.records import Document
    from satiety.ingest.split import assign_groups, link
    from satiety.problems import Prediction
    from satiety.problems.classify import Classify
    from satiety.training.checkpoint import CheckpointStore
    from satiety.tuning.cross_validation import Experiment
    from satiety.tuning.section import Finetune

    encoder, prefix = find_encoder(name)
    examples = build_examples(draw.train, "label")
    recipe = {"kind": "auto"} | ({"candidates": FROZEN} if recipes == "frozen" else {})
    values = {"seed": number, "max_length": MAX_LENGTH, "prefix": prefix, "pooling": "mean", "recipe": recipe}
    return Experiment(
        problem=Classify(labels=sorted({row.label for row in draw.train})),
        base=encoder,
        pretrained=encoder,
        labels=list(assign_groups(examples, link(examples, SIMILARITY))),
        dev=(),
        documents=[Document(f"d{i}", text) for i, text in enumerate(draw.raw[:MAX_RAW])],
        params=Finetune.model_validate(values | {"self_training": {}}),
        store=CheckpointStore(folder / "run", 1e9),
        device="cpu",
        augment=lambda train, held_out: train,
        predict_before=lambda train, held_out: [Prediction() for _ in held_out],
    )


def score_out_of_fold(experiment: "Experiment", number: int) -> dict[str, Any]:
    """Return the scores out of fold with their intervals, of the tuned model and of what raw texts gain."""
    from satiety.evaluate import Evaluate
    from satiety.evaluate.bootstrap import IMAGINARY, Resampling, assign_groups, compare
    from satiety.tuning.cross_validation import predict_out_of_fold, split_labels

    labels, problem = experiment.labels, experiment.problem
    params = Evaluate(seed=number, resamples=2000, confidence_level=0.95, bins=15, prefix="")
    folds = split_labels(problem, labels, params.count_folds(len(labels)), number)
    systems = predict_out_of_fold(experiment, folds).systems
    tallies = [problem.tally(labels, systems[name]) for name in ("labels_only", "after")]
    resampling = Resampling(number, params.resamples, params.confidence_level, IMAGINARY, problem.unbounded)
    comparison = compare(problem.score, *tallies, assign_groups(labels), resampling)
    intervals = {"after": comparison.second, "gain": comparison.difference}
    return {
        "folds": len(folds),
        **{name: {metric: rows[metric].to_dict() for metric in METRICS} for name, rows in intervals.items()},
    }


def score_hidden(experiment: "Experiment", test: "Sequence[Example]") -> dict[str, Any]:
    """Return the scores on the hidden texts of the models fitted to all labels."""
    from satiety.tuning.finetune import finetune, finetune_on_labels

    run: dict[str, Any] = {"params": experiment.params, "store": experiment.store, "device": "cpu"}
    data = (experiment.base, experiment.problem, experiment.labels, experiment.dev)
    after = finetune(*data, documents=experiment.documents, **run).model
    labels_only = finetune_on_labels(*data, **run).model
    inputs = [example.inputs for example in test]
    scores = [compute_metrics(experiment.problem, test, model.predict(inputs)) for model in (after, labels_only)]
    gain = {metric: scores[0][metric] - scores[1][metric] for metric in METRICS}
    return {"after": scores[0], "gain": gain}


def compute_metrics(
    problem: "Problem", gold: "Sequence[Example]", predicted: "Sequence[Prediction]"
) -> dict[str, float]:
    """Return the metrics of predictions."""
    metrics = problem.score(problem.tally(gold, predicted))
    return {metric: round(float(metrics[metric]), 6) for metric in METRICS}


def measure_run(name: str, count: int, number: int, recipes: str) -> dict[str, Any]:
    """Measure one run in this process."""
    clock = time.process_time()
    draw = draw_labels(load_unique(name), count, number)
    test = build_examples(draw.test, "test")
    with tempfile.TemporaryDirectory() as folder:
        experiment = design_experiment(draw, name, number, recipes, Path(folder))
        run = {"out_of_fold": score_out_of_fold(experiment, number), "hidden": score_hidden(experiment, test)}
    classes = len({row.label for row in draw.train})
    return run | {"classes": classes, "test": len(test), "seconds": round(time.process_time() - clock, 1)}


def iterate_runs(arguments: argparse.Namespace) -> Iterator[tuple[str, int, int, str]]:
    """Yield (set, labels, draw, recipes)."""
    for recipes in arguments.recipes.split(","):
        for number in range(min(arguments.draws, DRAWS[recipes])):
            for count in arguments.labels.split(","):
                for name in arguments.sets.split(","):
                    yield name, int(count), number, recipes


def summarise(runs: dict[str, Any]) -> str:
    """Return a table: bias (out of fold less hidden), its standard error, and coverage, for score and gain."""
    rows: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for key, run in runs.items():
        name, count, _, recipes = key.split("/")
        for group in (name, "mean"):
            rows.setdefault((recipes, int(count), group), []).append(run)
    columns = [(side, metric) for side in ("after", "gain") for metric in METRICS]
    lines = ["recipes | labels | set | draws | " + " | ".join(f"{side} {metric}" for side, metric in columns)]
    for (recipes, count, group), group_runs in sorted(rows.items()):
        texts = [describe_column(group_runs, side, metric) for side, metric in columns]
        lines.append(f"{recipes} | {count} | {group} | {len(group_runs)} | " + " | ".join(texts))
    return "\n".join(lines)


def describe_column(runs: Sequence[dict[str, Any]], side: str, metric: str) -> str:
    """Return bias ± standard error, share of intervals that cover the hidden score, and their mean width."""
    pairs = [(run["out_of_fold"][side][metric], run["hidden"][side][metric]) for run in runs]
    errors = [interval["value"] - truth for interval, truth in pairs]
    covered = fmean(interval["low"] <= truth <= interval["high"] for interval, truth in pairs)
    width = fmean(interval["high"] - interval["low"] for interval, _ in pairs)
    spread = stdev(errors) / len(errors) ** 0.5 if len(errors) > 1 else float("nan")
    return f"{fmean(errors):+.3f} ± {spread:.3f}, {covered:.2f} of {width:.2f}"


def main() -> None:
    """Measure what is not measured yet, each run in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default="clinc150,tweets,reviews_zh")
    parser.add_argument("--labels", default="10,40,150")
    parser.add_argument("--recipes", default="frozen,all")
    parser.add_argument("--draws", type=int, default=max(DRAWS.values()), help="draws at most")
    parser.add_argument("--run", help="measure one run and print it as JSON")
    arguments = parser.parse_args()
    if arguments.run:
        name, count, number, recipes = arguments.run.split("/")
        print(json.dumps(measure_run(name, int(count), int(number), recipes)))
        return
    runs: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for run in iterate_runs(arguments):
        key = "/".join(map(str, run))
        if key not in runs:
            command = [sys.executable, "-m", "benchmarks.few_in_all", "--run", key]
            process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=dict(os.environ))
            runs[key] = json.loads(process.stdout.splitlines()[-1])
            RESULTS.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    print(summarise(runs))


if __name__ == "__main__":
    main()
