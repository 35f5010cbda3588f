"""A model's test examples and a window of what it is asked today -> what has moved, and what that does to its score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval, Resampling, assign_groups, draw_weights
from satiety.monitor import cost, explain
from satiety.monitor.confidence_estimate import estimate_score
from satiety.monitor.estimate import Estimator, fit_estimator
from satiety.monitor.permutation_test import Drift, compare
from satiety.monitor.shares import estimate_label_shares, index_by_label, sample_by_share
from satiety.monitor.shift_features import compute_shift_features, count_word_texts, extract_text_features
from satiety.monitor.shift_simulation import simulate_shift
from satiety.monitor.verdict import DriftVerdict, ScoreEvidence, explain_unmeasured, judge, write_sentence
from satiety.worth.agreement import estimate_wilson_interval

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.evaluate.bootstrap import Groups
    from satiety.monitor.sample import TextSample
    from satiety.monitor.section import Monitor
    from satiety.monitor.shift_simulation import Pool
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Floats

    LabelShares = Mapping[str, tuple[float, Interval]]
    """Of each label its share among the test examples, and today."""

RESAMPLES = 1000
HARMFUL = "harmful drift"
FEW = 20
"""Answers that people must have spoken of before that says anything of the score."""


@dataclass(frozen=True, slots=True, eq=False)
class FeaturizedWindow:
    """What is asked today."""

    sample: TextSample
    answers: Sequence[Prediction]
    gold: Mapping[int, Example]
    """What people said of the answer to a text, by its place."""


@dataclass(frozen=True, slots=True)
class FeedbackEstimate:
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
class DriftReport:
    """All that is known of a window."""

    verdict: DriftVerdict
    ground: ScoreEvidence
    """What it rests on."""
    drift: Drift
    usual: Interval
    """Score on the test examples."""
    change: Interval
    today: Interval
    feedback: FeedbackEstimate | None
    spoken: ScoreEvidence | None
    """What feedback says of the score; None where there is too little."""
    outside: Interval
    """Share of texts stranger than all but a share ``alpha`` of the test examples."""
    labels: Mapping[str, tuple[float, Interval]]
    """Of each label its share among the test examples, and today; none where spans are asked for."""
    only_shares: Assumption
    """Whether nothing but these shares has moved, without which they are not what is said."""
    cost: cost.LabelCost | None
    metered: bool
    """Whether the meter has measured that score here; without it nobody knows the cost."""
    error: float
    """Mean absolute error of the estimated change, over rehearsed windows."""
    terms: Sequence[explain.Term]
    clusters: Sequence[explain.Cluster]
    strangest: Sequence[str]


def train_estimator(problem: Problem, pool: Pool, size: int, params: Monitor) -> Estimator:
    """Return who tells what has become of the score in windows of that many texts."""
    settings = {"size": size, "count": params.simulation.windows, "seed": params.seed}
    return fit_estimator(simulate_shift(pool, problem, **settings), params.seed)


def measure_drift(
    problem: Problem,
    pool: Pool,
    estimator: Estimator,
    window: FeaturizedWindow,
    params: Monitor,
    curve: Sequence[Mapping[str, Any]],
) -> DriftReport:
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
    reference, reference_tallies = pool.reference, pool.tallies[:count]
    settings = {"permutations": params.permutations, "alpha": params.alpha, "seed": params.seed}
    drift = compare(reference, window.sample, params.detectors, **settings)  # type: ignore[arg-type]
    word_counts = count_word_texts(reference.texts)
    features = compute_shift_features(
        extract_text_features(reference, word_counts, max_count=1), extract_text_features(window.sample, word_counts)
    )
    window_score, reference_score = (
        estimate_score(problem, problem.estimate_tallies(sample.scores)) for sample in (window.sample, reference)
    )
    change = estimator.estimate_change(features, window_score - reference_score, params.confidence_level)
    baseline_draws = _resample_scores(problem, reference_tallies, pool.groups, params.seed)
    baseline = estimate_score(problem, reference_tallies)
    today = _estimate_today(baseline, baseline_draws, change, estimator, params)
    loss = float((estimator.select_changes(change.value) < 0).mean())
    estimate = ScoreEvidence("estimate", change, today, round(today.value - change.value, 6), loss)
    feedback = _estimate_feedback(problem, pool, window, params)
    feedback_evidence = (
        ScoreEvidence("feedback", feedback.change, feedback.score, feedback.usual, 1.0) if feedback else None
    )
    verdict, ground = judge(drift, estimate, feedback_evidence, params.harm, params.min_loss_probability)
    labels = _estimate_labels(problem, pool, window, params)
    return DriftReport(
        verdict=verdict,
        ground=ground,
        drift=drift,
        usual=_percentile_interval(baseline, baseline_draws, params.confidence_level),
        change=change,
        today=today,
        feedback=feedback,
        spoken=feedback_evidence,
        outside=_estimate_outlier_share(reference, window.sample, params),
        labels=labels,
        only_shares=_check_label_shift(
            pool, window, labels, drift, params, is_sound=ground.by != "feedback" or verdict != HARMFUL
        ),
        cost=cost.estimate_label_cost(ground.change, curve) if verdict == "harmful drift" else None,
        metered=bool(curve),
        error=float(np.abs(estimator.errors).mean()),
        terms=explain.find_terms(reference.texts, window.sample.texts, params.examples),
        clusters=explain.find_clusters(reference, window.sample, params.examples, params.seed),
        strangest=explain.find_outliers(window.sample, params.examples),
    )


def to_report(drift_report: DriftReport, metric: str) -> dict[str, Any]:
    """Return what was found as JSON takes it."""
    fields = asdict(drift_report)
    fields["sentence"] = write_sentence(
        drift_report.verdict, metric, drift_report.ground, drift_report.cost, drift_report.spoken
    )
    is_unmeasured = drift_report.verdict == "harmful drift" and not drift_report.metered
    fields["unmetered"] = explain_unmeasured(metric) if is_unmeasured else None
    fields["drift"]["tests"] = {name: asdict(test) for name, test in drift_report.drift.tests.items()}
    fields["labels"] = {
        name: {"usual": baseline, "today": asdict(share)} for name, (baseline, share) in drift_report.labels.items()
    }
    rounded: dict[str, Any] = _round_values(fields)
    return {"metric": metric, **rounded}


def _resample_scores(problem: Problem, tallies: Floats, groups: Groups, seed: int) -> Floats:
    """Return the score of resampled texts, shape (resamples,)."""
    blocks = draw_weights(groups, Resampling(seed, RESAMPLES, 0.5))
    return np.concatenate([problem.score(tallies, block)[problem.headline] for block in blocks])


def _percentile_interval(value: float, draws: Floats, confidence_level: float) -> Interval:
    return Interval(value, *map(float, np.quantile(draws, [(1 - confidence_level) / 2, (1 + confidence_level) / 2])))


def _estimate_today(
    baseline: float, baseline_draws: Floats, change: Interval, estimator: Estimator, params: Monitor
) -> Interval:
    """Return today's score: what is not known of the usual one and what is not known of its change add up."""
    changes = np.random.default_rng(params.seed).choice(estimator.select_changes(change.value), len(baseline_draws))
    interval = _percentile_interval(baseline + change.value, baseline_draws + changes, params.confidence_level)
    return Interval(*(min(1.0, max(0.0, end)) for end in (interval.value, interval.low, interval.high)))


def _estimate_feedback(
    problem: Problem, pool: Pool, window: FeaturizedWindow, params: Monitor
) -> FeedbackEstimate | None:
    indices = sorted(window.gold)
    if len(indices) < FEW:
        return None
    gold, answers = [window.gold[i] for i in indices], [window.answers[i] for i in indices]
    tallies = problem.tally(gold, answers)
    groups = assign_groups(gold)
    draws, value = _resample_scores(problem, tallies, groups, params.seed + 1), estimate_score(problem, tallies)
    weighted_tallies = _weight_by_label(pool, [problem.stratum(example) for example in gold])
    baseline_draws, baseline = (
        _resample_scores(problem, weighted_tallies, pool.groups, params.seed),
        estimate_score(problem, weighted_tallies),
    )
    pairs = np.array(
        [(confidence, float(is_correct)) for confidence, is_correct in problem.confidence_correct(gold, answers)]
    ).reshape(-1, 2)
    calibration_gaps = (
        pairs[:, 0] - pairs[:, 1] if len(pairs) else np.zeros(1)
    )  # where nothing was answered that can be right
    singletons = np.arange(len(calibration_gaps))
    gap_draws = np.concatenate(
        [row @ calibration_gaps for row in draw_weights(singletons, Resampling(params.seed, RESAMPLES, 0.5))]
    )
    return FeedbackEstimate(
        len(indices),
        _percentile_interval(value, draws, params.confidence_level),
        baseline,
        _percentile_interval(value - baseline, draws - baseline_draws, params.confidence_level),
        _percentile_interval(
            float(calibration_gaps.mean()), gap_draws / len(calibration_gaps), params.confidence_level
        ),
    )


def _weight_by_label(pool: Pool, labels: Sequence[str]) -> Floats:
    """Return the test examples' tallies, weighted to the shares that the labels have in feedback.

    Else a score that falls only because people spoke of one label more than of another would be called harm.
    """
    feedback_counts, reference_counts = Counter(labels), Counter(pool.strata)
    share = np.array(
        [
            feedback_counts[stratum] / reference_counts[stratum] * len(pool.strata) / len(labels)
            for stratum in pool.strata
        ]
    )
    weighted: Floats = pool.tallies[: len(share)] * share[:, None]
    return weighted


def _estimate_outlier_share(reference: TextSample, window: TextSample, params: Monitor) -> Interval:
    edge = np.quantile(reference.distances, 1 - params.alpha)
    return estimate_wilson_interval(int((window.distances > edge).sum()), len(window), params.confidence_level)


def _estimate_labels(
    problem: Problem, pool: Pool, window: FeaturizedWindow, params: Monitor
) -> dict[str, tuple[float, Interval]]:
    if not problem.categorical:
        return {}
    indices, count = {name: i for i, name in enumerate(problem.classes)}, len(pool.strata)
    gold = [indices[name] for name in pool.strata]
    predictions, window_predictions = pool.sample.scores[:count].argmax(axis=1), window.sample.scores.argmax(axis=1)
    label_shares = estimate_label_shares(
        gold,
        predictions,
        pool.groups,
        window_predictions,
        len(indices),
        confidence_level=params.confidence_level,
        seed=params.seed,
    )
    baseline_shares = np.bincount(gold, minlength=len(indices)) / count
    return {
        name: (float(baseline_shares[indices[name]]), interval)
        for name, interval in index_by_label(label_shares, problem.classes).items()
    }


def _check_label_shift(
    pool: Pool, window: FeaturizedWindow, labels: LabelShares, drift: Drift, params: Monitor, *, is_sound: bool
) -> Assumption:
    """Test whether the window is like test examples with the shares of the labels that were found for today."""
    if not is_sound:
        return Assumption(False, None)
    if not drift.alarm or not labels:
        return Assumption(True, None)
    today = {name: share.value for name, (_, share) in labels.items()}
    rows = sample_by_share(pool.strata, today, np.random.default_rng(params.seed))
    if len(rows) < params.min_texts:
        return Assumption(False, None)
    settings = {"permutations": params.permutations, "alpha": params.alpha, "seed": params.seed}
    drift_after_matching = compare(pool.reference.take(rows), window.sample, params.detectors, **settings)  # type: ignore[arg-type]
    return Assumption(not drift_after_matching.alarm, drift_after_matching.p)


def _round_values(value: Any) -> Any:
    """Return the same with six decimals, as every report has them."""
    if isinstance(value, float):
        return round(value, 6) + 0.0
    if isinstance(value, Mapping):
        return {key: _round_values(element) for key, element in value.items()}
    return [_round_values(element) for element in value] if isinstance(value, list | tuple) else value
