"""The meter: learning curves, and the worth of every lever in labels.

:mod:`study` evaluates runs (budget, lever set, replicate) in parallel and caches each. :mod:`scores` resamples them,
:mod:`findings` analyzes them, :mod:`report` builds the tables, :mod:`decision` and :mod:`advice` the recommendation,
and :mod:`page` renders all.
"""

from satiety.levers.base import LEVERS

__all__ = ["LEVERS"]
