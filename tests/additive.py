"""Turn a function of summed counts into a function of counts and weights, like ``Problem.score``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from satiety.problems.base import Floats

    Metrics = Mapping[str, Floats]


def additive(measure: Callable[[Floats], Metrics]) -> Callable[[Floats, Floats], Metrics]:
    return lambda tallies, weights: measure(np.tensordot(weights, tallies, axes=1))
