"""Problems: what the model predicts for a text. One file each; see `base.py` for the interface."""

from satiety.problems.base import PROBLEMS, Prediction, Problem, Rewrite
from satiety.problems.windows import IGNORE, Window

__all__ = ["IGNORE", "PROBLEMS", "Prediction", "Problem", "Rewrite", "Window"]
