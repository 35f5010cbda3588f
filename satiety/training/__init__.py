"""The training loop of all stages that train weights: batches, schedule, precision, checkpoints, curves.

Most modules here import torch; other rooms import them inside functions.
"""

from satiety.training.arguments import TrainingArguments
from satiety.training.curve import TrainingCurve

__all__ = ["TrainingArguments", "TrainingCurve"]
