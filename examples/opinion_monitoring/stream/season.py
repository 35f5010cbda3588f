"""Counts of past weeks -> what a week is like: how many are expected in each of its windows.

A count is a product: the mean, how busy its week was, its day of the week, its time of day, and what is special to
that time of that day. Each factor is drawn towards 1 as if ``strength`` texts had already come just as expected, so
one that few texts speak for says little: the mean of a gamma posterior under Poisson counts.

Sources: Clayton & Kaldor 1987, Biometrics 43:671 (relative rates under a gamma prior); fitted factor by factor, as in
iterative proportional fitting: Deming & Stephan 1940, Annals of Mathematical Statistics 11:427.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats

SHARED = ((1, 2), (0, 2), (0, 1), (0,))
"""Over which axes a factor is one: those of a week, a day of the week, a time of day, a time of one day of the week."""
SWEEPS = 8
"""Rounds over the factors, after which none moves by a thousandth."""


def fit_week(counts: Floats, has_data: NDArray[np.bool_], strength: float) -> Floats:
    """Return the expected counts of a week's windows, shape (7, windows a day, columns), at the mean of all weeks.

    Args:
        counts: shape (weeks, 7, windows a day, columns).
        has_data: which windows have been, shape (weeks, 7, windows a day); at least one.
        strength: texts that speak for a factor of 1.
    """
    mask = has_data[..., None].astype(float)
    counts, mean = counts * mask, (counts * mask).sum(axis=(0, 1, 2)) / has_data.sum()
    factors = [np.ones_like((mask * counts).sum(axis=axes, keepdims=True)) for axes in SHARED]
    for _ in range(SWEEPS):
        for i, axes in enumerate(SHARED):
            product = mask * mean * np.prod(np.broadcast_arrays(*factors[:i], *factors[i + 1 :]), axis=0)
            observed, expected = (array.sum(axis=axes, keepdims=True) for array in (counts, product))
            factors[i] = (strength + observed) / (strength + expected)
    _, day, time, interaction = factors
    week: Floats = (mean * day * time * interaction)[0]
    return week
