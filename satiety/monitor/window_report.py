"""Test examples and a window of today's texts -> drift, its effect on the score, and an explanation of the changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval, Resampling, assign_groups, draw_weights, percentile_interval
from satiety.evaluate.share import estimate_wilson_interval
from satiety.monitor import cost, explain
from satiety.monitor.estimate import Estimator, fit_estimator
from satiety.monitor.permutation_test import Drift, compare
from satiety.monitor.shares import estimate_label_shares, sample_by_share
from satiety.monitor.shift_features import compute_shift_features, count_word_texts, extract_text_features
from satiety.monitor.shift_simulation import estimate_score, simulate_shift
from satiety.monitor.verdict import DriftVerdict, ScoreEvidence, explain_unmeasured, judge, write_sentence

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.evaluate.bootstrap import Groups
    from satiety.monitor.sample import TextSample
    from satiety.monitor.section import Monitor
    from satiety.monitor.shift_simulation import Pool
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Floats

    LabelShares = Mapping[str, tuple[float, Interval]]
    """Share of each label among the test examples, and today."""

RESAMPLES = 1000
HARMFUL: DriftVerdict = "harmful drift"
MIN_FEEDBACK = 20
"""Corrected answers that an estimate from feedback needs."""


@dataclass(frozen=True, slots=True, eq=False)
class FeaturizedWindow:
    """Texts of today with predictions and feedback."""

    sample: TextSample
    answers: Sequence[Prediction]
    gold: Mapping[int, Example]
    """Corrected examples, by index."""


@dataclass(frozen=True, slots=True)
class FeedbackEstimate:
    """Score on the answers that people have corrected or confirmed."""

    answers: int
    score: Interval
    usual: float
    """Score on test examples with the same label shares."""
    change: Interval
    """score − usual."""
    overconfidence: Interval
    """Mean confidence − accuracy."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """Assumption of an estimate, and its test."""

    holds: bool
    p: float | None
    """p-value; None if there was no test."""


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Findings about a window."""

    verdict: DriftVerdict
    evidence: ScoreEvidence
    """Evidence of the verdict."""
    drift: Drift
    usual: Interval
    """Score on the test examples."""
    change: Interval
    today: Interval
    feedback: FeedbackEstimate | None
    feedback_evidence: ScoreEvidence | None
    """Evidence from feedback; None if there is too little."""
    outlier_share: Interval
    """Share of texts whose out-of-distribution score exceeds the 1 − ``alpha`` quantile of the test examples."""
    labels: LabelShares
    """Empty for problems without classes."""
    only_shares: Assumption
    """Pure label shift, the assumption of ``labels``."""
    cost: cost.LabelCost | None
    has_curve: bool
    """Whether `worth` has measured the learning curve of this metric, so that ``cost`` can be computed."""
    error: float
    """Mean absolute error of the estimated change on simulated windows."""
    terms: Sequence[explain.Term]
    clusters: Sequence[explain.Cluster]
    outliers: Sequence[str]


def train_estimator(problem: Problem, pool: Pool, size: int, params: Monitor) -> Estimator:
    """Return an estimator of the change of score for windows of ``size`` texts."""
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
    """Return the findings about a window.

    Args:
        problem: the problem of the model.
        pool: test examples and their rewrites.
        estimator: trained for windows of this size (`train_estimator`).
        window: texts of today.
        params: the block `monitor`.
        curve: learning curve of `worth`, {budget, value}; empty if it was not measured.
    """
    reference = pool.reference
    drift = _test_drift(reference, window.sample, params)

    # score without labels: confidence estimate, corrected by the forest
    word_counts = count_word_texts(reference.texts)
    features = compute_shift_features(
        extract_text_features(reference, word_counts, max_count=1), extract_text_features(window.sample, word_counts)
    )
    window_score, reference_score = (
        estimate_score(problem, problem.estimate_tallies(sample.scores)) for sample in (window.sample, reference)
    )
    change = estimator.estimate_change(features, window_score - reference_score, params.confidence_level)
    changes = estimator.sample_changes(change.value)
    reference_tallies = pool.tallies[: len(pool.strata)]
    baseline = estimate_score(problem, reference_tallies)
    baseline_draws = _resample_scores(problem, reference_tallies, pool.groups, params.seed)

    # the errors of the baseline and of its change add up
    today_draws = baseline_draws + np.random.default_rng(params.seed).choice(changes, len(baseline_draws))
    today = percentile_interval(baseline + change.value, today_draws, params.confidence_level)
    today = Interval(*(min(1.0, max(0.0, end)) for end in (today.value, today.low, today.high)))
    estimate = ScoreEvidence(
        "estimate", change, today, round(today.value - change.value, 6), float((changes < 0).mean())
    )

    feedback = _estimate_feedback(problem, pool, window, params)
    feedback_evidence = (
        ScoreEvidence("feedback", feedback.change, feedback.score, feedback.usual, 1.0) if feedback else None
    )
    verdict, evidence = judge(drift, estimate, feedback_evidence, params.harm, params.min_loss_probability)

    edge = np.quantile(reference.distances, 1 - params.alpha)
    num_outliers = int((window.sample.distances > edge).sum())
    labels = _estimate_labels(problem, pool, window, params)
    has_new_meaning = evidence.source == "feedback" and verdict == HARMFUL
    return DriftReport(
        verdict=verdict,
        evidence=evidence,
        drift=drift,
        usual=percentile_interval(baseline, baseline_draws, params.confidence_level),
        change=change,
        today=today,
        feedback=feedback,
        feedback_evidence=feedback_evidence,
        outlier_share=estimate_wilson_interval(num_outliers, len(window.sample), params.confidence_level),
        labels=labels,
        only_shares=(
            Assumption(False, None) if has_new_meaning else _test_label_shift(pool, window, labels, drift, params)
        ),
        cost=cost.estimate_label_cost(evidence.change, curve) if verdict == HARMFUL else None,
        has_curve=bool(curve),
        error=float(np.abs(estimator.errors).mean()),
        terms=explain.find_terms(reference.texts, window.sample.texts, params.examples),
        clusters=explain.find_clusters(reference, window.sample, params.examples, params.seed),
        outliers=explain.find_outliers(window.sample, params.examples),
    )


def to_report(drift_report: DriftReport, metric: str) -> dict[str, Any]:
    """Return the findings as JSON values, with sentences and floats of six decimals."""
    fields = asdict(drift_report)
    fields["sentence"] = write_sentence(
        drift_report.verdict, metric, drift_report.evidence, drift_report.cost, drift_report.feedback_evidence
    )
    is_unmeasured = drift_report.verdict == HARMFUL and not drift_report.has_curve
    fields["unmeasured_metric"] = explain_unmeasured(metric) if is_unmeasured else None
    fields["labels"] = {
        name: {"usual": baseline, "today": asdict(share)} for name, (baseline, share) in drift_report.labels.items()
    }
    rounded: dict[str, Any] = _round_values(fields)
    return {"metric": metric, **rounded}


def _test_drift(reference: TextSample, window: TextSample, params: Monitor) -> Drift:
    settings = {"permutations": params.permutations, "alpha": params.alpha, "seed": params.seed}
    return compare(reference, window, params.detectors, **settings)  # type: ignore[arg-type]


def _resample_scores(problem: Problem, tallies: Floats, groups: Groups, seed: int) -> Floats:
    """Return the scores of bootstrap resamples, shape (resamples,)."""
    blocks = draw_weights(groups, Resampling(seed, RESAMPLES, 0.5))
    return np.concatenate([problem.score(tallies, block)[problem.headline] for block in blocks])


def _estimate_feedback(
    problem: Problem, pool: Pool, window: FeaturizedWindow, params: Monitor
) -> FeedbackEstimate | None:
    """Return the score and calibration on corrected answers; None if there are fewer than ``MIN_FEEDBACK``."""
    indices, level = sorted(window.gold), params.confidence_level
    if len(indices) < MIN_FEEDBACK:
        return None
    gold, answers = [window.gold[i] for i in indices], [window.answers[i] for i in indices]
    tallies = problem.tally(gold, answers)
    value = estimate_score(problem, tallies)
    draws = _resample_scores(problem, tallies, assign_groups(gold), params.seed + 1)

    # test examples weighted to the label shares of the feedback, which may favour some labels
    feedback_counts, counts = Counter(problem.stratum(example) for example in gold), Counter(pool.strata)
    weights = [feedback_counts[name] / counts[name] * len(pool.strata) / len(gold) for name in pool.strata]
    weighted_tallies = pool.tallies[: len(weights)] * np.array(weights)[:, None]
    baseline = estimate_score(problem, weighted_tallies)
    baseline_draws = _resample_scores(problem, weighted_tallies, pool.groups, params.seed)

    outcomes = problem.confidence_correct(gold, answers) or [(0.0, False)]  # empty if no answer can be right
    gaps = np.array([float(confidence) - is_correct for confidence, is_correct in outcomes])
    gap_weights = draw_weights(np.arange(len(gaps)), Resampling(params.seed, RESAMPLES, 0.5))
    gap_draws = np.concatenate([block @ gaps for block in gap_weights]) / len(gaps)
    return FeedbackEstimate(
        len(indices),
        percentile_interval(value, draws, level),
        baseline,
        percentile_interval(value - baseline, draws - baseline_draws, level),
        percentile_interval(float(gaps.mean()), gap_draws, level),
    )


def _estimate_labels(problem: Problem, pool: Pool, window: FeaturizedWindow, params: Monitor) -> LabelShares:
    """Return the share of each label among the test examples and today; empty for problems without classes."""
    if not problem.categorical:
        return {}
    indices, count = {name: i for i, name in enumerate(problem.classes)}, len(pool.strata)
    gold = [indices[name] for name in pool.strata]
    shares = estimate_label_shares(
        gold,
        pool.sample.scores[:count].argmax(axis=1),
        pool.groups,
        window.sample.scores.argmax(axis=1),
        len(indices),
        confidence_level=params.confidence_level,
        seed=params.seed,
    )
    usual = np.bincount(gold, minlength=len(indices)) / count
    return {name: (float(usual[i]), Interval(*map(float, shares[i]))) for name, i in indices.items()}


def _test_label_shift(
    pool: Pool, window: FeaturizedWindow, labels: LabelShares, drift: Drift, params: Monitor
) -> Assumption:
    """Test whether the window is like test examples with today's label shares."""
    if not drift.alarm or not labels:
        return Assumption(True, None)
    today = {name: share.value for name, (_, share) in labels.items()}
    rows = sample_by_share(pool.strata, today, np.random.default_rng(params.seed))
    if len(rows) < params.min_texts:
        return Assumption(False, None)
    matched = _test_drift(pool.reference.take(rows), window.sample, params)
    return Assumption(not matched.alarm, matched.p)


def _round_values(value: Any) -> Any:
    """Return nested values with floats rounded to six decimals."""
    if isinstance(value, float):
        return round(value, 6) + 0.0
    if isinstance(value, Mapping):
        return {key: _round_values(element) for key, element in value.items()}
    return [_round_values(element) for element in value] if isinstance(value, list | tuple) else value
