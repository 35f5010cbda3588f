"""The outcomes of a study -> what is said of them: the content of ``reports/worth.json``, but for advice and sentences.

Every number comes from :mod:`scores` and what is computed of it; here it is only asked for, in order, and rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Interval, Resampling, assign_groups, estimate_intervals
from satiety.worth import curve as curves
from satiety.worth.advantage import estimate_advantage
from satiety.worth.agreement import compare_depths
from satiety.worth.calibration import LEAKED, check_calibration
from satiety.worth.credit import Share, assign_credit
from satiety.worth.curve import Curve
from satiety.worth.forecast import backtest, forecast
from satiety.worth.label_count import LabelCount
from satiety.worth.label_equivalence import LabelEquivalence, find_idle, is_comparable, is_zero_shot
from satiety.worth.recipes import select_recipes
from satiety.worth.replicates import FIRST_CURVE_REPLICATE
from satiety.worth.resample import BootstrapSamples
from satiety.worth.runs import StudyRun
from satiety.worth.scores import LeverSet, Scores, compute_gain, resample_scores
from satiety.worth.sequential import classify_gain
from satiety.worth.simultaneous import SimultaneousBand
from satiety.worth.study import Measurements, list_lever_sets

if TYPE_CHECKING:
    from satiety.worth.plan import Plan
    from satiety.worth.scores import Key

ZERO: LeverSet = ("zero-shot",)
"""No lever, but compared with plain as levers are."""
HORIZON = 4
"""How many times the largest budget the curve is drawn."""
CURVE_POINTS = 40
"""Points of the line that is drawn."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a study found."""

    plan: Plan
    measurements: Measurements
    scores: Scores
    curve: Curve
    lever_scores: Mapping[LeverSet, BootstrapSamples]
    """The score of every lever set, plain among them, at all budgets."""
    gains: Mapping[LeverSet, list[Interval]]
    """Of every lever set, by budget; each interval holds by itself, for labels drawn anew."""
    simultaneous_gains: Mapping[LeverSet, list[Interval]]
    """The same, with intervals that hold all at once: verdicts are told by these."""
    labels: Mapping[LeverSet, list[LabelCount]]
    band: SimultaneousBand
    """How far intervals reach that hold together with those."""
    agreement: Mapping[str, Any] | None = None
    """Of quick depth with full; None where nothing was fine-tuned."""

    @property
    def confidence_level(self) -> float:
        """Of every interval."""
        return self.plan.params.confidence_level

    @property
    def max_budget(self) -> int:
        """The largest budget: all labels there are."""
        return self.measurements.budgets[-1]

    def classify(self, levers: LeverSet, budget: int) -> str:
        """Return the verdict on a lever set at a budget: none where neither it nor plain learned anything."""
        gain = self.simultaneous_gains[levers][self.scores.budgets.index(budget)]
        if self.is_zero_shot(budget) and gain.low == gain.high == 0:
            return "inconclusive"
        return classify_gain(gain, self.plan.params.min_effect)

    def is_zero_shot(self, budget: int) -> bool:
        """Return whether plain answers by label names alone at a budget: what was learned does not beat that yet."""
        return is_zero_shot(self.measurements, budget)


def analyze_study(plan: Plan, measurements: Measurements) -> Findings:
    """Resample the outcomes, fit the curve, and read every gain off it."""
    resampling = Resampling(plan.params.seed, plan.params.resamples, plan.params.confidence_level)
    measurements = replace(measurements, outcomes=select_recipes(measurements.outcomes, plan.zero_shot, plan.problem))
    runs = [(_make_key(run), outcome.tallies) for run, outcome in measurements.outcomes.items() if is_comparable(run)]
    baseline = [key for key, _ in runs if not key[1]]
    runs += [((budget, ZERO, replicate), plan.zero_shot) for budget, _, replicate in baseline]
    curve_runs = [
        (_make_key(run), outcome.tallies)
        for run, outcome in measurements.outcomes.items()
        if run.replicate >= FIRST_CURVE_REPLICATE
    ]
    groups = assign_groups(plan.test)
    scores = resample_scores(plan.problem.score, plan.problem.headline, runs, curve_runs, groups, resampling)
    # What is known of a control holds for whatever labels: so it is looked for in these.
    scores = scores.drop_pool_noise([LEAKED, *((lever.kind,) for lever in plan.params.controls)])
    curve = curves.fit(scores.budgets, scores.curve)
    gain_samples = {levers: list(_split(compute_gain(scores, levers))) for levers in scores.replicates if levers}
    gains = {
        levers: [samples.interval(resampling.confidence_level) for samples in budget_samples]
        for levers, budget_samples in gain_samples.items()
    }
    effective_sets = [levers for levers in list_lever_sets(plan.params) if levers]
    band = SimultaneousBand.fit(
        (samples for levers in effective_sets for samples in gain_samples[levers]), resampling.confidence_level
    )
    equivalence = LabelEquivalence(plan, measurements, scores, curve)
    lever_scores = {levers: equivalence.score(levers) for levers in scores.replicates}
    labels = {
        levers: list(equivalence.count_labels(levers, score, band if levers in effective_sets else None))
        for levers, score in lever_scores.items()
        if levers
    }
    simultaneous_gains = {
        levers: [band.interval(samples) for samples in budget_samples]
        for levers, budget_samples in gain_samples.items()
    }
    findings = Findings(plan, measurements, scores, curve, lever_scores, gains, simultaneous_gains, labels, band)
    return replace(findings, agreement=compare_depths(findings))


def _make_key(run: StudyRun) -> Key:
    return run.budget, run.levers if run.is_gated else LEAKED, run.replicate


def _split(samples: Any) -> Iterator[Any]:
    return (samples[i] for i in range(len(samples.point)))


def build_report(findings: Findings) -> dict[str, Any]:
    """Return the report."""
    plan, measurements = findings.plan, findings.measurements
    line = [{"budget": n, **_estimate_score(findings, n)} for n in findings.scores.budgets]
    return {
        "metric": plan.problem.headline,
        "problem": plan.problem.kind,
        "depth": "full" if any(run.depth == "full" for run in measurements.outcomes) else "quick",
        "level": findings.confidence_level,
        "labels": len(plan.pool),
        "test": len(plan.test),
        "languages": list_languages(plan),
        "chains": {"levers": plan.params.replicates, "curve": plan.params.curve_replicates},
        "resamples": plan.params.resamples,
        "budgets": list(measurements.budgets),
        "curve": [{"budget": 0, **_estimate_zero_shot(plan).to_dict()}, *line],
        "fit": _report_fit(findings),
        "methods": list(_report_methods(findings)),
        "levers": list(_report_levers(findings)),
        "advantage": list(_report_advantages(findings)),
        "credit": list(_report_credits(findings)),
        "forecast": list(_report_forecasts(findings)),
        "backtest": _report_backtest(findings),
        "calibration": check_calibration(findings),
        "agreement": findings.agreement,
        "saved": _report_savings(findings),
    }


def list_languages(plan: Plan) -> list[str]:
    """Return the languages of a twentieth of the labels or more, the commonest first."""
    counts = Counter(example.language for example in plan.pool if example.language)
    return [name for name, count in counts.most_common() if count >= 0.05 * len(plan.pool)]


def _estimate_zero_shot(plan: Plan) -> Interval:
    resampling = Resampling(plan.params.seed, plan.params.resamples, plan.params.confidence_level)
    return estimate_intervals(plan.problem.score, plan.zero_shot, assign_groups(plan.test), resampling)[
        plan.problem.headline
    ]


def _estimate_score(findings: Findings, budget: int) -> dict[str, float]:
    position = findings.scores.budgets.index(budget)
    interval = findings.scores.curve[position].interval(findings.confidence_level)
    return Interval(interval.value, max(interval.low, 0.0), min(interval.high, 1.0)).to_dict()


def _report_fit(findings: Findings) -> dict[str, Any]:
    curve, end = findings.curve, findings.curve.largest * HORIZON
    points = np.geomspace(curve.smallest, end, CURVE_POINTS)
    return {
        "asymptote": curve.asymptote.interval(findings.confidence_level).to_dict(),
        "exponent": round(curve.exponent, 6),
        "line": [
            {"labels": round(float(n), 1), **curve.predict(n).interval(findings.confidence_level).to_dict()}
            for n in points
        ],
    }


def _report_methods(findings: Findings) -> Iterator[dict[str, Any]]:
    """Yield recipes without a lever, each against plain, which is the better one at each budget."""
    outcomes = findings.measurements.outcomes
    for position, budget in enumerate(findings.scores.budgets):
        shares = [
            o.is_zero_shot for c, o in outcomes.items() if is_comparable(c) and c.budget == budget and not c.levers
        ]
        yield {
            "method": ZERO[0],
            "budget": budget,
            "score": round(float(findings.scores.mean(ZERO)[position]), 6),
            "difference": findings.gains[ZERO][position].to_dict(),
            "chosen": round(sum(shares) / len(shares), 6),
        }


def _report_levers(findings: Findings) -> Iterator[dict[str, Any]]:
    for levers in list_lever_sets(findings.plan.params):
        for position, budget in enumerate(findings.scores.budgets if levers else ()):
            yield {
                "lever": "+".join(levers),
                "budget": budget,
                "score": round(float(findings.lever_scores[levers].point[position]), 6),
                "gain": findings.simultaneous_gains[levers][position].to_dict(),
                "alone": findings.gains[levers][position].to_dict(),
                "labels": findings.labels[levers][position].to_report(),
                "verdict": findings.classify(levers, budget),
                "stopped": findings.plan.drop_idle(levers) in findings.measurements.stopped,
                "refused": _count_rejected(findings, levers, budget),
            }


def _count_rejected(findings: Findings, levers: LeverSet, budget: int) -> int:
    """Return how many texts were refused in all chains, for they give test texts away."""
    runs = findings.measurements.outcomes.items()
    return sum(o.num_rejected for c, o in runs if is_comparable(c) and (c.levers, c.budget) == (levers, budget))


def _report_advantages(findings: Findings) -> Iterator[dict[str, Any]]:
    for levers in list_lever_sets(findings.plan.params):
        if levers:
            is_idle = find_idle(findings.scores, levers).all()
            line = findings.curve if is_idle else curves.fit(findings.scores.budgets, findings.lever_scores[levers])
            yield {
                "lever": "+".join(levers),
                **estimate_advantage(findings.curve, line, findings.confidence_level).to_report(),
            }


def _report_credits(findings: Findings) -> Iterator[dict[str, Any]]:
    names = tuple(sorted(findings.plan.params.levers))
    for split in assign_credit(findings.scores, names, findings.confidence_level) if names else ():
        yield {
            "budget": split.budget,
            "joint": _report_share(split.joint),
            "shares": [{"lever": share.levers[0], **_report_share(share)} for share in split.shares],
            "interactions": [{"levers": list(share.levers), **_report_share(share)} for share in split.interactions],
            "capped": split.is_capped,
        }


def _report_share(share: Share) -> dict[str, Any]:
    return {"gain": share.gain.to_dict(), "labels": share.labels and share.labels.to_report()}


def _report_forecasts(findings: Findings) -> Iterator[dict[str, Any]]:
    for target in () if findings.is_zero_shot(findings.max_budget) else list_targets(findings):
        estimate = forecast(findings.curve, target, findings.confidence_level)
        labels = estimate.labels.to_report()
        yield {"target": target, "labels": labels.pop("value"), **labels, "reachable": estimate.is_reachable}


def list_targets(findings: Findings) -> list[float]:
    """Return the scores to forecast: those asked for, or some between what there is and what there could be."""
    if findings.plan.params.targets is not None:
        return sorted({*findings.plan.params.targets})
    current = float(findings.curve.predict(findings.max_budget).point)
    room = max(float(findings.curve.asymptote.point) - current, 0.03)
    return sorted(
        {min(1.0, max(round(current + share * room, 2), round(current + 0.01, 2))) for share in (0.25, 0.5, 0.75)}
    )


def _report_backtest(findings: Findings) -> dict[str, Any]:
    checks = backtest(findings.scores.budgets, findings.scores.curve, findings.confidence_level)
    share = None if checks.share is None else round(checks.share, 6)
    return {"forecasts": len(checks.forecasts), "covered": checks.num_covered, "share": share}


def _report_savings(findings: Findings) -> dict[str, Any]:
    measurements, params = findings.measurements, findings.plan.params
    above = sum(n > 0 for n in measurements.budgets)
    runs = above * sum(params.replicates - replicates for replicates in measurements.stopped.values())
    return {
        "cells": runs,
        "of": measurements.planned,
        "share": round(runs / measurements.planned, 6),
        "stopped": [
            {"lever": "+".join(levers), "after": replicates}
            for levers, replicates in sorted(measurements.stopped.items())
        ],
        "error": params.alpha,
    }
