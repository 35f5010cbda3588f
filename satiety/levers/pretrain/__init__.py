"""Lever: base model and retrieved documents -> the base model, its pre-training continued, or passed through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, SerializeAsAny

from satiety.core.active_levers import BLOCKS, find_active
from satiety.core.section import Section, SectionSource, Seed
from satiety.levers.pretrain.base import PRETRAINERS, Pretrainer, PretrainOutcome

__all__ = ["PRETRAINERS", "Pretrain", "PretrainOutcome", "Pretrainer"]


class Pretrain(Section):
    """How the base model's pre-training is continued."""

    seed: Seed
    """Of batches, masks and dropout."""
    pretrainer: Annotated[SerializeAsAny[Pretrainer], PRETRAINERS.choice("mlm")] = Field(
        default_factory=PRETRAINERS.default("mlm")
    )
    """By what."""

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return BLOCKS

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return what the file says of the lever of this kind that is in use; without one, the model is passed on."""
        return find_active(values, "pretrain", {"pretrainer": {"kind": "none"}})
