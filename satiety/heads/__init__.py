"""Heads: outputs, targets and loss of a model. One file each; see `base.py` for the interface."""

from satiety.core.project import Pooling
from satiety.heads.base import HEADS, Head

__all__ = ["HEADS", "Head", "Pooling"]
