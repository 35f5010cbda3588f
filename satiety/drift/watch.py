"""A model's test examples and a window of what it is asked today -> what has moved, and what that does to its score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.drift import cost, explain
from satiety.drift.belief import believed, score
from satiety.drift.estimate import Estimator, learn
from satiety.drift.rehearsal import rehearse
from satiety.drift.shares import rows, shares
from satiety.drift.signs import look, signs, vocabulary
from satiety.drift.testing import Drift, compare
from satiety.drift.verdict import Ground, Verdict, judge, sentence, unmetered
from satiety.evaluate.bootstrap import Interval, Resampling, weights
from satiety.worth.agreement import wilson

if TYPE_CHECKING:
    from satiety.drift.rehearsal import Pool
    from satiety.drift.sample import Sample
    from satiety.drift.section import Monitor
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Floats
    from satiety.records import Example

RESAMPLES = 1000
FEW = 20
"""Answers that people must have spoken of before that says anything of the score."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What is asked today."""

    sample: Sample
    answers: Sequence[Prediction]
    gold: Mapping[int, Example]
    """What people said of the answer to a text, by its place."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What people said of some answers."""

    answers: int
    score: Interval
    change: Interval
    """Of the score, from that on test examples with the same shares of the labels."""
    overconfidence: Interval
    """Mean confidence − share that was right."""


@dataclass(frozen=True, slots=True)
class Watched:
    """All that is known of a window."""

    verdict: Verdict
    ground: Ground
    """What it rests on."""
    drift: Drift
    usual: Interval
    """Score on the test examples."""
    change: Interval
    today: Interval
    feedback: Feedback | None
    outside: Interval
    """Share of texts stranger than all but a share ``alpha`` of the test examples."""
    labels: Mapping[str, tuple[float, Interval]]
    """Of each label its share among the test examples, and today; none where spans are asked for."""
    cost: cost.Cost | None
    metered: bool
    """Whether the meter has measured that score here; without it nobody knows the cost."""
    error: float
    """Mean absolute error of the estimated change, over rehearsed windows."""
    terms: Sequence[explain.Term]
    clusters: Sequence[explain.Cluster]
    strangest: Sequence[str]


def rehearsed(problem: Problem, pool: Pool, size: int, params: Monitor) -> Estimator:
    """Return who tells what has become of the score in windows of that many texts."""
    how = {"size": size, "count": params.rehearsal.windows, "seed": params.seed}
    return learn(rehearse(pool, problem, **how), params.seed)


def watch(
    problem: Problem,
    pool: Pool,
    estimator: Estimator,
    window: Window,
    params: Monitor,
    curve: Sequence[Mapping[str, Any]],
) -> Watched:
    """Look at a window.

    Args:
        problem: that is asked.
        pool: the test examples and their rewrites.
        estimator: of windows of that size (`rehearsed`).
        window: what is asked today.
        params: how it is looked at.
        curve: the meter's, {budget, value}; empty where nothing was measured.
    """
    count = len(pool.strata)
    reference, own = pool.reference, pool.tallies[:count]
    detected = {"divisions": params.divisions, "alpha": params.alpha, "seed": params.seed}
    drift = compare(reference, window.sample, params.detectors, **detected)  # type: ignore[arg-type]
    known = vocabulary(reference.texts)
    moved = signs(look(reference, known, own=1), look(window.sample, known))
    now, before = (score(problem, believed(problem, one.scores)) for one in (window.sample, reference))
    change = estimator.change(moved, now - before, params.level)
    usual = _draws(problem, own, params.seed)
    today = _today(score(problem, own), usual, change, estimator, params)
    estimate = Ground("estimate", change, today, float((estimator.likely(change.value) < 0).mean()))
    feedback = _feedback(problem, pool, window, params)
    spoken = Ground("feedback", feedback.change, feedback.score, 1.0) if feedback else None
    said, ground = judge(drift, estimate, spoken, params.harm, params.sure)
    return Watched(
        verdict=said,
        ground=ground,
        drift=drift,
        usual=_interval(score(problem, own), usual, params.level),
        change=change,
        today=today,
        feedback=feedback,
        outside=_outside(reference, window.sample, params),
        labels=_labels(problem, pool, window, params),
        cost=cost.in_labels(ground.change, curve) if said == "harmful drift" else None,
        metered=bool(curve),
        error=float(np.abs(estimator.errors).mean()),
        terms=explain.terms(reference.texts, window.sample.texts, params.examples),
        clusters=explain.clusters(reference, window.sample, params.examples, params.seed),
        strangest=explain.strangest(window.sample, params.examples),
    )


def tell(found: Watched, metric: str) -> dict[str, Any]:
    """Return what was found as JSON takes it."""
    plain = asdict(found)
    plain["sentence"] = sentence(found.verdict, metric, found.ground, found.cost)
    lacks = found.verdict == "harmful drift" and not found.metered
    plain["unmetered"] = unmetered(metric) if lacks else None
    plain["drift"]["tests"] = {name: asdict(test) for name, test in found.drift.tests.items()}
    plain["labels"] = {name: {"usual": usual, "today": asdict(now)} for name, (usual, now) in found.labels.items()}
    rounded: dict[str, Any] = _rounded(plain)
    return {"metric": metric, **rounded}


def _draws(problem: Problem, tallies: Floats, seed: int) -> Floats:
    """Return the score of resampled texts, shape (resamples,)."""
    drawn = [row @ tallies for row in weights(len(tallies), Resampling(seed, RESAMPLES, 0.5))]
    found: Floats = np.asarray(problem.measure(np.concatenate(drawn))[problem.headline])
    return found


def _interval(value: float, draws: Floats, level: float) -> Interval:
    return Interval(value, *map(float, np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])))


def _today(tested: float, usual: Floats, change: Interval, estimator: Estimator, params: Monitor) -> Interval:
    """Return today's score: what is not known of the usual one and what is not known of its change add up."""
    drawn = np.random.default_rng(params.seed).choice(estimator.likely(change.value), len(usual))
    found = _interval(tested + change.value, usual + drawn, params.level)
    return Interval(*(min(1.0, max(0.0, end)) for end in (found.value, found.low, found.high)))


def _feedback(problem: Problem, pool: Pool, window: Window, params: Monitor) -> Feedback | None:
    places = sorted(window.gold)
    if len(places) < FEW:
        return None
    gold, answers = [window.gold[i] for i in places], [window.answers[i] for i in places]
    tallies = problem.tally(gold, answers)
    draws, value = _draws(problem, tallies, params.seed + 1), score(problem, tallies)
    like = _like(pool, [problem.stratum(one) for one in gold])
    usual, before = _draws(problem, like, params.seed), score(problem, like)
    pairs = np.array([(sure, float(right)) for sure, right in problem.outcomes(gold, answers)]).reshape(-1, 2)
    apart = pairs[:, 0] - pairs[:, 1]
    drawn = np.concatenate([row @ apart for row in weights(len(apart), Resampling(params.seed, RESAMPLES, 0.5))])
    return Feedback(
        len(places),
        _interval(value, draws, params.level),
        _interval(value - before, draws - usual, params.level),
        _interval(float(apart.mean()), drawn / len(apart), params.level),
    )


def _like(pool: Pool, labels: Sequence[str]) -> Floats:
    """Return the test examples' tallies, weighted to the shares that the labels have in feedback.

    Else a score that falls only because people spoke of one label more than of another would be called harm.
    """
    here, there = Counter(labels), Counter(pool.strata)
    share = np.array([here[one] / there[one] * len(pool.strata) / len(labels) for one in pool.strata])
    weighted: Floats = pool.tallies[: len(share)] * share[:, None]
    return weighted


def _outside(reference: Sample, window: Sample, params: Monitor) -> Interval:
    edge = np.quantile(reference.distances, 1 - params.alpha)
    return wilson(int((window.distances > edge).sum()), len(window), params.level)


def _labels(problem: Problem, pool: Pool, window: Window, params: Monitor) -> dict[str, tuple[float, Interval]]:
    if problem.head != "text":
        return {}
    places, count = {name: i for i, name in enumerate(problem.classes)}, len(pool.strata)
    gold = [places[name] for name in pool.strata]
    answered, now = pool.sample.scores[:count].argmax(axis=1), window.sample.scores.argmax(axis=1)
    found = shares(gold, answered, now, len(places), level=params.level, seed=params.seed)
    usual = np.bincount(gold, minlength=len(places)) / count
    return {name: (float(usual[places[name]]), one) for name, one in rows(found, problem.classes).items()}


def _rounded(value: Any) -> Any:
    """Return the same with six decimals, as every report has them."""
    if isinstance(value, float):
        return round(value, 6) + 0.0
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
