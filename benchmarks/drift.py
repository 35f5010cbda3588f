"""How often windows that are just like the reference raise the alarm: English and Chinese, 50 to 1,000 texts.

Tweets (the default problem) and `thucnews` (../shared/data): a head trained on 240 labels, and test texts of which
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
from satiety.evaluate.share import estimate_wilson_interval
from satiety.monitor import DETECTORS, TextSample, compare
from satiety.monitor.featurizer import Featurizer

RESULTS = Path("benchmarks/results/drift.json")
DATASETS = {"en": "tweets", "zh": "thucnews"}
REFERENCE, PERMUTATIONS, ALPHA, NEIGHBORS = 1000, 399, 0.05, 10
BAR = (0.04, 0.06)
LABELS = {"budget": 240, "test": 4000}


def load_featurizer(language: str) -> tuple[Featurizer, list[Example]]:
    """Return how a head of the problem's labels sees texts, and the test examples."""
    home = SCRATCH / f"drift-{language}"
    params = PROBLEMS[DATASETS[language]](home)
    params["ingest"] |= LABELS
    if not (home / "data/test.parquet").exists() or stages.read(home / "params.yaml")["ingest"] != params["ingest"]:
        stages.write(home, params)
        for stage in ("ingest", "validate"):
            stages.run(home, stage)
    return build_featurizer(home)


def build_featurizer(home: Path) -> tuple[Featurizer, list[Example]]:
    """Return how a head of the labels in a folder sees texts, and the test examples in it."""
    from satiety.problems import Problem
    from satiety.worth.features import FeatureExtractor
    from satiety.worth.learners import ProxyModel
    from satiety.worth.section import Worth

    worth = Worth.load(home / "params.yaml")
    problem, test = Problem.load(home / "data/problem.json"), list(read(home / "data/test.parquet", Example))
    labelled = [example for split in ("train", "dev") for example in read(home / f"data/{split}.parquet", Example)]
    extractor = FeatureExtractor(home / "read", home / "models/base", problem, worth.encoder_config, "cpu")
    proxy = ProxyModel(problem, extractor, worth.head, worth.encoder_config)
    head = proxy.fit(labelled, worth.seed)
    assert head is not None  # noqa: S101
    embeddings = extractor.embed([example.text for example in labelled])
    return Featurizer(problem, partial(_answers, proxy, head), extractor.embed, embeddings, NEIGHBORS), test


def _answers(proxy: Any, head: Any, inputs: Any) -> Any:
    return proxy.answers(head, proxy.problem.ask(inputs))


def sample(language: str) -> TextSample:
    """Return the test texts of a problem as a head of its labels sees them; what is read is kept."""
    featurizer, test = load_featurizer(language)
    return featurizer.transform([example.inputs for example in test])[0]


@cache
def _sample(language: str) -> TextSample:
    return sample(language)


def alarms(language: str, size: int, repeat: int) -> dict[str, bool]:
    """Return which detectors raise the alarm in one repeat."""
    texts = _sample(language)
    rows = np.random.default_rng([repeat, size]).permutation(len(texts))[: size + REFERENCE]
    window, reference = texts.take(rows[:size]), texts.take(rows[size:])
    detectors = [DETECTORS[name].sample() for name in DETECTORS]
    comparison = compare(reference, window, detectors, permutations=PERMUTATIONS, alpha=ALPHA, seed=repeat)
    return {"together": comparison.alarm} | {name: test.p <= ALPHA for name, test in comparison.tests.items()}


def main() -> None:
    """Count the alarms, write them, and end with a message where they are too many or too few."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int, default=[50, 200, 1000])
    parser.add_argument("--repeats", type=int, default=2000)
    arguments = parser.parse_args()
    report: dict[str, Any] = {
        "reference": REFERENCE,
        "divisions": PERMUTATIONS,
        "repeats": arguments.repeats,
        "alarms": {},
    }
    previous: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if {**previous, "alarms": {}} == report:
        report = previous
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for language, size in ((code, n) for code in DATASETS for n in arguments.sizes):
            key, count = f"{language} {size}", Counter[str]()
            if key in report["alarms"]:
                continue
            _sample(language)  # read once, before two would do it at once
            for alarm_flags in pool.map(partial(alarms, language, size), range(arguments.repeats), chunksize=20):
                count.update(alarm_flags)
            report["alarms"][key] = {
                name: estimate_wilson_interval(n, arguments.repeats, 0.95).to_dict() for name, n in count.items()
            }
            RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
            print(key, {name: n / arguments.repeats for name, n in count.items()}, flush=True)
    rates = {name: shares["together"]["value"] for name, shares in report["alarms"].items()}
    if violations := {name: rate for name, rate in rates.items() if not BAR[0] <= rate <= BAR[1]}:
        sys.exit(f"outside what is promised ({BAR[0]:.0%} to {BAR[1]:.0%}): {violations}")


if __name__ == "__main__":
    main()
