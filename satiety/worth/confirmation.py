"""A lever set -> what fine-tuning for real says of its gain, where it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from satiety.evaluate.bootstrap import Interval
from satiety.worth.scores import LeverSet
from satiety.worth.sequential import classify_gain

if TYPE_CHECKING:
    from satiety.worth.findings import Findings


def get_fine_tuned_gain(findings: Findings, levers: LeverSet, budget: int) -> Interval | None:
    """Return what a lever set gains at a budget by fine-tuning; None where that was not measured."""
    rows: Sequence[Any] = findings.agreement["compared"] if findings.agreement else ()
    name = "+".join(findings.plan.drop_idle(levers))
    intervals = (Interval(**row["full"]) for row in rows if (row["lever"], row["budget"]) == (name, budget))
    return next(intervals, None)


def is_refuted(findings: Findings, levers: LeverSet, budget: int) -> bool:
    """Return whether fine-tuning is sure that it gains less than what matters."""
    gain = get_fine_tuned_gain(findings, levers, budget)
    return gain is not None and classify_gain(gain, findings.plan.params.min_effect) in ("harmful", "not worth it here")


def is_confirmed(findings: Findings, levers: LeverSet, budget: int) -> bool:
    """Return whether fine-tuning is sure that it gains what matters."""
    gain = get_fine_tuned_gain(findings, levers, budget)
    return gain is not None and classify_gain(gain, findings.plan.params.min_effect) == "worth it"


def is_doubtful(findings: Findings, levers: LeverSet, budget: int) -> bool:
    """Return whether fine-tuning, surely or not, does not gain."""
    gain = get_fine_tuned_gain(findings, levers, budget)
    return gain is not None and gain.value <= 0
