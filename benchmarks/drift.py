"""How often windows that are just like the reference raise the alarm: English and Chinese, 50 to 1,000 texts.

Tweets (the default problem) and `thucnews` (../shared/data): a head learned from 240 labels, and test texts of which
every repeat draws a reference and a window anew. Half an hour on two idle cores for 2,000 repeats of all six; what
benchmarks/results/drift.json holds already for the same number of them is not run again.

    python -m benchmarks.drift [--repeats 2000] [50 200 1000]
"""

import argparse
import json
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import PROBLEMS, SCRATCH
from benchmarks.support import stages
from satiety.core.records import Example, read
from satiety.monitor import DETECTORS, TextSample, compare
from satiety.monitor.featurizer import Featurizer
from satiety.worth.agreement import estimate_wilson_interval

RESULTS = Path("benchmarks/results/drift.json")
WORLDS = {"en": "tweets", "zh": "thucnews"}
REFERENCE, DIVISIONS, ALPHA, NEIGHBOURS = 1000, 399, 0.05, 10
BAR = (0.04, 0.06)
LABELS = {"budget": 240, "test": 4000}


def eye(language: str) -> tuple[Featurizer, list[Example]]:
    """Return how a head of the problem's labels sees texts, and the test examples."""
    home = SCRATCH / f"drift-{language}"
    params = PROBLEMS[WORLDS[language]](home)
    params["ingest"] |= LABELS
    if not (home / "data/test.parquet").exists() or stages.read(home / "params.yaml")["ingest"] != params["ingest"]:
        stages.write(home, params)
        for stage in ("ingest", "validate"):
            stages.run(home, stage)
    return seeing(home)


def seeing(home: Path) -> tuple[Featurizer, list[Example]]:
    """Return how a head of the labels in a folder sees texts, and the test examples in it."""
    from satiety.problems import Problem
    from satiety.worth.features import FeatureExtractor
    from satiety.worth.learners import ProxyModel
    from satiety.worth.section import Worth

    worth = Worth.load(home / "params.yaml")
    problem, test = Problem.load(home / "data/problem.json"), list(read(home / "data/test.parquet", Example))
    labelled = [one for split in ("train", "dev") for one in read(home / f"data/{split}.parquet", Example)]
    reader = FeatureExtractor(home / "read", home / "models/base", problem, worth.encoder_config, "cpu")
    quick = ProxyModel(problem, reader, worth.head, worth.encoder_config)
    head = quick.fit(labelled, worth.seed)
    assert head is not None  # noqa: S101
    known = reader.embed([one.text for one in labelled])
    return Featurizer(problem, partial(_answers, quick, head), reader.embed, known, NEIGHBOURS), test


def _answers(quick: Any, head: Any, inputs: Any) -> Any:
    return quick.answers(head, quick.problem.ask(inputs))


def sample(language: str) -> TextSample:
    """Return the test texts of a problem as a head of its labels sees them; what is read is kept."""
    looks, test = eye(language)
    return looks.transform([one.inputs for one in test])[0]


@cache
def _sample(language: str) -> TextSample:
    return sample(language)


def alarms(language: str, size: int, repeat: int) -> dict[str, bool]:
    """Return who raises the alarm in one repeat."""
    whole = _sample(language)
    drawn = np.random.default_rng([repeat, size]).permutation(len(whole))[: size + REFERENCE]
    window, reference = whole.take(drawn[:size]), whole.take(drawn[size:])
    detectors = [DETECTORS[name].sample() for name in DETECTORS]
    found = compare(reference, window, detectors, permutations=DIVISIONS, alpha=ALPHA, seed=repeat)
    return {"together": found.alarm} | {name: test.p <= ALPHA for name, test in found.tests.items()}


def main() -> None:
    """Count the alarms, write them, and end with a message where they are too many or too few."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int, default=[50, 200, 1000])
    parser.add_argument("--repeats", type=int, default=2000)
    asked = parser.parse_args()
    told: dict[str, Any] = {"reference": REFERENCE, "divisions": DIVISIONS, "repeats": asked.repeats, "alarms": {}}
    before: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if {**before, "alarms": {}} == told:
        told = before
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for language, size in ((one, n) for one in WORLDS for n in asked.sizes):
            cell, count = f"{language} {size}", Counter[str]()
            if cell in told["alarms"]:
                continue
            _sample(language)  # read once, before two would do it at once
            for found in pool.map(partial(alarms, language, size), range(asked.repeats), chunksize=20):
                count.update(found)
            told["alarms"][cell] = {
                name: estimate_wilson_interval(n, asked.repeats, 0.95).to_dict() for name, n in count.items()
            }
            RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
            print(cell, {name: n / asked.repeats for name, n in count.items()}, flush=True)
    rates = {name: one["together"]["value"] for name, one in told["alarms"].items()}
    if outside := {name: rate for name, rate in rates.items() if not BAR[0] <= rate <= BAR[1]}:
        sys.exit(f"outside what is promised ({BAR[0]:.0%} to {BAR[1]:.0%}): {outside}")


if __name__ == "__main__":
    main()
