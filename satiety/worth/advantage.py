"""Two learning curves -> the average data advantage: how many labels a lever saves, over all scores both come to.

It is the area between the curves read from side to side, over the height of the stretch of scores that they share.
Where they share none, one is above the other wherever both were measured, and the advantage is infinite: "more than
can be read off".

Source: Le Scao & Rush 2021, arXiv:2103.08493, section 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satiety.worth.equivalence import Labels
from satiety.worth.resample import Drawn

if TYPE_CHECKING:
    from satiety.worth.curve import Curve

HEIGHTS = 32
"""At which the curves are read, evenly over the shared scores (midpoint rule)."""


def advantage(plain: Curve, lever: Curve, level: float) -> Labels:
    """Return the labels that a lever saves on average; negative where it costs labels.

    Args:
        plain: over chains that the lever did not see.
        lever: of plain with the lever, with as many draws.
        level: of the interval.
    """
    curves = plain, lever
    low = np.maximum(*(curve.at(curve.smallest).rows for curve in curves))
    high = np.minimum(*(curve.at(curve.largest).rows for curve in curves))
    heights = low + (high - low) * (np.arange(HEIGHTS) + 0.5)[:, None] / HEIGHTS
    widths = [plain.reaches(Drawn(rows)).rows - lever.reaches(Drawn(rows)).rows for rows in heights]
    above = np.where(lever.at(lever.smallest).rows > plain.at(plain.largest).rows, np.inf, -np.inf)
    return Labels.of(Drawn(np.where(high > low, np.mean(widths, axis=0), above)), level)
