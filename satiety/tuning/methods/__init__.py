"""Methods: which weights of the model are trained. One file each; see `base.py` for the interface."""

from satiety.tuning.methods.base import METHODS, AdapterMethod, Method, get_shapes

__all__ = ["METHODS", "AdapterMethod", "Method", "get_shapes"]
