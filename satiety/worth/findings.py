"""Outcomes of a study -> scores, learning curve, gains, label equivalence and verdicts of every lever set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval, Resampling, assign_groups
from satiety.worth import curve as curves
from satiety.worth.agreement import compare_depths
from satiety.worth.curve import Curve
from satiety.worth.label_count import LabelCount, estimate_labels
from satiety.worth.resample import BootstrapSamples
from satiety.worth.runs import FIRST_CURVE_REPLICATE, StudyRun
from satiety.worth.scores import LeverSet, Scores, compute_gain, resample_scores
from satiety.worth.study import Measurements, list_lever_sets
from satiety.worth.verdicts import SimultaneousBand, classify_gain

if TYPE_CHECKING:
    from satiety.problems import Problem
    from satiety.problems.base import Floats
    from satiety.worth.plan import Plan
    from satiety.worth.run_store import Outcome
    from satiety.worth.scores import Key

ZERO_SHOT: LeverSet = ("zero-shot",)
"""Stands for zero-shot answers where they are compared with the baseline."""
LEAKED: LeverSet = ("leak let through",)
"""Stands for runs of the control `leak` without decontamination."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Scores and gains of a study, with intervals."""

    plan: Plan
    measurements: Measurements
    scores: Scores
    curve: Curve
    lever_scores: Mapping[LeverSet, BootstrapSamples]
    """Score of every lever set, the baseline included, at each budget."""
    gains: Mapping[LeverSet, list[Interval]]
    """Gain over the baseline at each budget, with pointwise intervals for newly drawn labels."""
    simultaneous_gains: Mapping[LeverSet, list[Interval]]
    """The same gains with simultaneous intervals; verdicts use these."""
    labels: Mapping[LeverSet, list[LabelCount]]
    """Label equivalence at each budget."""
    band: SimultaneousBand
    """Width of the simultaneous intervals."""
    agreement: Mapping[str, Any] | None = None
    """Comparison of proxy and fine-tuned gains; None where nothing was fine-tuned."""

    @property
    def confidence_level(self) -> float:
        """Confidence level of every interval."""
        return self.plan.params.confidence_level

    @property
    def max_budget(self) -> int:
        """Largest budget, which is the whole pool."""
        return self.measurements.budgets[-1]

    def classify(self, levers: LeverSet, budget: int) -> str:
        """Return the verdict on a lever set; inconclusive where it and the baseline both answer zero-shot."""
        gain = self.simultaneous_gains[levers][self.scores.budgets.index(budget)]
        if self.is_zero_shot(budget) and gain.low == gain.high == 0:
            return "inconclusive"
        return classify_gain(gain, self.plan.params.min_effect)

    def is_zero_shot(self, budget: int) -> bool:
        """Return whether the baseline answers zero-shot at a budget, because training scores no higher yet."""
        return is_zero_shot(self.measurements, budget)


def analyze_study(plan: Plan, measurements: Measurements) -> Findings:
    """Resample the outcomes, fit the learning curve and place every lever set on it."""
    params, problem = plan.params, plan.problem
    resampling = Resampling(params.seed, params.resamples, params.confidence_level)
    measurements = replace(measurements, outcomes=select_recipes(measurements.outcomes, plan.zero_shot, problem))
    scores = _resample(plan, measurements, resampling)
    curve = curves.fit(scores.budgets, scores.curve)

    # Gains of lever sets that are measured get intervals that are simultaneously valid; controls are read one by one.
    gain_samples = {levers: compute_gain(scores, levers) for levers in scores.replicates}
    positions = range(len(scores.budgets))
    measured_sets = [levers for levers in list_lever_sets(params) if levers]
    band = SimultaneousBand.fit(
        (gain_samples[levers][i] for levers in measured_sets for i in positions), params.confidence_level
    )

    # A lever set's score is the baseline's on the curve plus the gain within replicates, resample by resample.
    baseline = np.stack([curve.predict(budget).rows for budget in scores.budgets], axis=1)
    lever_scores = {levers: BootstrapSamples(baseline + samples.rows) for levers, samples in gain_samples.items()}
    del gain_samples[()]
    findings = Findings(
        plan,
        measurements,
        scores,
        curve,
        lever_scores,
        gains={
            levers: [samples[i].interval(params.confidence_level) for i in positions]
            for levers, samples in gain_samples.items()
        },
        simultaneous_gains={
            levers: [band.interval(samples[i]) for i in positions] for levers, samples in gain_samples.items()
        },
        labels={},
        band=band,
    )
    labels = {
        levers: [
            _count_labels(findings, i, lever_scores[levers][i], samples[i], is_control=levers not in measured_sets)
            for i in positions
        ]
        for levers, samples in gain_samples.items()
    }
    return replace(findings, labels=labels, agreement=compare_depths(findings))


def _resample(plan: Plan, measurements: Measurements, resampling: Resampling) -> Scores:
    """Return the scores of all runs of the proxy, of zero-shot answers, and of the curve's replicates."""

    def make_key(run: StudyRun) -> Key:
        return run.budget, run.levers if run.is_gated else LEAKED, run.replicate

    outcomes = measurements.outcomes.items()
    runs = [(make_key(run), outcome.tallies) for run, outcome in outcomes if is_comparable(run)]
    runs += [((budget, ZERO_SHOT, replicate), plan.zero_shot) for (budget, levers, replicate), _ in runs if not levers]
    curve_runs = [
        (make_key(run), outcome.tallies) for run, outcome in outcomes if run.replicate >= FIRST_CURVE_REPLICATE
    ]
    scores = resample_scores(
        plan.problem.score, plan.problem.headline, runs, curve_runs, assign_groups(plan.test), resampling
    )
    # The true worth of a control holds for any labels, so its intervals are conditional on the labels at hand.
    return scores.drop_pool_noise([LEAKED, *((lever.kind,) for lever in plan.params.controls)])


def _count_labels(
    findings: Findings, position: int, score: BootstrapSamples, gain: BootstrapSamples, *, is_control: bool
) -> LabelCount:
    """Return the label equivalence of a lever set at a budget; the budget itself where the set changes nothing."""
    budget = findings.scores.budgets[position]
    if is_control:
        return estimate_labels(findings.curve, score, findings.confidence_level)
    if (gain.rows == 0).all():
        is_unknown = findings.is_zero_shot(budget)
        return LabelCount(budget, 0, np.inf) if is_unknown else LabelCount(budget, budget, budget)
    return estimate_labels(findings.curve, score, findings.band.estimate_coverage(gain)).widen()


def select_recipes(
    outcomes: Mapping[StudyRun, Outcome], zero_shot: Floats, problem: Problem
) -> dict[StudyRun, Outcome]:
    """Replace proxy outcomes by zero-shot answers at every budget and lever set where training scores lower.

    One choice is made for all replicates, by their mean score on the test texts. So the baseline never scores below
    zero-shot, and a lever gets no credit for a change of recipe. Fine-tuned outcomes stay as they are.

    Args:
        outcomes: by run.
        zero_shot: tallies of zero-shot answers, shape (examples, counts).
        problem: scores the tallies.
    """

    def score(tallies: Floats) -> float:
        return float(problem.score(tallies)[problem.headline])

    def group(run: StudyRun) -> object:
        return run.budget, run.levers, run.is_gated, run.depth

    groups: dict[object, list[float]] = defaultdict(list)
    for run, outcome in outcomes.items():
        groups[group(run)].append(score(outcome.tallies))
    zero_shot_score = score(zero_shot)
    return {
        run: replace(outcome, tallies=zero_shot, is_zero_shot=True)
        if run.depth == "proxy" and np.mean(groups[group(run)]) < zero_shot_score
        else outcome
        for run, outcome in outcomes.items()
    }


def is_zero_shot(measurements: Measurements, budget: int) -> bool:
    """Return whether the baseline answers zero-shot at a budget."""
    return all(
        outcome.is_zero_shot
        for run, outcome in measurements.outcomes.items()
        if is_comparable(run) and run.budget == budget and not run.levers
    )


def is_comparable(run: StudyRun) -> bool:
    """Return whether lever sets are compared by this run: proxy, with labels, outside the curve's replicates."""
    return run.depth == "proxy" and run.budget > 0 and run.replicate < FIRST_CURVE_REPLICATE
