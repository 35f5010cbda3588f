"""The frozen test is like what it was drawn from, and intervals hold where texts come in groups.

First the default problem: over 200 seeds, the mean share of texts in test that are tied to another one
(near-duplicates by `ingest.group_similarity`), beside that of all labelled texts. Then 2,000 simulated test
sets of 600 groups of 1 to 6 texts that are mostly right or wrong together. For these, how often the 95 % intervals of
accuracy and macro-F1 contain the truth, drawn by whole groups, and, as the peer, by single texts.

    python -m benchmarks.groups
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from satiety.evaluate.bootstrap import Resampling, estimate_intervals
from satiety.ingest import Ingest
from satiety.ingest.duplicates import drop_duplicates, resolve_conflicts
from satiety.ingest.load import load
from satiety.ingest.split import divide, link
from satiety.problems import PROBLEMS

RESULTS = Path("benchmarks/results/groups.json")
SEEDS, SETS, GROUPS, MOST, RESAMPLES = 200, 2000, 600, 6, 1000
SKILL, TOGETHER = 0.7, 0.8
"""Share of texts that are right, and of a group's texts that share its fate."""
NEAR, COVERAGE = 0.01, (0.94, 0.96)
PROBLEM = PROBLEMS["classify"].model_validate({"labels": ["a", "b", "c"], "names": {}})
SHARES = np.array([0.6, 0.3, 0.1])


def split() -> dict[str, float]:
    """Return the share of tied texts among all, and its mean in test."""
    params = Ingest.load()
    loaded = load(params.labelled, [], params.problem, params.limits, params.mask, Path("data/raw"))
    unique, _, _ = drop_duplicates(
        resolve_conflicts(loaded.examples, params.conflicts)[0], [], {}, params.dedup_threshold
    )
    problem, ties = params.problem.fit_labels(unique), link(unique, params.group_similarity)
    sizes = Counter(ties.clusters.values())
    tied = {name for name, cluster in ties.clusters.items() if sizes[cluster] > 1}
    sizes_of: dict[str, Any] = {"test": params.test, "budget": params.budget, "dev": params.dev}
    test_shares = []
    for seed in range(SEEDS):
        division = divide(unique, ties, {}, problem.stratum, seed=seed, **sizes_of)
        test_shares.append(np.mean([example.id in tied for example in division.examples if example.split == "test"]))
    return {"all": len(tied) / len(unique), "test": float(np.mean(test_shares)), "spread": float(np.std(test_shares))}


def make_test_set(rng: np.random.Generator, groups: int) -> tuple[Any, Any]:
    """Return tallies and groups of a made test set."""
    codes = np.repeat(np.arange(groups), rng.integers(1, MOST + 1, groups))
    fate, own_fate = rng.random(groups) < SKILL, rng.random(len(codes)) < SKILL
    is_right = np.where(rng.random(len(codes)) < TOGETHER, fate[codes], own_fate)
    gold = rng.choice(3, len(codes), p=SHARES)
    answers = np.where(is_right, gold, (gold + rng.integers(1, 3, len(codes))) % 3)
    hot = np.eye(3)
    return np.concatenate([hot[gold] * hot[answers], hot[answers], hot[gold]], axis=1), codes


def coverage() -> dict[str, dict[str, float]]:
    """Return how often intervals held the truth, by how they were drawn."""
    rng, metrics = np.random.default_rng(14), ("accuracy", "macro_f1")
    large, _ = make_test_set(rng, 300_000)
    truth = {name: float(value) for name, value in PROBLEM.score(large).items()}
    hits = {unit: Counter[str]() for unit in ("groups", "texts")}
    for number in range(SETS):
        tallies, codes = make_test_set(rng, GROUPS)
        for unit, groups in (("groups", codes), ("texts", np.arange(len(codes)))):
            intervals = estimate_intervals(PROBLEM.score, tallies, groups, Resampling(number, RESAMPLES, 0.95))
            hits[unit].update(name for name in metrics if intervals[name].low <= truth[name] <= intervals[name].high)
    return {unit: {name: counts[name] / SETS for name in metrics} for unit, counts in hits.items()}


def main() -> None:
    """Measure, write the results, and print them."""
    report = {"split": split(), "coverage": coverage()}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))
    low, high = COVERAGE
    is_near = abs(report["split"]["test"] - report["split"]["all"]) <= NEAR
    if not is_near or not all(low <= share <= high for share in report["coverage"]["groups"].values()):
        sys.exit(f"outside what is promised: shares within {NEAR}, coverage by groups within {COVERAGE}")


if __name__ == "__main__":
    main()
