"""How often drift that is called harmful is, and how far the score that is told without labels lies from the true one.

200 shifts of tweets and of Chinese news titles, half each, drawn by the generator below from texts that the monitor has
not seen: labels or topics come otherwise, or texts are written otherwise. They have made-up words for common ones, are
cut short, or begin alike, of all of which no rehearsal knows; or words are left out, or characters swapped. Whether a
shift is harmful is known exactly, by the labels of all texts with their weights in that world. Monitoring is as in
params.yaml.

    python -m benchmarks.harm [--shifts 100] [--seed 2026]
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drift import WORLDS, eye
from satiety.core.records import Example
from satiety.evaluate.bootstrap import assign_groups
from satiety.levers.augment import AUGMENTERS, Augment
from satiety.monitor.featurizer import rewrite
from satiety.monitor.section import Monitor
from satiety.monitor.shift_simulation import Pool, sample_scenario
from satiety.monitor.window_report import DriftReport, FeaturizedWindow, measure_drift, train_estimator
from satiety.problems import Problem
from satiety.text.words import split_words
from satiety.worth.agreement import estimate_wilson_interval

RESULTS = Path("benchmarks/results/harm.json")
PRECISION, RECALL, ERROR = 0.80, 0.70, 0.03
HALF = 2000
"""Test examples that the monitor has; as many others are what the world asks."""
SYLLABLES = {"en": ["zor", "bli", "kam", "nu", "tex", "vra", "lo", "mip"], "zh": list("囧槑氪燊犇骉鑫淼焱垚")}
OPENINGS = {"en": ["RT @user: ", "Sent from my phone. ", "FYI, "], "zh": ["转发：", "【快讯】", "网友："]}


def written_otherwise(examples: Sequence[Example], language: str, seed: int) -> Iterator[list[Example]]:
    """Yield all examples written in one other way after another."""
    draw = random.Random(seed)
    told = [{one.text[a:b].lower() for a, b in split_words(one.text)} for one in examples]
    common = [word for word, _ in Counter(w for one in told for w in one if w.isalpha()).most_common(600)][30:]
    made_up = {word: "".join(draw.choices(SYLLABLES[language], k=3)) for word in sorted(draw.sample(common, 250))}
    yield [replace(one, inputs={"text": _replaced(one.text, made_up)}) for one in examples]
    yield [replace(one, inputs={"text": _cut(one.text)}) for one in examples]
    yield [replace(one, inputs={"text": draw.choice(OPENINGS[language]) + one.text}) for one in examples]


def _replaced(text: str, by: dict[str, str]) -> str:
    pieces, at = [], 0
    for start, end in split_words(text):
        pieces += [text[at:start], by.get(text[start:end].lower(), text[start:end])]
        at = end
    return "".join(pieces) + text[at:]


def _cut(text: str) -> str:
    places = split_words(text)
    return text[: places[max(0, len(places) // 3 - 1)][1]] if places else text


@dataclass(frozen=True)
class Shift:
    """What the monitor said of a shift, and what was so."""

    said: DriftReport
    change: float
    """True change of the score."""
    score: float
    """True score in that world."""


def shifts(language: str, count: int, seed: int, params: Monitor) -> Iterator[Shift]:
    """Yield shifts, watched."""
    looks, test = eye(language)
    order = np.random.default_rng(0).permutation(len(test))
    mine, theirs = ([test[i] for i in part] for part in (order[:HALF], order[HALF : 2 * HALF]))
    how = Augment(seed=params.seed, steps=params.simulation.rewrites, dedup_threshold=1.0)
    pool = looks.build_pool(mine, how)
    estimator = train_estimator(looks.problem, pool, params.window, params)
    other = {"drop": {"probability": 0.25}, "char_swap": {"words": 0.4, "characters": 0.3, "min_characters": 2}}
    steps = [AUGMENTERS[kind].model_validate(fields | {"copies": 1}) for kind, fields in other.items()]
    asked = [*theirs, *(one for way in written_otherwise(theirs, language, seed) for one in way)]
    asked += rewrite(theirs, looks.problem, Augment(seed=seed, steps=steps, dedup_threshold=1.0))
    sample, answers = looks.transform([one.inputs for one in asked])
    outside = Pool(
        sample,
        looks.problem.tally(asked, answers),
        [looks.problem.stratum(one) for one in theirs],
        assign_groups(theirs),
    )
    usual, draw = _score(looks.problem, outside.tallies[:HALF]), np.random.default_rng(seed)
    for _ in range(count):
        weights = sample_scenario(sample.embeddings, outside.strata, draw)
        rows = draw.choice(len(weights), params.window, p=weights)
        window = FeaturizedWindow(sample.take(rows), [answers[i] for i in rows], {})
        true = _score(looks.problem, outside.tallies, weights[None])
        yield Shift(measure_drift(looks.problem, pool, estimator, window, params, []), true - usual, true)


def _score(problem: Problem, tallies: Any, weights: Any = None) -> float:
    return float(np.squeeze(problem.score(tallies, weights)[problem.headline]))


def told(found: Sequence[Shift], harm: float) -> dict[str, Any]:
    """Return precision and recall of harm, of our verdict and of the bare alarm, and the errors of the estimate."""
    harmful = np.array([one.change < -harm for one in found])
    said = np.array([one.said.verdict == "harmful drift" for one in found])
    alarms = np.array([one.said.drift.alarm for one in found])
    errors = np.array([abs(one.said.change.value - one.change) for one in found])
    held = [one.said.change.low <= one.change <= one.said.change.high for one in found]
    return {
        "shifts": len(found),
        "harmful": int(harmful.sum()),
        "precision": estimate_wilson_interval(int((said & harmful).sum()), int(said.sum()), 0.95).to_dict(),
        "recall": estimate_wilson_interval(int((said & harmful).sum()), int(harmful.sum()), 0.95).to_dict(),
        "precision of alarms": estimate_wilson_interval(
            int((alarms & harmful).sum()), int(alarms.sum()), 0.95
        ).to_dict(),
        "recall of alarms": estimate_wilson_interval(int((alarms & harmful).sum()), int(harmful.sum()), 0.95).to_dict(),
        "mean absolute error of the change": round(float(errors.mean()), 4),
        "mean absolute error of the score": round(
            float(np.mean([abs(one.said.today.value - one.score) for one in found])), 4
        ),
        "of saying no change": round(float(np.mean([abs(one.change) for one in found])), 4),
        "intervals that held the change": estimate_wilson_interval(sum(held), len(held), 0.95).to_dict(),
    }


def main() -> None:
    """Watch, count, write, and end with a message where it is not what is promised."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shifts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args()
    params = Monitor.load(Path("params.yaml"))
    found = {language: list(shifts(language, asked.shifts, asked.seed, params)) for language in WORLDS}
    everything = [one for those in found.values() for one in those]
    result = {name: told(those, params.harm) for name, those in {**found, "both": everything}.items()}
    RESULTS.write_text(json.dumps({"harm": params.harm, **result}, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    both = result["both"]
    right = both["precision"]["value"] >= PRECISION and both["recall"]["value"] >= RECALL
    if not right or both["mean absolute error of the score"] > ERROR:
        sys.exit("less than is promised")


if __name__ == "__main__":
    main()
