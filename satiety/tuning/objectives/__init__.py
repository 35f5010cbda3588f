"""Objectives: the loss that training minimises. One file each; see `base.py` for the interface."""

from satiety.tuning.objectives.base import OBJECTIVES, Objective, Update

__all__ = ["OBJECTIVES", "Objective", "Update"]
