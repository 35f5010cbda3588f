"""The interface of pretrainers: base model and retrieved texts -> encoder in the same format."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.core.registry import Component, Registry
from satiety.training.curve import TrainingCurve

if TYPE_CHECKING:
    from satiety.training.checkpoint import CheckpointStore


@dataclass(frozen=True, slots=True)
class PretrainOutcome:
    """Training curve and numbers of a pre-training run."""

    curve: TrainingCurve = field(default_factory=lambda: TrainingCurve(("step", "loss", "lr")))
    """Training loss by step."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Numbers for the report."""
    text_count: int = 0
    """Number of texts used."""


class Pretrainer(Component):
    """A way to continue pre-training."""

    @abstractmethod
    def run(
        self, base: Path, texts: Sequence[str], output: Path, *, seed: int, store: CheckpointStore, device: str
    ) -> PretrainOutcome:
        """Train the encoder in ``base`` on the texts and write it to ``output``; resume an interrupted run."""


PRETRAINERS: Registry[Pretrainer] = Registry("pretrainer", "satiety.levers.pretrain")
