"""Recipes at few labels, on six public sets in English and Chinese: scores and CPU seconds.

A run is a set, a number of labels, a draw and a recipe. Runs are written as they end, and an interrupted benchmark
continues where it was.

    python -m benchmarks.few_labels [--sets clinc150,tweets] [--labels 4,8,16] [--draws 3] [--recipes linear,setfit,…]

Labels are so many of each class, or with an ``r``, as in ``100r``, so many in all, drawn at random. A recipe may have
a variant: ``auto+no_raw`` is given no raw text, ``auto+foreign`` that of another set, and ``fine_tune+dev`` stops by a
fifth of the labels. The recipe `setfit` is the peer: pip install -c constraints.txt -e '.[peers]'
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support.sets import (
    FEW_LABEL_SETS,
    FewLabels,
    LabelledText,
    draw_at_random,
    draw_per_class,
    find_encoder,
    load_unique,
)

if TYPE_CHECKING:
    from satiety.tuning import Finetune, TunedModel
    from satiety.tuning.recipes import FitOutcome

RESULTS = Path("benchmarks/results/few_labels.json")
MAX_LENGTH = 128
DEV_SHARE = 0.2
FOREIGN = {
    "sms_spam": "clinc150",
    "clinc150": "sms_spam",
    "tweets": "semeval2010",
    "semeval2010": "tweets",
    "thucnews": "reviews_zh",
    "reviews_zh": "thucnews",
}
"""A set -> one of another domain in the same language."""


def build_section(recipe: dict[str, Any], seed: int, prefix: str) -> "Finetune":
    """Return the section `finetune` for a recipe."""
    from satiety.tuning import Finetune

    values = {"seed": seed, "max_length": MAX_LENGTH, "prefix": prefix, "pooling": "mean", "recipe": recipe}
    return Finetune.model_validate(values | ({"self_training": {}} if recipe["kind"] == "auto" else {}))


def tally(model: "TunedModel", draw: FewLabels) -> Any:
    """Return what the model's answers to the test texts count for, text by text."""
    from satiety.core.answers import Label
    from satiety.core.records import Example

    gold = [Example(f"t{i}", {"text": row.text}, Label(row.label)) for i, row in enumerate(draw.test)]
    return model.problem.tally(gold, model.predict([example.inputs for example in gold]))


def fit_model(
    draw: FewLabels, encoder: Path, prefix: str, recipe: dict[str, Any], seed: int, dev_share: float = 0.0
) -> "FitOutcome":
    """Fit a recipe to a draw, as the stage `finetune` does, and return the model with its report."""
    from satiety.core.answers import Label
    from satiety.core.records import Document, Example
    from satiety.problems.classify import Classify
    from satiety.training.checkpoint import CheckpointStore
    from satiety.tuning.finetune import finetune

    train = [Example(str(i), {"text": row.text}, Label(row.label)) for i, row in enumerate(draw.train)]
    labels = sorted({row.label for row in (*draw.train, *draw.test)})
    documents = [Document(f"d{i}", text) for i, text in enumerate(draw.raw)]
    section = build_section(recipe, seed, prefix)
    with tempfile.TemporaryDirectory() as folder:
        store = CheckpointStore(Path(folder) / "run", 1e9)
        options: dict[str, Any] = {"params": section, "store": store, "device": "cpu", "documents": documents}
        dev = train[: round(dev_share * len(train))]
        return finetune(encoder, Classify(labels=labels), train[len(dev) :], dev, **options)


def measure_recipe(
    draw: FewLabels, encoder: Path, prefix: str, recipe: dict[str, Any], seed: int, dev_share: float
) -> dict[str, Any]:
    """Return a recipe's score on the test texts, CPU seconds of fitting, and the facts of its report."""
    clock = time.process_time()
    outcome = fit_model(draw, encoder, prefix, recipe, seed, dev_share)
    seconds = time.process_time() - clock
    metrics = outcome.model.problem.score(tally(outcome.model, draw))
    facts = {name: value for name, value in outcome.facts.items() if name not in ("device", "precision")}
    return {"macro_f1": float(metrics["macro_f1"]), "seconds": round(seconds, 1), "facts": facts}


def measure_setfit(draw: FewLabels, encoder: Path, prefix: str, seed: int) -> dict[str, Any]:
    """Return the same of SetFit with the same encoder: 20 pairs of each kind a text, one epoch, in float32."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    from satiety.core.answers import Label
    from satiety.core.records import Example
    from satiety.problems import Prediction
    from satiety.problems.classify import Classify

    def build(rows: Sequence[LabelledText]) -> Any:
        return Dataset.from_dict({"text": [prefix + row.text for row in rows], "label": [row.label for row in rows]})

    clock = time.process_time()
    model = SetFitModel.from_pretrained(str(encoder), local_files_only=True)
    model.model_body.float().max_seq_length = MAX_LENGTH  # some encoders are stored in float16, slow on a CPU
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, batch_size=16, num_epochs=1, num_iterations=20, seed=seed, save_strategy="no"
        )
        Trainer(model=model, args=arguments, train_dataset=build(draw.train)).train()
    seconds = time.process_time() - clock
    answers = model.predict([prefix + row.text for row in draw.test])
    gold = [Example(f"t{i}", {"text": row.text}, Label(row.label)) for i, row in enumerate(draw.test)]
    problem = Classify(labels=sorted({row.label for row in (*draw.train, *draw.test)}))
    metrics = problem.score(problem.tally(gold, [Prediction(Label(str(answer))) for answer in answers]))
    return {"macro_f1": float(metrics["macro_f1"]), "seconds": round(seconds, 1), "facts": {}}


def iterate_runs(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the name of each run: set, labels, draw, recipe."""
    for labels in arguments.labels.split(","):
        for name in arguments.sets.split(","):
            for number in range(arguments.draws):
                for recipe in arguments.recipes.split(","):
                    yield f"{name}/{labels}/{number}/{recipe}"


def draw_labels(name: str, labels: str, number: int, variant: str) -> FewLabels:
    """Return a draw of labels with its raw and test texts."""
    draw = draw_at_random if labels.endswith("r") else draw_per_class
    labelled = draw(load_unique(name), int(labels.rstrip("r")), number)
    if variant == "foreign":
        return replace(labelled, raw=draw_at_random(load_unique(FOREIGN[name]), 0, number).raw)
    return replace(labelled, raw=()) if variant == "no_raw" else labelled


def measure_run(run: str) -> dict[str, Any]:
    """Measure one run in this process."""
    name, labels, number, recipe = run.split("/")
    kind, _, variant = recipe.partition("+")
    draw, (encoder, prefix), seed = draw_labels(name, labels, int(number), variant), find_encoder(name), int(number)
    if kind == "setfit":
        return measure_setfit(draw, encoder, prefix, seed)
    return measure_recipe(draw, encoder, prefix, {"kind": kind}, seed, DEV_SHARE if variant == "dev" else 0.0)


def summarise(runs: dict[str, Any]) -> str:
    """Return a table: a row for each number of labels and set, a column for each recipe."""
    rows: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for key, run in runs.items():
        name, labels, _, recipe = key.split("/")
        for group in (name, "mean"):
            rows.setdefault((labels, group), {}).setdefault(recipe, []).append(run)
    recipes = sorted({recipe for row in rows.values() for recipe in row})
    lines = ["labels | set | " + " | ".join(recipes)]
    order = sorted(rows.items(), key=lambda pair: (int(pair[0][0].rstrip("r")), pair[0][1] == "mean"))
    for (labels, group), row in order:
        columns = [f"{mean_of(row.get(recipe, []), 'macro_f1'):.3f}" for recipe in recipes]
        seconds = [f"{mean_of(row.get(recipe, []), 'seconds'):.0f} s" for recipe in recipes]
        lines.append(f"{labels} | {group} | " + " | ".join(map(" ".join, zip(columns, seconds, strict=True))))
    return "\n".join(lines)


def mean_of(runs: Sequence[dict[str, Any]], field: str) -> float:
    """Return the mean of a field; NaN without runs."""
    return sum(run[field] for run in runs) / len(runs) if runs else float("nan")


def main() -> None:
    """Measure what is not measured yet, each run in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(FEW_LABEL_SETS))
    parser.add_argument("--labels", default="4,8,16")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--recipes", default="linear,auto,setfit")
    parser.add_argument("--run", help="measure one run and print it as JSON")
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(measure_run(arguments.run)))
        return
    runs: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for key in iterate_runs(arguments):
        if key not in runs:
            command = [sys.executable, "-m", "benchmarks.few_labels", "--run", key]
            process = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
            runs[key] = json.loads(process.stdout.splitlines()[-1])
            RESULTS.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    print(summarise(runs))


if __name__ == "__main__":
    main()
