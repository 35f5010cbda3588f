"""Values at knots -> values between them: the natural cubic spline, as a matrix, so that all draws are one product.

Source: de Boor 1978, A Practical Guide to Splines, chapter IV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from satiety.problems.base import Floats


def build_spline_matrix(knots: Floats, points: Floats) -> Floats:
    """Return the matrix that turns values at ``knots`` into those of their spline ``points``, shape (at, knots).

    Args:
        knots: ascending, three or more.
        points: between the first and the last of them.
    """
    gap, values = np.diff(knots), np.eye(len(knots))
    slopes = np.diff(values, axis=0) / gap[:, None]
    bends = np.zeros_like(values)  # second derivatives; at both ends none: that is "natural"
    inner = np.diag(2 * (gap[:-1] + gap[1:])) + np.diag(gap[1:-1], 1) + np.diag(gap[1:-1], -1)
    bends[1:-1] = np.linalg.solve(inner, 6 * np.diff(slopes, axis=0))
    interval = np.clip(np.searchsorted(knots, points, side="right") - 1, 0, len(gap) - 1)
    step, width = (points - knots[interval])[:, None], gap[interval][:, None]
    linear = slopes[interval] - width / 6 * (2 * bends[interval] + bends[interval + 1])
    cubic = (bends[interval + 1] - bends[interval]) / (6 * width)
    return np.asarray(values[interval] + step * (linear + step * (bends[interval] / 2 + step * cubic)))
