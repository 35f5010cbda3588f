"""How far the score that is told without labels lies from the true one, in the months of five simulated years.

The world is that of `examples/year`, with its planted shifts; in every year chance draws the labels, the test examples
and the world's texts anew, for one test set is kind or unkind to its model all year. Nothing is retrained: a head of
240 labels stays. Its true score is told on 3,000 further texts of the month's world. Three minutes a year on two cores.

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
from benchmarks.drift import seeing
from benchmarks.support import stages
from examples.year import place
from examples.year.living import people
from examples.year.plan import Year
from examples.year.worlds import drawn, world, written
from satiety.core.project import read_project
from satiety.ingest import Ingest
from satiety.levers.augment import Augment
from satiety.monitor.section import Monitor
from satiety.monitor.window_report import FeaturizedWindow, measure_drift, train_estimator
from satiety.worth.agreement import estimate_wilson_interval

RESULTS = Path("benchmarks/results/months.json")
YEARS = (2026, 2027, 2028, 2029, 2030)
BAR = 0.03


def lived(seed: int) -> Iterator[dict[str, Any]]:
    """Yield the months of a year: what monitoring says, and what is so."""
    year = Year.read().model_copy(update={"seed": seed})
    file, home = Path("params.yaml"), SCRATCH / f"months-{seed}"
    params = place.changed(stages.read(file), year.params)
    given = read_project(file, params)
    examples, others = place.divided(Ingest.check(file, params["ingest"], defaults=given), Path("data/raw"), seed)
    place.settle(place.Copy(home, {}), params, examples)
    for stage in ("ingest", "validate"):
        stages.run(home, stage)
    eye, test = seeing(home)
    how, there, asked = Monitor.load(file), people(year, others), set[str]()
    test = random.Random(how.seed).sample(test, how.reference)
    pool = eye.build_pool(test, Augment(seed=how.seed, steps=how.simulation.rewrites, dedup_threshold=1.0))
    estimator = train_estimator(eye.problem, pool, year.texts, how)
    for month in range(1, year.months + 1):
        now = world(year, month)
        like = partial(drawn, shares=now.shares, draw=random.Random(f"{seed}:{month}"))
        came = like([one for one in there.ask if one.id not in asked], year.texts)
        asked |= {one.id for one in came}
        parts = [[written(one, now, there.new) for one in part] for part in (came, like(there.judge, year.judged))]
        (sample, answers), (_, judged) = (eye.transform([one.inputs for one in part]) for part in parts)
        said = measure_drift(eye.problem, pool, estimator, FeaturizedWindow(sample, answers, {}), how, [])
        true = float(eye.problem.score(eye.problem.tally(parts[1], judged))[eye.problem.headline])
        yield {
            "planted": list(now.planted),
            "verdict": said.verdict,
            "estimate": said.today.to_dict(),
            "true": round(true, 4),
        }


def told(months: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how far the estimates are off, and how many of their intervals held the truth."""
    held = sum(one["estimate"]["low"] <= one["true"] <= one["estimate"]["high"] for one in months)
    return {
        "error": round(fmean(abs(one["estimate"]["value"] - one["true"]) for one in months), 4),
        "bias": round(fmean(one["estimate"]["value"] - one["true"] for one in months), 4),
        "intervals that held the truth": estimate_wilson_interval(held, len(months), 0.95).to_dict(),
    }


def main() -> None:
    """Live the years, write what came, and end with a message where the error is larger than promised."""
    years = {}
    for seed in [int(one) for one in sys.argv[1:]] or YEARS:
        months = list(lived(seed))
        years[seed] = {**told(months), "months": months}
        print(seed, told(months), flush=True)
    whole = told([month for year in years.values() for month in year["months"]])
    RESULTS.write_text(json.dumps({**whole, "years": years}, indent=2) + "\n", encoding="utf-8")
    print(whole)
    if whole["error"] > BAR:
        sys.exit(f"the error is {whole['error']}, more than {BAR}")


if __name__ == "__main__":
    main()
