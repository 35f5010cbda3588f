"""Problems: what is asked of the text. One file each; see `base.py` for what a problem must know."""

from satiety.problems.base import PROBLEMS, Prediction, Problem, Rewrite
from satiety.problems.windows import IGNORE, Window

__all__ = ["IGNORE", "PROBLEMS", "Prediction", "Problem", "Rewrite", "Window"]
