"""One training loop for every stage that changes weights: batches, schedule, precision, checkpoints, curves.

`encoder`, `hardware`, `loop`, `optimiser` and `checkpoint` are heavy to import: only functions do.
"""

from satiety.training.arguments import TrainingArguments
from satiety.training.curve import TrainingCurve

__all__ = ["TrainingArguments", "TrainingCurve"]
