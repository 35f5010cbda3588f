"""Precision and recall of the verdict "harmful drift", and the error of the score that is estimated without labels.

200 shifts of tweets and of Chinese news titles, half each, drawn by the generator below from texts that the monitor has
not seen: labels or topics have other shares, or texts are rewritten. Rewritten texts have made-up words for common
ones, are truncated, or begin alike, which no simulated shift of the monitor does; or words are left out, or characters
swapped. Whether a shift is harmful is known exactly, from the labels of all texts and their weights. Monitoring is as
in params.yaml.

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

from benchmarks.drift import DATASETS, load_featurizer
from satiety.core.records import Example
from satiety.evaluate.bootstrap import assign_groups
from satiety.evaluate.share import estimate_wilson_interval
from satiety.levers.augment import AUGMENTERS, Augment
from satiety.monitor.featurizer import rewrite
from satiety.monitor.section import Monitor
from satiety.monitor.shift_simulation import Pool, sample_scenario
from satiety.monitor.window_report import DriftReport, FeaturizedWindow, measure_drift, train_estimator
from satiety.problems import Problem
from satiety.text.words import split_words

RESULTS = Path("benchmarks/results/harm.json")
PRECISION, RECALL, ERROR = 0.80, 0.70, 0.03
HALF = 2000
"""Test examples that the monitor has; as many others are the traffic."""
SYLLABLES = {"en": ["zor", "bli", "kam", "nu", "tex", "vra", "lo", "mip"], "zh": list("囧槑氪燊犇骉鑫淼焱垚")}
OPENINGS = {"en": ["RT @user: ", "Sent from my phone. ", "FYI, "], "zh": ["转发：", "【快讯】", "网友："]}


def iterate_rewrites(examples: Sequence[Example], language: str, seed: int) -> Iterator[list[Example]]:
    """Yield all examples, rewritten in one way after another."""
    draw = random.Random(seed)
    word_sets = [{example.text[a:b].lower() for a, b in split_words(example.text)} for example in examples]
    common = [word for word, _ in Counter(w for words in word_sets for w in words if w.isalpha()).most_common(600)][30:]
    made_up = {word: "".join(draw.choices(SYLLABLES[language], k=3)) for word in sorted(draw.sample(common, 250))}
    yield [replace(example, inputs={"text": _replace_words(example.text, made_up)}) for example in examples]
    yield [replace(example, inputs={"text": _truncate(example.text)}) for example in examples]
    yield [replace(example, inputs={"text": draw.choice(OPENINGS[language]) + example.text}) for example in examples]


def _replace_words(text: str, replacements: dict[str, str]) -> str:
    pieces, position = [], 0
    for start, end in split_words(text):
        pieces += [text[position:start], replacements.get(text[start:end].lower(), text[start:end])]
        position = end
    return "".join(pieces) + text[position:]


def _truncate(text: str) -> str:
    places = split_words(text)
    return text[: places[max(0, len(places) // 3 - 1)][1]] if places else text


@dataclass(frozen=True)
class ScoredShift:
    """Report of the monitor on a shift, and the truth."""

    report: DriftReport
    change: float
    """True change of the score."""
    score: float
    """True score under the shift."""


def iterate_shifts(language: str, count: int, seed: int, params: Monitor) -> Iterator[ScoredShift]:
    """Yield shifts with their reports."""
    featurizer, test = load_featurizer(language)
    order = np.random.default_rng(0).permutation(len(test))
    reference, traffic = ([test[i] for i in part] for part in (order[:HALF], order[HALF : 2 * HALF]))
    augment = Augment(seed=params.seed, steps=params.simulation.rewrites, dedup_threshold=1.0)
    pool = featurizer.build_pool(reference, augment)
    estimator = train_estimator(featurizer.problem, pool, params.window, params)
    fields_by_kind = {
        "drop": {"probability": 0.25},
        "char_swap": {"words": 0.4, "characters": 0.3, "min_characters": 2},
    }
    steps = [AUGMENTERS[kind].model_validate(fields | {"copies": 1}) for kind, fields in fields_by_kind.items()]
    variants = [*traffic, *(example for version in iterate_rewrites(traffic, language, seed) for example in version)]
    variants += rewrite(traffic, featurizer.problem, Augment(seed=seed, steps=steps, dedup_threshold=1.0))
    sample, answers = featurizer.transform([example.inputs for example in variants])
    traffic_pool = Pool(
        sample,
        featurizer.problem.tally(variants, answers),
        [featurizer.problem.stratum(example) for example in traffic],
        assign_groups(traffic),
    )
    usual, draw = _score(featurizer.problem, traffic_pool.tallies[:HALF]), np.random.default_rng(seed)
    for _ in range(count):
        weights = sample_scenario(sample.embeddings, traffic_pool.strata, draw)
        rows = draw.choice(len(weights), params.window, p=weights)
        window = FeaturizedWindow(sample.take(rows), [answers[i] for i in rows], {})
        true = _score(featurizer.problem, traffic_pool.tallies, weights[None])
        yield ScoredShift(measure_drift(featurizer.problem, pool, estimator, window, params, []), true - usual, true)


def _score(problem: Problem, tallies: Any, weights: Any = None) -> float:
    return float(np.squeeze(problem.score(tallies, weights)[problem.headline]))


def summarize_shifts(shift_list: Sequence[ScoredShift], harm: float) -> dict[str, Any]:
    """Return precision and recall of harm, of our verdict and of the bare alarm, and the errors of the estimate."""
    harmful = np.array([shift.change < -harm for shift in shift_list])
    flagged = np.array([shift.report.verdict == "harmful drift" for shift in shift_list])
    alarms = np.array([shift.report.drift.alarm for shift in shift_list])
    errors = np.array([abs(shift.report.change.value - shift.change) for shift in shift_list])
    is_covered = [shift.report.change.low <= shift.change <= shift.report.change.high for shift in shift_list]
    return {
        "shifts": len(shift_list),
        "harmful": int(harmful.sum()),
        "precision": estimate_wilson_interval(int((flagged & harmful).sum()), int(flagged.sum()), 0.95).to_dict(),
        "recall": estimate_wilson_interval(int((flagged & harmful).sum()), int(harmful.sum()), 0.95).to_dict(),
        "precision of alarms": estimate_wilson_interval(
            int((alarms & harmful).sum()), int(alarms.sum()), 0.95
        ).to_dict(),
        "recall of alarms": estimate_wilson_interval(int((alarms & harmful).sum()), int(harmful.sum()), 0.95).to_dict(),
        "mean absolute error of the change": round(float(errors.mean()), 4),
        "mean absolute error of the score": round(
            float(np.mean([abs(shift.report.today.value - shift.score) for shift in shift_list])), 4
        ),
        "of saying no change": round(float(np.mean([abs(shift.change) for shift in shift_list])), 4),
        "intervals that held the change": estimate_wilson_interval(sum(is_covered), len(is_covered), 0.95).to_dict(),
    }


def main() -> None:
    """Simulate, write the results, and exit with a message if they miss the bars."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shifts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=2026)
    arguments = parser.parse_args()
    params = Monitor.load(Path("params.yaml"))
    shifts_by_language = {
        language: list(iterate_shifts(language, arguments.shifts, arguments.seed, params)) for language in DATASETS
    }
    all_shifts = [shift for shift_list in shifts_by_language.values() for shift in shift_list]
    summaries = {
        name: summarize_shifts(shift_list, params.harm)
        for name, shift_list in {**shifts_by_language, "both": all_shifts}.items()
    }
    RESULTS.write_text(json.dumps({"harm": params.harm, **summaries}, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(summaries, indent=2))
    overall = summaries["both"]
    is_precise = overall["precision"]["value"] >= PRECISION and overall["recall"]["value"] >= RECALL
    if not is_precise or overall["mean absolute error of the score"] > ERROR:
        sys.exit("less than is promised")


if __name__ == "__main__":
    main()
