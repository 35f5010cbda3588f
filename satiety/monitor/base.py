"""What a detector is: it sees what two samples hold together, and says how much any division of it differs.

The division that happened, reference and window, is one among many at random. So whatever a detector looks at, and
however its texts depend on each other, its threshold is exact where the two are alike: no asymptotics, no table.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from satiety.core.registry import Component, Registry

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats

DIGITS = 12
"""Decimals that count: equal differences are to be equal, in whatever order they were summed."""

TIE = 1e-7
"""Weight of what decides between equal differences: less than any two that are not equal differ by."""


class Detector(Component):
    """Looks at one side of texts."""

    @abstractmethod
    def differences(self, pooled: TextSample, contrasts: Floats) -> Floats:
        """Return how much the two parts differ, for each division; larger is more.

        Args:
            pooled: the texts of both samples.
            contrasts: shape (divisions, texts): a row has 1/n for the n texts of the window and −1/m for the m others.

        Returns:
            Shape (divisions,); all divisions are treated alike, so the one that happened has no name.
        """


def compute_ks_distance(values: Floats, contrasts: Floats) -> Floats:
    """Return the Kolmogorov–Smirnov distance of each division: the greatest gap between the shares up to a value.

    Of small samples it takes few values. So that ties make alarms no rarer than they should be, the mean squared gap
    (Cramér–von Mises) decides between equal ones.

    Args:
        values: shape (texts,).
        contrasts: shape (divisions, texts).
    """
    order = np.argsort(values, kind="stable")
    last = np.append(np.diff(values[order]) > 0, True)  # texts of one value count together
    squares = np.cumsum(contrasts[:, order], axis=1)[:, last] ** 2
    gaps: Floats = (np.sqrt(squares.max(axis=1)) + TIE * squares.mean(axis=1)).round(DIGITS)
    return gaps


def compare_rates(marks: csr_matrix, contrasts: Floats) -> Floats:
    """Return, of each division, the squared differences of rates, each in units of its variance, summed.

    Args:
        marks: which text has which property, 0 or 1, shape (texts, properties); what all or none has tells nothing.
        contrasts: shape (divisions, texts).

    Source: the chi-squared statistic of independent proportions (Pearson 1900), summed over properties.
    """
    rates = np.asarray(marks.mean(axis=0)).ravel()
    informative = (rates > 0) & (rates < 1)
    differences = (marks[:, informative].T @ contrasts.T) ** 2
    totals: Floats = (differences / (rates * (1 - rates))[informative, None]).sum(axis=0).round(DIGITS)
    return totals


DETECTORS: Registry[Detector] = Registry("detector", "satiety.monitor.detectors")
