"""The block ``finetune`` of params.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny

from satiety.section import Section, Seed
from satiety.training.recipe import Recipe
from satiety.tuning.head import Solver
from satiety.tuning.methods import METHODS, Method
from satiety.tuning.selftrain import SelfTraining


class Finetune(Section):
    """How the model is tuned."""

    seed: Seed
    """Of batches, dropout and whatever else is drawn."""
    max_length: int = Field(ge=8, le=8192)
    """Tokens per window, prefix and special tokens included; a longer text is read in several."""
    prefix: str
    """What the base model was made to see before every text, as ``query:`` for the e5 models; empty for most."""
    pooling: Literal["mean", "first"]
    """How a text's tokens become one vector: their mean, or the first token's (BERT's [CLS])."""
    dropout: float = Field(ge=0, lt=1)
    """Share of the features that the head does not see while training."""
    method: Annotated[SerializeAsAny[Method], METHODS.choice()]
    """How much of the model may change."""
    pseudo: SelfTraining | None
    """Learn also from retrieved texts that a model labelled itself; null leaves it off."""
    head: Solver
    """How a head is solved, by the methods that start from (or stop at) a solved one."""
    training: Recipe
    """How long and in which steps it is trained, by the methods that train."""
