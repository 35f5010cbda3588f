"""A model's test examples and a window of what it is asked today -> what has moved, and what that does to its score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.drift import cost, explain
from satiety.drift.belief import score
from satiety.drift.estimate import Estimator, learn
from satiety.drift.rehearsal import rehearse
from satiety.drift.shares import alike, rows, shares
from satiety.drift.signs import look, signs, vocabulary
from satiety.drift.testing import Drift, compare
from satiety.drift.verdict import Ground, Verdict, judge, sentence, unmetered
from satiety.evaluate.bootstrap import Interval, Resampling, groups_of, weights
from satiety.worth.agreement import wilson

if TYPE_CHECKING:
    from satiety.drift.rehearsal import Pool
    from satiety.drift.sample import Sample
    from satiety.drift.section import Monitor
    from satiety.evaluate.bootstrap import Groups
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Floats
    from satiety.records import Example

    Labels = Mapping[str, tuple[float, Interval]]
    """Of each label its share among the test examples, and today."""

RESAMPLES = 1000
HARMFUL = "harmful drift"
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
    usual: float
    """Score on test examples with the same shares of the labels."""
    change: Interval
    """Of the score, from that."""
    overconfidence: Interval
    """Mean confidence − share that was right."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """What must hold for something else to be true."""

    holds: bool
    p: float | None
    """Of the test of it; None where none was made."""


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
    spoken: Ground | None
    """What feedback says of the score; None where there is too little."""
    outside: Interval
    """Share of texts stranger than all but a share ``alpha`` of the test examples."""
    labels: Mapping[str, tuple[float, Interval]]
    """Of each label its share among the test examples, and today; none where spans are asked for."""
    only_shares: Assumption
    """Whether nothing but these shares has moved, without which they are not what is said."""
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
    now, before = (score(problem, problem.expected(one.scores)) for one in (window.sample, reference))
    change = estimator.change(moved, now - before, params.level)
    usual = _draws(problem, own, pool.groups, params.seed)
    tested = score(problem, own)
    today = _today(tested, usual, change, estimator, params)
    loss = float((estimator.likely(change.value) < 0).mean())
    estimate = Ground("estimate", change, today, round(today.value - change.value, 6), loss)
    feedback = _feedback(problem, pool, window, params)
    spoken = Ground("feedback", feedback.change, feedback.score, feedback.usual, 1.0) if feedback else None
    said, ground = judge(drift, estimate, spoken, params.harm, params.sure)
    labels = _labels(problem, pool, window, params)
    return Watched(
        verdict=said,
        ground=ground,
        drift=drift,
        usual=_interval(tested, usual, params.level),
        change=change,
        today=today,
        feedback=feedback,
        spoken=spoken,
        outside=_outside(reference, window.sample, params),
        labels=labels,
        only_shares=_only_shares(pool, window, labels, drift, params, sound=ground.by != "feedback" or said != HARMFUL),
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
    plain["sentence"] = sentence(found.verdict, metric, found.ground, found.cost, found.spoken)
    lacks = found.verdict == "harmful drift" and not found.metered
    plain["unmetered"] = unmetered(metric) if lacks else None
    plain["drift"]["tests"] = {name: asdict(test) for name, test in found.drift.tests.items()}
    plain["labels"] = {name: {"usual": usual, "today": asdict(now)} for name, (usual, now) in found.labels.items()}
    rounded: dict[str, Any] = _rounded(plain)
    return {"metric": metric, **rounded}


def _draws(problem: Problem, tallies: Floats, groups: Groups, seed: int) -> Floats:
    """Return the score of resampled texts, shape (resamples,)."""
    blocks = weights(groups, Resampling(seed, RESAMPLES, 0.5))
    return np.concatenate([problem.score(tallies, drawn)[problem.headline] for drawn in blocks])


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
    groups = groups_of(gold)
    draws, value = _draws(problem, tallies, groups, params.seed + 1), score(problem, tallies)
    like = _like(pool, [problem.stratum(one) for one in gold])
    usual, before = _draws(problem, like, pool.groups, params.seed), score(problem, like)
    pairs = np.array([(sure, float(right)) for sure, right in problem.outcomes(gold, answers)]).reshape(-1, 2)
    apart = pairs[:, 0] - pairs[:, 1] if len(pairs) else np.zeros(1)  # where nothing was answered that can be right
    single = np.arange(len(apart))
    drawn = np.concatenate([row @ apart for row in weights(single, Resampling(params.seed, RESAMPLES, 0.5))])
    return Feedback(
        len(places),
        _interval(value, draws, params.level),
        before,
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
    if not problem.categorical:
        return {}
    places, count = {name: i for i, name in enumerate(problem.classes)}, len(pool.strata)
    gold = [places[name] for name in pool.strata]
    answered, now = pool.sample.scores[:count].argmax(axis=1), window.sample.scores.argmax(axis=1)
    found = shares(gold, answered, pool.groups, now, len(places), level=params.level, seed=params.seed)
    usual = np.bincount(gold, minlength=len(places)) / count
    return {name: (float(usual[places[name]]), one) for name, one in rows(found, problem.classes).items()}


def _only_shares(
    pool: Pool, window: Window, labels: Labels, drift: Drift, params: Monitor, *, sound: bool
) -> Assumption:
    """Test whether the window is like test examples with the shares of the labels that were found for today."""
    if not sound:
        return Assumption(False, None)
    if not drift.alarm or not labels:
        return Assumption(True, None)
    today = {name: now.value for name, (_, now) in labels.items()}
    rows = alike(pool.strata, today, np.random.default_rng(params.seed))
    if len(rows) < params.least:
        return Assumption(False, None)
    how = {"divisions": params.divisions, "alpha": params.alpha, "seed": params.seed}
    again = compare(pool.reference.take(rows), window.sample, params.detectors, **how)  # type: ignore[arg-type]
    return Assumption(not again.alarm, again.p)


def _rounded(value: Any) -> Any:
    """Return the same with six decimals, as every report has them."""
    if isinstance(value, float):
        return round(value, 6) + 0.0
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
