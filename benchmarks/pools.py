"""Do the meter's intervals hold for labels drawn anew? Forty studies of the default's tweets, with labels of their own.

Who did it all again would have other labels and another test. So the labelled tweets, one of each group that `ingest`
ties, are dealt into three: of 6,000 each study draws 240 labels, of 5,500 others 2,000 test texts, and the rest are its
raw texts. It is the meter's study of params.yaml, with self-training as the only lever: linear heads on cached
embeddings. The truth of a quantity is its mean over all studies. Printed is how often the 95 % intervals of a study
hold it: of plain's curve and of the gain, at every budget.

Two hours on two cores; what was evaluated is kept in benchmarks/scratch.

    python -m benchmarks.pools [studies]
"""

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from satiety.core.executor import processes
from satiety.core.records import Document
from satiety.core.settings import count_cores
from satiety.ingest import Ingest
from satiety.ingest.assets import copy_model
from satiety.ingest.duplicates import drop_duplicates, resolve_conflicts
from satiety.ingest.load import load
from satiety.ingest.split import link
from satiety.tuning import Finetune
from satiety.worth.findings import Findings, analyze_study
from satiety.worth.preparation import StudyData, prepare_study
from satiety.worth.section import Worth
from satiety.worth.study import run_study

SCRATCH, RESULTS = Path("benchmarks/scratch/pools"), Path("benchmarks/results/pools.json")
BASE = SCRATCH / "base"
STUDIES, LABELS, TEST = 40, 240, 2000
SIDES = 6000, 5500
"""Texts that labels, and test texts, are drawn of."""
LEVER = ("self_training",)
BARS = 0.93, 0.98


def material(studies: int) -> list[StudyData]:
    """Return what each study is made of: labels and test texts of its own, and the same raw texts."""
    params = Ingest.load()
    loaded = load(params.labelled, [], params.problem, params.limits, params.mask, Path("data/raw"))
    single, _ = resolve_conflicts(loaded.examples, params.conflicts)
    unique, _, _ = drop_duplicates(single, [], {}, params.dedup_threshold)
    clusters = link(unique, params.group_similarity).clusters
    alone = list({clusters[example.id]: example for example in unique}.values())
    problem = params.problem.fit_labels(alone)
    dealt = random.Random(params.seed).sample(alone, len(alone))
    labels, tests, rest = dealt[: SIDES[0]], dealt[SIDES[0] : sum(SIDES)], dealt[sum(SIDES) :]
    raw = tuple(Document(one.id, one.text, one.language, source=one.source) for one in rest)
    if not BASE.is_dir():
        copy_model(params.base, BASE, Path("data/raw"))
    draws = [random.Random(f"{params.seed}/{number}") for number in range(studies)]
    return [
        StudyData(problem, tuple(draw.sample(labels, LABELS)), tuple(draw.sample(tests, TEST)), raw, BASE)
        for draw in draws
    ]


def measured(given: StudyData, params: Worth) -> Findings:
    """Return what the meter finds with the labels of one study."""
    plan, inputs = prepare_study(given, params, Finetune.load(), SCRATCH, "cpu")
    with processes(count_cores()) as executor:
        return analyze_study(plan, run_study(plan, inputs, executor))


def row(found: Findings) -> dict[str, Any]:
    """Return the intervals of one study, by quantity and budget."""
    curve = [found.scores.curve[i].interval(found.confidence_level).to_dict() for i in range(len(found.scores.budgets))]
    gains = [one.to_dict() for one in found.gains[LEVER]]
    return {"budgets": list(found.scores.budgets), "curve": curve, "gain": gains}


def coverage(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return, by quantity and budget, the truth, how often it was held, and how wide the intervals are."""
    told: dict[str, Any] = {}
    for name in ("curve", "gain"):
        told[name] = []
        for place, budget in enumerate(rows[0]["budgets"]):
            found = [one[name][place] for one in rows]
            values = np.array([one["value"] for one in found])
            truth = float(values.mean())
            told[name].append(
                {
                    "budget": budget,
                    "truth": round(truth, 4),
                    "spread": round(float(values.std(ddof=1)), 4),
                    "held": round(float(np.mean([one["low"] <= truth <= one["high"] for one in found])), 4),
                    "half width": round(float(np.mean([one["high"] - one["low"] for one in found])) / 2, 4),
                }
            )
    return told


def main() -> None:
    """Run the studies, write the results, print them."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES
    params = Worth.load().model_copy(update={"controls": []})
    params = params.model_copy(
        update={"levers": {name: one for name, one in params.levers.items() if name == LEVER[0]}}
    )
    rows = []
    for number, given in enumerate(material(studies)):
        rows.append(row(measured(given, params)))
        print(f"study {number + 1} of {studies}", file=sys.stderr)
    told = {"studies": studies, "labels": LABELS, **coverage(rows)}
    RESULTS.write_text(json.dumps(told | {"rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
