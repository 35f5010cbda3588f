"""What a pretrainer does: base model and retrieved texts -> an encoder in the same format."""

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
    """What a pretrainer did."""

    curve: TrainingCurve = field(default_factory=lambda: TrainingCurve(("step", "loss", "lr")))
    """Its training loss."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Numbers for the report."""
    text_count: int = 0
    """Texts it learned from."""


class Pretrainer(Component):
    """One way to go on with pre-training."""

    @abstractmethod
    def run(
        self, base: Path, texts: Sequence[str], output: Path, *, seed: int, store: CheckpointStore, device: str
    ) -> PretrainOutcome:
        """Write into ``output`` the encoder in ``base``, taught by the texts; take up a run that was cut off."""


PRETRAINERS: Registry[Pretrainer] = Registry("pretrainer", "satiety.levers.pretrain")
