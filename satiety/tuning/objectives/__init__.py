"""Objectives: how the loss of an update is made. One file each; see `base.py`."""

from satiety.tuning.objectives.base import OBJECTIVES, Objective, Update

__all__ = ["OBJECTIVES", "Objective", "Update"]
