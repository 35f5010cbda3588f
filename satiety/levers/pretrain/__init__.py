"""Lever `pretrain`: continue the pre-training of the base model on retrieved documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, SerializeAsAny

from satiety.core.active_levers import BLOCKS, find_active
from satiety.core.section import Section, SectionSource, Seed
from satiety.levers.pretrain.base import PRETRAINERS, Pretrainer, PretrainOutcome

__all__ = ["PRETRAINERS", "Pretrain", "PretrainOutcome", "Pretrainer"]


class Pretrain(Section):
    """Continue the pre-training of the base model on retrieved documents."""

    seed: Seed
    """Random seed for batches, masks and dropout."""
    pretrainer: Annotated[SerializeAsAny[Pretrainer], PRETRAINERS.choice("mlm")] = Field(
        default_factory=PRETRAINERS.default("mlm")
    )
    """Pre-training objective."""

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return BLOCKS

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return the active lever of kind pretrain; without one, the base model is copied unchanged."""
        return find_active(values, "pretrain", {"pretrainer": {"kind": "none"}})
