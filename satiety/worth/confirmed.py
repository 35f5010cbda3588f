"""A lever set -> what fine-tuning for real says of its gain, where it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from satiety.evaluate.bootstrap import Interval
from satiety.worth.scores import LeverSet
from satiety.worth.sequential import verdict

if TYPE_CHECKING:
    from satiety.worth.findings import Findings


def tuned(found: Findings, levers: LeverSet, budget: int) -> Interval | None:
    """Return what a lever set gains at a budget by fine-tuning; None where that was not measured."""
    rows: Sequence[Any] = found.agreement["compared"] if found.agreement else ()
    name = "+".join(found.plan.acting(levers))
    here = (Interval(**one["full"]) for one in rows if (one["lever"], one["budget"]) == (name, budget))
    return next(here, None)


def refuted(found: Findings, levers: LeverSet, budget: int) -> bool:
    """Return whether fine-tuning is sure that it gains less than what matters."""
    gained = tuned(found, levers, budget)
    return gained is not None and verdict(gained, found.plan.params.least) in ("harmful", "not worth it here")


def proved(found: Findings, levers: LeverSet, budget: int) -> bool:
    """Return whether fine-tuning is sure that it gains what matters."""
    gained = tuned(found, levers, budget)
    return gained is not None and verdict(gained, found.plan.params.least) == "worth it"


def doubted(found: Findings, levers: LeverSet, budget: int) -> bool:
    """Return whether fine-tuning, surely or not, does not gain."""
    gained = tuned(found, levers, budget)
    return gained is not None and gained.value <= 0
