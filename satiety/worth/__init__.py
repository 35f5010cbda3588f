"""The meter: what labels buy, and what each lever is worth in labels.

Cells (a budget, a lever set, a random order of the labels) are evaluated side by side and kept one by one; the rest is
statistics over them. ``study`` runs cells, ``scores`` resamples, ``findings`` says what they mean, ``page`` shows it.
"""

from satiety.levers.base import LEVERS

__all__ = ["LEVERS"]
