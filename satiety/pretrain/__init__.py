"""Lever: base model and retrieved documents -> the base model, its pre-training continued, or passed through."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SerializeAsAny

from satiety.pretrain.base import PRETRAINERS, Pretrained, Pretrainer
from satiety.section import Section, Seed

__all__ = ["PRETRAINERS", "Pretrain", "Pretrained", "Pretrainer"]


class Pretrain(Section):
    """How the base model's pre-training is continued."""

    seed: Seed
    """Of batches, masks and dropout."""
    pretrainer: Annotated[SerializeAsAny[Pretrainer], PRETRAINERS.choice("none")] = Field(
        default_factory=PRETRAINERS.default("none")
    )
    """By what."""
