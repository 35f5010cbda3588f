"""Heads: what stands on the encoder, and what its outputs are held against. One file each; see `base.py`."""

from satiety.core.project import Pooling
from satiety.heads.base import HEADS, Head

__all__ = ["HEADS", "Head", "Pooling"]
