"""Findings -> how levers of known worth were read: an oracle, a copy, poison, a leak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from satiety.worth.levers.controls import Oracle
from satiety.worth.scores import LeverSet, gain
from satiety.worth.study import controlled

if TYPE_CHECKING:
    from satiety.worth.findings import Findings

LEAKED: LeverSet = ("leak let through",)
"""No lever, but compared with one as levers are."""


def calibration(found: Findings) -> dict[str, Any]:
    """Return, by control, what had to be read and what was."""
    plan, told = found.plan, dict[str, Any]()
    places = controlled(plan.params, found.course.budgets, len(plan.pool))
    for lever in plan.params.controls:
        if lever.kind == "leak":
            told |= {"leak": _leak(found, places)} if places else {}
            continue
        further = {n: lever.further(n) if isinstance(lever, Oracle) else 0 for n in places}
        told[lever.kind] = [
            _known(found, (lever.kind,), n, n + further[n], below=lever.kind == "poison") for n in places
        ]
    return told


def _known(found: Findings, levers: LeverSet, budget: int, truth: int, *, below: bool) -> dict[str, Any]:
    labels = found.labels[levers][found.scores.budgets.index(budget)]
    holds = labels.value < truth if below else labels.low <= truth <= labels.high
    return {"budget": budget, "truth": truth, "labels": labels.rounded(), "holds": bool(holds)}


def _leak(found: Findings, places: Sequence[int]) -> dict[str, Any]:
    """Tell of leaked texts refused, and what they add where they are let through, in the same chains."""
    place = found.scores.budgets.index(places[-1])
    cells = {c: o for c, o in found.course.outcomes.items() if c.levers == ("leak",) and c.budget == places[-1]}
    return {
        "budget": places[-1],
        "refused": sum(o.refused for c, o in cells.items() if c.gated),
        "let through": sum(o.used - c.budget for c, o in cells.items() if c.gated),
        "score": round(float(found.scores.mean(LEAKED)[place]), 6),
        "inflation": gain(found.scores, LEAKED, ("leak",))[place].interval(found.level).rounded(),
    }
