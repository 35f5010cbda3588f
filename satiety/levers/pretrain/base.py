"""The interface of pretrainers: base model and retrieved texts -> encoder in the same format."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from satiety.core.errors import DataError, ParamsError
from satiety.core.registry import Component, Registry
from satiety.core.section import MAX_COUNT
from satiety.training.arguments import TrainingArguments
from satiety.training.curve import TrainingCurve

if TYPE_CHECKING:
    from satiety.training.checkpoint import CheckpointStore
    from satiety.training.hardware import Hardware
    from satiety.training.loop import TrainState

TINY = {"epochs": 2, "min_steps": 2, "max_steps": 2, "batch_size": 2, "evaluations": 1}
"""Arguments of a run of two updates, for tests."""


class PretrainingArguments(TrainingArguments):
    """Training arguments for few passes over many texts, without early stopping by default."""

    epochs: float = Field(gt=0, le=1000, default=1)
    """Number of passes over the texts."""
    max_steps: int = Field(ge=1, le=10_000_000, default=500)
    """Maximum number of updates."""
    weight_averaging: float | None = Field(ge=0, le=100, default=None)
    """Average the weights over updates, as in ``finetune``; null turns averaging off."""
    evaluations: int = Field(ge=1, le=1000, default=4)
    """Number of evaluations on the held-out texts, evenly spaced over the run."""
    patience: int | None = Field(ge=1, le=MAX_COUNT, default=None)
    """Early stopping: number of consecutive evaluations without improvement; null disables it."""


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


def check_texts(texts: Sequence[str]) -> None:
    """Raise DataError where there is no text to train on."""
    if not texts:
        raise DataError(
            "pretrain: no retrieved documents to train on: add a lever of kind retrieve to `use`, or remove the "
            "lever of kind pretrain"
        )


def check_length(max_length: int, limit: int | None, base: Path) -> None:
    """Raise ParamsError where a window is longer than the base model reads.

    Args:
        max_length: tokens per window.
        limit: maximum number of tokens that the base model reads; None without a limit.
        base: folder of the base model.
    """
    if limit is not None and max_length > limit:
        raise ParamsError(
            f"pretrain: pretrainer.max_length: {max_length} tokens, but {base} reads at most {limit}: "
            "lower `max_length`"
        )


def collect_facts(state: TrainState, hardware: Hardware, windows: int) -> dict[str, Any]:
    """Return the numbers of a run for the report: hardware, updates, windows, and the loss on held-out ones."""
    facts: dict[str, Any] = {
        "device": hardware.device,
        "precision": hardware.precision,
        "steps": state.step,
        "windows": windows,
    }
    if state.evaluation:
        facts |= {
            "best_step": state.best_step,
            "held_out": {"before": state.dev_curve.points[0]["loss"], "after": state.evaluation.loss},
        }
    return facts
