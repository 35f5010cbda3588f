"""A verdict -> the numbers of ``reports/promote.json``: each ground, whether it counted or not."""

from collections.abc import Mapping, Sequence
from typing import Any

from satiety.promotion import Promote
from satiety.promotion.judge import Compared, Evidence, Finding, Verdict
from satiety.promotion.spending import Look, Looks
from satiety.records import Example


def grounds(
    evidence: Evidence | None, verdict: Verdict | None, fresh: Sequence[Example], params: Promote
) -> dict[str, Any]:
    """Return what each test set, each slice, the cost and the calibration said; nothing where nothing was compared."""
    if evidence is None or verdict is None:
        return {}
    drawn = drawn_of(fresh)
    return {
        "frozen": _set(evidence.frozen, verdict.frozen),
        "fresh": _set_or_few(evidence.fresh, verdict.fresh, len(fresh), params),
        "drawn": _set_or_few(evidence.drawn, verdict.drawn, len(drawn), params),
        "slices": _slices(evidence.frozen, verdict, params, "")
        | (_slices(evidence.fresh, verdict, params, "fresh, ") if evidence.fresh else {}),
        "calibration": _trust(evidence, verdict),
        "cost": _cost(evidence, verdict),
    }


def spent(looks: Looks, params: Promote) -> dict[str, Any]:
    """Return which look at each test set this was, and what is left of the set's alpha for the next ones."""
    drawn = {"drawn": _spent(looks.drawn)} if looks.drawn else {}
    advice = "give it new test examples" if looks.frozen.number >= params.looks else None
    return _spent(looks.frozen) | {"advice": advice} | drawn


def _spent(look: Look) -> dict[str, Any]:
    shares = {"total": look.total, "spent": 1 - look.left, "left": look.left}
    return {"look": look.number} | {name: round(value, 6) for name, value in shares.items()}


def drawn_of(fresh: Sequence[Example]) -> list[Example]:
    """Return the fresh test examples that chance drew from the traffic."""
    return [example for example in fresh if example.origin == "drawn"]


def _set_or_few(compared: Compared | None, found: Finding | None, count: int, params: Promote) -> dict[str, Any] | None:
    if compared and found:
        return _set(compared, found)
    return {"examples": count, "needed": params.fresh_least, "verdict": "too few"} if count else None


def _set(compared: Compared, found: Finding) -> dict[str, Any]:
    return {
        "examples": found.examples,
        "champion": compared.headline.old.rounded(),
        "challenger": compared.headline.new.rounded(),
        "difference": found.difference.rounded(),
        "level": round(found.level, 6),
        "verdict": "better" if found.better else "worse" if found.worse else "equal" if found.equal else "undecided",
    }


def _slices(compared: Compared, verdict: Verdict, params: Promote, where: str) -> dict[str, Mapping[str, Any]]:
    return {
        f"{where}{name}": {
            "examples": pair.examples,
            **pair.interval((1 - params.level) / 2).rounded(),
            "verdict": "worse" if f"{where}{name}" in verdict.regressed else "not worse",
        }
        for name, pair in compared.slices.items()
    }


def _trust(evidence: Evidence, verdict: Verdict) -> dict[str, Any] | None:
    if evidence.trust is None or verdict.calibration is None:
        return None
    sides = {"champion": evidence.trust.old.rounded(), "challenger": evidence.trust.new.rounded()}
    said = "better" if verdict.calibrated else "not surely better"
    return {"metric": "ece", **sides, "difference": verdict.calibration.rounded(), "verdict": said}


def _cost(evidence: Evidence, verdict: Verdict) -> dict[str, Any] | None:
    if evidence.sizes is None:
        return None
    old, new = evidence.sizes
    return {"champion": {"bytes": old}, "challenger": {"bytes": new}, "cheaper": verdict.cheaper}
