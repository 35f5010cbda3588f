"""Number of comparisons on a test set -> alpha that this comparison may spend on a wrong promotion.

Each frozen test set has its own alpha; random fresh test sets, which grow out of each other, share one. Every
challenger is a new hypothesis and their number is unknown, so the alpha is spread over an infinite sequence: comparison
k may spend 1 / (k (k + 1)) of it, which leaves 1 / (k + 1). By the union bound the probability of any wrong promotion
stays below alpha, for any dependence between challengers. They may also depend on earlier decisions: while all of those
are refusals there is only one sequence of challengers, so the bound holds for the first wrong promotion.

Source: alpha-spending for a stream of hypotheses: Foster & Stine 2008, doi:10.1111/j.1467-9868.2007.00643.x; Tian &
Ramdas 2021, arXiv:1910.04900. Decisions as the only leak of a test set: Blum & Hardt 2015, The Ladder,
arXiv:1502.04585. Group-sequential boundaries (Lan & DeMets 1983) assume one hypothesis and growing data.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InterimAnalysis:
    """Comparison of one challenger with the champion on one test set."""

    number: int
    """Counted from 1; 0 before the first."""
    total: float
    """Alpha of the test set, shared by all comparisons."""

    @property
    def alpha(self) -> float:
        """Probability of a wrong promotion allowed in this comparison."""
        return self.total / (self.number * (self.number + 1))

    @property
    def remaining(self) -> float:
        """Share of the total left for later comparisons, in [0, 1]."""
        return 1 / (self.number + 1)


@dataclass(frozen=True, slots=True)
class InterimAnalyses:
    """Interim analyses of one decision."""

    frozen: InterimAnalysis
    random: InterimAnalysis | None = None
    """On the randomly drawn fresh test examples; None if there are too few."""
