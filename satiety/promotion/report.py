"""Verdict -> the numbers of ``reports/promote.json``, with every ground of the decision."""

from collections.abc import Sequence
from typing import Any

from satiety.core.records import Example
from satiety.promotion import Promote
from satiety.promotion.alpha_spending import InterimAnalyses, InterimAnalysis
from satiety.promotion.judge import Evidence, SetOutcome, SystemComparison, Verdict


def report_grounds(
    evidence: Evidence | None, verdict: Verdict | None, fresh: Sequence[Example], params: Promote
) -> dict[str, Any]:
    """Return the results by test set, slice, cost and calibration; empty if nothing was compared."""
    if evidence is None or verdict is None:
        return {}
    alpha, min_examples = (1 - params.confidence_level) / 2, params.min_fresh_examples
    slices = {
        name: {
            "examples": pair.examples,
            **pair.interval(alpha).to_dict(),
            "verdict": "worse" if name in verdict.regressed else "not worse",
        }
        for name, pair in evidence.slices.items()
    }
    calibration = cost = None
    if evidence.calibration and verdict.calibration:
        calibration = {
            "metric": "ece",
            "champion": evidence.calibration.champion.to_dict(),
            "challenger": evidence.calibration.challenger.to_dict(),
            "difference": verdict.calibration.to_dict(),
            "verdict": "better" if verdict.calibrated else "not significantly better",
        }
    if evidence.sizes:
        champion_size, challenger_size = ({"bytes": size} for size in evidence.sizes)
        cost = {"champion": champion_size, "challenger": challenger_size, "cheaper": verdict.cheaper}
    return {
        "basis": evidence.basis,
        "frozen": None,
        "fresh": _report_set(evidence.fresh, verdict.fresh, len(fresh), min_examples),
        "drawn": _report_set(evidence.random, verdict.random, len(select_random(fresh)), min_examples),
        evidence.basis: _report_set(evidence.frozen, verdict.frozen),
        "slices": slices,
        "calibration": calibration,
        "cost": cost,
    }


def report_spending(analyses: InterimAnalyses, params: Promote) -> dict[str, Any]:
    """Return the number of this comparison on each test set and the alpha left for later ones."""
    random_spending = {"drawn": _report_alpha(analyses.random)} if analyses.random else {}
    advice = "collect new test examples" if analyses.frozen.number >= params.max_comparisons else None
    return _report_alpha(analyses.frozen) | {"advice": advice} | random_spending


def select_random(fresh: Sequence[Example]) -> list[Example]:
    """Return the fresh test examples that were drawn at random from the traffic."""
    return [example for example in fresh if example.origin == "drawn"]


def _report_alpha(analysis: InterimAnalysis) -> dict[str, Any]:
    shares = {"total": analysis.total, "spent": 1 - analysis.remaining, "remaining": analysis.remaining}
    return {"comparison": analysis.number} | {name: round(value, 6) for name, value in shares.items()}


def _report_set(
    comparison: SystemComparison | None, outcome: SetOutcome | None, count: int = 0, min_examples: int = 0
) -> dict[str, Any] | None:
    """Return the result on one test set; None if it is empty."""
    if comparison is None or outcome is None:
        return {"examples": count, "min_examples": min_examples, "verdict": "too few"} if count else None
    verdicts = (("better", outcome.better), ("worse", outcome.worse), ("equal", outcome.equal), ("undecided", True))
    return {
        "examples": outcome.examples,
        "champion": comparison.headline.champion.to_dict(),
        "challenger": comparison.headline.challenger.to_dict(),
        "difference": outcome.difference.to_dict(),
        "confidence_level": round(outcome.confidence_level, 6),
        "verdict": next(verdict for verdict, applies in verdicts if applies),
    }
