"""Rate of false gains: how often the meter reports a gain where no lever helps, in simulated studies of known truth.

A study is like the default's: seven sets of three levers, five budgets up to 240 labels, 8 replicates for the levers
and 24 for the curve, macro-F1. The curve of the baseline, the spread of scores and how far levers share it differ from
study to study; no lever changes the true score. Counted are studies in which any verdict is "worth it", and in which
the next step keeps a lever. The peer is an interval for one gain alone that would have said "worth it". The limits are
Wilson's.

    python -m benchmarks.false_gains [studies]
"""

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from satiety.evaluate.share import estimate_wilson_interval
from satiety.worth.decision import decide, list_effective_sets
from satiety.worth.findings import Findings
from satiety.worth.verdicts import classify_gain
from tests.unit.worth.simulation import Design, World, idle_study, power_law, world

RESULTS = Path("benchmarks/results/false_gains.json")
STUDIES, BAR = 600, 0.08
DESIGN = Design(levers=8, curve=24, test=500, resamples=500, classes=3)


def check_claims(findings: Findings) -> dict[str, bool]:
    """Return which claims a study makes about levers, none of which helps."""
    min_effect, budgets = findings.plan.params.min_effect, findings.scores.budgets
    sets = list_effective_sets(findings)
    return {
        "worth it": any(findings.classify(levers, budget) == "worth it" for levers in sets for budget in budgets),
        "kept": bool(decide(findings).keep),
        "one by one": any(
            classify_gain(gain, min_effect) == "worth it" for levers in sets for gain in findings.gains[levers]
        ),
    }


def main() -> None:
    """Simulate, write the results, and print them."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES
    counts = Counter[str]()
    for seed in range(studies):
        rng = np.random.default_rng([5, seed])
        counts.update({name: int(yes) for name, yes in check_claims(idle_study(rng, _idle(rng), DESIGN)).items()})
    shares = {name: estimate_wilson_interval(count, studies, 0.95).to_dict() for name, count in counts.items()}
    RESULTS.write_text(json.dumps({"studies": studies, **shares}, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(shares, indent=2))
    if any(shares[name]["high"] > BAR for name in ("worth it", "kept")):
        sys.exit(f"the upper limit is to be {BAR} at most")


def _idle(rng: np.random.Generator) -> World:
    """Draw a simulated truth in which no lever changes the score."""
    return replace(world(rng, power_law), multiplier=1.0)


if __name__ == "__main__":
    main()
