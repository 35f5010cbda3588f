"""Findings -> how levers of known worth were read: an oracle, a copy, poison, a leak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from satiety.levers.controls import Oracle
from satiety.worth.scores import LeverSet, compute_gain
from satiety.worth.study import select_control_budgets

if TYPE_CHECKING:
    from satiety.worth.findings import Findings

LEAKED: LeverSet = ("leak let through",)
"""No lever, but compared with one as levers are."""


def check_calibration(findings: Findings) -> dict[str, Any]:
    """Return, by control, what had to be read and what was."""
    plan, checks = findings.plan, dict[str, Any]()
    control_budgets = select_control_budgets(plan.params, findings.measurements.budgets, len(plan.pool))
    for lever in plan.params.controls:
        if lever.kind == "leak":
            checks |= {"leak": _check_leak(findings, control_budgets)} if control_budgets else {}
            continue
        extra = {n: lever.count_extra(n) if isinstance(lever, Oracle) else 0 for n in control_budgets}
        checks[lever.kind] = [
            _check_control(findings, (lever.kind,), n, n + extra[n], is_harmful=lever.kind == "poison")
            for n in control_budgets
        ]
    return checks


def _check_control(
    findings: Findings, levers: LeverSet, budget: int, expected: int, *, is_harmful: bool
) -> dict[str, Any]:
    labels = findings.labels[levers][findings.scores.budgets.index(budget)]
    is_covered = labels.value < expected if is_harmful else labels.low <= expected <= labels.high
    return {"budget": budget, "truth": expected, "labels": labels.to_report(), "holds": bool(is_covered)}


def _check_leak(findings: Findings, control_budgets: Sequence[int]) -> dict[str, Any]:
    """Tell of leaked texts refused, and what they add where they are let through, in the same chains."""
    position = findings.scores.budgets.index(control_budgets[-1])
    runs = {
        c: o
        for c, o in findings.measurements.outcomes.items()
        if c.levers == ("leak",) and c.budget == control_budgets[-1]
    }
    return {
        "budget": control_budgets[-1],
        "refused": sum(o.num_rejected for c, o in runs.items() if c.is_gated),
        "let through": sum(o.num_examples - c.budget for c, o in runs.items() if c.is_gated),
        "score": round(float(findings.scores.mean(LEAKED)[position]), 6),
        "inflation": compute_gain(findings.scores, LEAKED, ("leak",))[position]
        .interval(findings.confidence_level)
        .to_dict(),
    }
