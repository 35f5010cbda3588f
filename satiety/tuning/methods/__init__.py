"""Methods: how much of the model may change. One file each; see `base.py`."""

from satiety.tuning.methods.base import METHODS, AdapterMethod, Method, get_shapes

__all__ = ["METHODS", "AdapterMethod", "Method", "get_shapes"]
