"""Two learning curves -> the average data advantage: how many labels a lever saves, over all scores both come to.

It is the area between the curves read from side to side, over the height of the stretch of scores that they share.
Where they share none, one is above the other wherever both were measured, and the advantage is infinite: "more than
can be read off".

Source: Le Scao & Rush 2021, arXiv:2103.08493, section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satiety.worth.label_count import LabelCount
from satiety.worth.resample import BootstrapSamples

if TYPE_CHECKING:
    from satiety.worth.curve import Curve

HEIGHTS = 32
"""At which the curves are read, evenly over the shared scores (midpoint rule)."""


def estimate_advantage(baseline: Curve, lever: Curve, confidence_level: float) -> LabelCount:
    """Return the labels that a lever saves on average; negative where it costs labels.

    Args:
        baseline: over chains that the lever did not see.
        lever: of plain with the lever, with as many draws.
        confidence_level: of the interval.
    """
    curves = baseline, lever
    low = np.maximum(*(curve.predict(curve.smallest).rows for curve in curves))
    high = np.minimum(*(curve.predict(curve.largest).rows for curve in curves))
    heights = low + (high - low) * (np.arange(HEIGHTS) + 0.5)[:, None] / HEIGHTS
    widths = [
        baseline.invert(BootstrapSamples(rows)).rows - lever.invert(BootstrapSamples(rows)).rows for rows in heights
    ]
    above = np.where(lever.predict(lever.smallest).rows > baseline.predict(baseline.largest).rows, np.inf, -np.inf)
    return LabelCount.from_samples(
        BootstrapSamples(np.where(high > low, np.mean(widths, axis=0), above)), confidence_level
    )
