"""Heads: what stands on the encoder, and what its outputs are held against. One file each; see `base.py`."""

from satiety.heads.base import HEADS, Head
from satiety.project import Pooling

__all__ = ["HEADS", "Head", "Pooling"]
