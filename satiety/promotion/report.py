"""A verdict -> the numbers of ``reports/promote.json``: each ground, whether it counted or not."""

from collections.abc import Mapping, Sequence
from typing import Any

from satiety.core.records import Example
from satiety.promotion import Promote
from satiety.promotion.alpha_spending import InterimAnalyses, InterimAnalysis
from satiety.promotion.judge import Evidence, SetOutcome, SystemComparison, Verdict


def report_grounds(
    evidence: Evidence | None, verdict: Verdict | None, fresh: Sequence[Example], params: Promote
) -> dict[str, Any]:
    """Return what each test set, each slice, the cost and the calibration said; nothing where nothing was compared."""
    if evidence is None or verdict is None:
        return {}
    random_examples = select_random(fresh)
    return {
        "frozen": _report_set(evidence.frozen, verdict.frozen),
        "fresh": _report_optional_set(evidence.fresh, verdict.fresh, len(fresh), params),
        "drawn": _report_optional_set(evidence.random, verdict.random, len(random_examples), params),
        "slices": _report_slices(evidence.frozen, verdict, params, "")
        | (_report_slices(evidence.fresh, verdict, params, "fresh, ") if evidence.fresh else {}),
        "calibration": _report_calibration(evidence, verdict),
        "cost": _report_cost(evidence, verdict),
    }


def report_spending(analyses: InterimAnalyses, params: Promote) -> dict[str, Any]:
    """Return which look at each test set this was, and what is left of the set's alpha for the next ones."""
    random_spending = {"drawn": _report_alpha(analyses.random)} if analyses.random else {}
    advice = "give it new test examples" if analyses.frozen.number >= params.max_comparisons else None
    return _report_alpha(analyses.frozen) | {"advice": advice} | random_spending


def _report_alpha(analysis: InterimAnalysis) -> dict[str, Any]:
    shares = {"total": analysis.total, "spent": 1 - analysis.remaining, "left": analysis.remaining}
    return {"look": analysis.number} | {name: round(value, 6) for name, value in shares.items()}


def select_random(fresh: Sequence[Example]) -> list[Example]:
    """Return the fresh test examples that chance drew from the traffic."""
    return [example for example in fresh if example.origin == "drawn"]


def _report_optional_set(
    comparison: SystemComparison | None, outcome: SetOutcome | None, count: int, params: Promote
) -> dict[str, Any] | None:
    if comparison and outcome:
        return _report_set(comparison, outcome)
    return {"examples": count, "needed": params.min_fresh_examples, "verdict": "too few"} if count else None


def _report_set(comparison: SystemComparison, outcome: SetOutcome) -> dict[str, Any]:
    return {
        "examples": outcome.examples,
        "champion": comparison.headline.champion.to_dict(),
        "challenger": comparison.headline.challenger.to_dict(),
        "difference": outcome.difference.to_dict(),
        "level": round(outcome.confidence_level, 6),
        "verdict": "better"
        if outcome.better
        else "worse"
        if outcome.worse
        else "equal"
        if outcome.equal
        else "undecided",
    }


def _report_slices(
    comparison: SystemComparison, verdict: Verdict, params: Promote, prefix: str
) -> dict[str, Mapping[str, Any]]:
    return {
        f"{prefix}{name}": {
            "examples": pair.examples,
            **pair.interval((1 - params.confidence_level) / 2).to_dict(),
            "verdict": "worse" if f"{prefix}{name}" in verdict.regressed else "not worse",
        }
        for name, pair in comparison.slices.items()
    }


def _report_calibration(evidence: Evidence, verdict: Verdict) -> dict[str, Any] | None:
    if evidence.calibration is None or verdict.calibration is None:
        return None
    intervals = {
        "champion": evidence.calibration.champion.to_dict(),
        "challenger": evidence.calibration.challenger.to_dict(),
    }
    conclusion = "better" if verdict.calibrated else "not surely better"
    return {"metric": "ece", **intervals, "difference": verdict.calibration.to_dict(), "verdict": conclusion}


def _report_cost(evidence: Evidence, verdict: Verdict) -> dict[str, Any] | None:
    if evidence.sizes is None:
        return None
    champion_bytes, challenger_bytes = evidence.sizes
    return {
        "champion": {"bytes": champion_bytes},
        "challenger": {"bytes": challenger_bytes},
        "cheaper": verdict.cheaper,
    }
