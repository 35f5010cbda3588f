"""Error of the score that is estimated without labels, in the months of five simulated years.

The world is that of `examples/year`, with its planted shifts; in every year chance draws the labels, the test examples
and the world's texts anew, for one test set is easy or hard for its model all year. Nothing is retrained: a head of
240 labels stays. Its true score is measured on 3,000 further texts of the month's world. Three minutes a year on two
cores.

    python -m benchmarks.months [2026 2027 2028 2029 2030]
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.agreement import SCRATCH
from benchmarks.drift import build_featurizer
from benchmarks.support import stages
from examples.year import project_copy
from examples.year.plan import Year
from examples.year.scenarios import draw_examples, make_scenario, write_example
from examples.year.simulation import divide_population
from satiety.core.project import read_project
from satiety.evaluate.share import estimate_wilson_interval
from satiety.ingest import Ingest
from satiety.levers.augment import Augment
from satiety.monitor.section import Monitor
from satiety.monitor.window_report import FeaturizedWindow, measure_drift, train_estimator

RESULTS = Path("benchmarks/results/months.json")
YEARS = (2026, 2027, 2028, 2029, 2030)
BAR = 0.03


def simulate_months(seed: int) -> Iterator[dict[str, Any]]:
    """Yield the months of a year: report of the monitor, and the truth."""
    year = Year.read().model_copy(update={"seed": seed})
    file, home = Path("params.yaml"), SCRATCH / f"months-{seed}"
    params = project_copy.override_params(stages.read(file), year.params)
    defaults = read_project(file, params)
    examples, pool_examples = project_copy.divide_labels(
        Ingest.check(file, params["ingest"], defaults=defaults), Path("data/raw"), seed
    )
    project_copy.write_inputs(project_copy.ProjectCopy(home, {}), params, examples)
    for stage in ("ingest", "validate"):
        stages.run(home, stage)
    featurizer, test = build_featurizer(home)
    monitor, population, traffic_ids = Monitor.load(file), divide_population(year, pool_examples), set[str]()
    test = random.Random(monitor.seed).sample(test, monitor.reference)
    pool = featurizer.build_pool(
        test, Augment(seed=monitor.seed, steps=monitor.simulation.rewrites, dedup_threshold=1.0)
    )
    estimator = train_estimator(featurizer.problem, pool, year.texts, monitor)
    for month in range(1, year.months + 1):
        scenario = make_scenario(year, month)
        draw_texts = partial(draw_examples, shares=scenario.shares, draw=random.Random(f"{seed}:{month}"))
        traffic = draw_texts([example for example in population.traffic if example.id not in traffic_ids], year.texts)
        traffic_ids |= {example.id for example in traffic}
        parts = [
            [write_example(example, scenario, population.replacements) for example in part]
            for part in (traffic, draw_texts(population.judged, year.judged))
        ]
        (sample, answers), (_, judged) = (featurizer.transform([example.inputs for example in part]) for part in parts)
        drift_report = measure_drift(
            featurizer.problem, pool, estimator, FeaturizedWindow(sample, answers, {}), monitor, []
        )
        true = float(featurizer.problem.score(featurizer.problem.tally(parts[1], judged))[featurizer.problem.headline])
        yield {
            "planted": list(scenario.planted),
            "verdict": drift_report.verdict,
            "estimate": drift_report.today.to_dict(),
            "true": round(true, 4),
        }


def summarize(months: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how far the estimates are off, and how many of their intervals held the truth."""
    num_covered = sum(month["estimate"]["low"] <= month["true"] <= month["estimate"]["high"] for month in months)
    return {
        "error": round(fmean(abs(month["estimate"]["value"] - month["true"]) for month in months), 4),
        "bias": round(fmean(month["estimate"]["value"] - month["true"] for month in months), 4),
        "intervals that held the truth": estimate_wilson_interval(num_covered, len(months), 0.95).to_dict(),
    }


def main() -> None:
    """Simulate the years, write the results, and exit with a message if the error exceeds the bar."""
    years = {}
    for seed in [int(argument) for argument in sys.argv[1:]] or YEARS:
        months = list(simulate_months(seed))
        years[seed] = {**summarize(months), "months": months}
        print(seed, summarize(months), flush=True)
    overall = summarize([month for year in years.values() for month in year["months"]])
    RESULTS.write_text(json.dumps({**overall, "years": years}, indent=2) + "\n", encoding="utf-8")
    print(overall)
    if overall["error"] > BAR:
        sys.exit(f"the error is {overall['error']}, more than {BAR}")


if __name__ == "__main__":
    main()
