"""Base class of the detectors, and their test statistics.

A detector gets the pooled texts of reference and window, and returns a statistic for every division of the pool into
two parts. The observed division is compared with random ones, so the threshold is exact for any statistic.
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
"""Decimals kept, so that equal differences stay equal in any order of summation."""

TIE = 1e-7
"""Weight of the tie-breaker: smaller than the gap between any two unequal distances."""


class Detector(Component):
    """Test statistic of one property of texts."""

    @abstractmethod
    def differences(self, pooled: TextSample, contrasts: Floats) -> Floats:
        """Return the difference between the two parts of each division; larger means more different.

        Args:
            pooled: texts of both samples.
            contrasts: shape (divisions, texts): 1/n for the n texts of the window, −1/m for the m others.

        Returns:
            Shape (divisions,); the observed division must be treated like any other.
        """


def compute_ks_distance(values: Floats, contrasts: Floats) -> Floats:
    """Return the Kolmogorov–Smirnov distance of each division: the largest gap between the distribution functions.

    In small samples the distance has few distinct values, and ties would make the test conservative. The mean squared
    gap (Cramér–von Mises) breaks them.

    Args:
        values: shape (texts,).
        contrasts: shape (divisions, texts).
    """
    order = np.argsort(values, kind="stable")
    last = np.append(np.diff(values[order]) > 0, True)  # equal values count together
    squares = np.cumsum(contrasts[:, order], axis=1)[:, last] ** 2
    gaps: Floats = (np.sqrt(squares.max(axis=1)) + TIE * squares.mean(axis=1)).round(DIGITS)
    return gaps


def compare_rates(marks: csr_matrix, contrasts: Floats) -> Floats:
    """Return the sum of squared differences of rates of each division, each divided by its variance.

    Args:
        marks: 1 for a text with a property, else 0; shape (texts, properties). Constant properties are ignored.
        contrasts: shape (divisions, texts).

    Source: the chi-squared statistic of independent proportions (Pearson 1900), summed over properties.
    """
    rates = np.asarray(marks.mean(axis=0)).ravel()
    informative = (rates > 0) & (rates < 1)
    differences = (marks[:, informative].T @ contrasts.T) ** 2
    totals: Floats = (differences / (rates * (1 - rates))[informative, None]).sum(axis=0).round(DIGITS)
    return totals


DETECTORS: Registry[Detector] = Registry("detector", "satiety.monitor.detectors")
