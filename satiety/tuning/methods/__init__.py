"""Methods: how much of the model may change. One file each; see `base.py`."""

from satiety.tuning.methods.base import METHODS, Beside, Method, shapes

__all__ = ["METHODS", "Beside", "Method", "shapes"]
