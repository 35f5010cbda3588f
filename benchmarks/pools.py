"""Coverage of the meter's intervals for new labels: forty studies of the default's tweets, each with its own labels.

A repetition of a study would have other labels and another test. So the labelled tweets, one of each group that
`ingest` ties, are divided into three: each study draws 240 labels from 6,000, 2,000 test texts from 5,500 others, and
the remainder are its raw texts. It is the meter's study of params.yaml, with self-training as the only lever: linear
heads on cached embeddings. The truth of a quantity is its mean over all studies. Printed is how often the 95 %
intervals of a study contain it: for the curve of the baseline and for the gain, at every budget.

Two hours on two cores; finished runs are kept in benchmarks/scratch.

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
"""Texts that labels, and test texts, are drawn from."""
LEVER = ("self_training",)
BARS = 0.93, 0.98


def draw_study_data(studies: int) -> list[StudyData]:
    """Return the data of each study: labels and test texts of its own, and the same raw texts."""
    params = Ingest.load()
    loaded = load(params.labelled, [], params.problem, params.limits, params.mask, Path("data/raw"))
    consistent, _ = resolve_conflicts(loaded.examples, params.conflicts)
    unique, _, _ = drop_duplicates(consistent, [], {}, params.dedup_threshold)
    clusters = link(unique, params.group_similarity).clusters
    representatives = list({clusters[example.id]: example for example in unique}.values())
    problem = params.problem.fit_labels(representatives)
    shuffled = random.Random(params.seed).sample(representatives, len(representatives))
    labels, tests, remainder = shuffled[: SIDES[0]], shuffled[SIDES[0] : sum(SIDES)], shuffled[sum(SIDES) :]
    raw = tuple(Document(record.id, record.text, record.language, source=record.source) for record in remainder)
    if not BASE.is_dir():
        copy_model(params.base, BASE, Path("data/raw"))
    draws = [random.Random(f"{params.seed}/{number}") for number in range(studies)]
    return [
        StudyData(problem, tuple(draw.sample(labels, LABELS)), tuple(draw.sample(tests, TEST)), raw, BASE)
        for draw in draws
    ]


def measure_study(study_data: StudyData, params: Worth) -> Findings:
    """Return the meter's findings with the labels of one study."""
    plan, inputs = prepare_study(study_data, params, Finetune.load(), SCRATCH, "cpu")
    with processes(count_cores()) as executor:
        return analyze_study(plan, run_study(plan, inputs, executor))


def make_row(findings: Findings) -> dict[str, Any]:
    """Return the intervals of one study, by quantity and budget."""
    curve = [
        findings.scores.curve[i].interval(findings.confidence_level).to_dict()
        for i in range(len(findings.scores.budgets))
    ]
    gains = [gain.to_dict() for gain in findings.gains[LEVER]]
    return {"budgets": list(findings.scores.budgets), "curve": curve, "gain": gains}


def coverage(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return, by quantity and budget, the truth, the coverage of the intervals, and their half width."""
    table: dict[str, Any] = {}
    for name in ("curve", "gain"):
        table[name] = []
        for index, budget in enumerate(rows[0]["budgets"]):
            intervals = [row[name][index] for row in rows]
            values = np.array([interval["value"] for interval in intervals])
            truth = float(values.mean())
            table[name].append(
                {
                    "budget": budget,
                    "truth": round(truth, 4),
                    "spread": round(float(values.std(ddof=1)), 4),
                    "held": round(
                        float(np.mean([interval["low"] <= truth <= interval["high"] for interval in intervals])), 4
                    ),
                    "half width": round(
                        float(np.mean([interval["high"] - interval["low"] for interval in intervals])) / 2, 4
                    ),
                }
            )
    return table


def main() -> None:
    """Run the studies, write the results, print them."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES
    params = Worth.load().model_copy(update={"controls": []})
    params = params.model_copy(
        update={"levers": {name: lever for name, lever in params.levers.items() if name == LEVER[0]}}
    )
    rows = []
    for number, study_data in enumerate(draw_study_data(studies)):
        rows.append(make_row(measure_study(study_data, params)))
        print(f"study {number + 1} of {studies}", file=sys.stderr)
    summary = {"studies": studies, "labels": LABELS, **coverage(rows)}
    RESULTS.write_text(json.dumps(summary | {"rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary, indent=2))


if __name__ == "__main__":
    main()
