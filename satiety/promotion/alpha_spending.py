"""How often a test set has been looked at -> what this look may spend on promoting a model wrongly.

Each frozen test set has an alpha of its own, and all random fresh ones, which grow out of each other, have one. Every
challenger is a new hypothesis, and nobody knows how many will come, so the alpha is spread over an endless row: look k
may spend 1 / (k (k + 1)) of it. The shares add up to 1, and 1 / (k + 1) is left after look k. By the union bound the
chance that any of the looks ever promotes a model that is no better stays below alpha, however the challengers depend
on each other. They may depend on earlier decisions too: as long as all of those were refusals there is one row of
challengers only, so the bound holds for the first wrong promotion.

Source: alpha-spending for a stream of hypotheses: Foster & Stine 2008, doi:10.1111/j.1467-9868.2007.00643.x; Tian &
Ramdas 2021, arXiv:1910.04900. Decisions as all that leaks of a test set: Blum & Hardt 2015, The Ladder,
arXiv:1502.04585. Group-sequential boundaries (Lan & DeMets 1983) are for one hypothesis and growing data: not this.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InterimAnalysis:
    """One challenger, judged on one test set."""

    number: int
    """Counted from 1; 0 before any."""
    total: float
    """Alpha of the test set, for all looks together."""

    @property
    def alpha(self) -> float:
        """Chance of a wrong promotion that this look may take."""
        return self.total / (self.number * (self.number + 1))

    @property
    def remaining(self) -> float:
        """Share of the total that is left to all later looks, in [0, 1]."""
        return 1 / (self.number + 1)


@dataclass(frozen=True, slots=True)
class InterimAnalyses:
    """Those that one decision takes."""

    frozen: InterimAnalysis
    random: InterimAnalysis | None = None
    """At the fresh test examples that were drawn at random; None where they do not count."""
