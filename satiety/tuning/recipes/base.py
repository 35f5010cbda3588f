"""What a recipe is: examples and raw texts -> a fitted model. Not every recipe is gradient descent.

What ships is one encoder and one head (or a decoder), however it was found: `Tuned`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from satiety.core.registry import Component, Registry
from satiety.heads import HEADS

if TYPE_CHECKING:
    from satiety.core.records import Document, Example
    from satiety.problems import Problem
    from satiety.training.checkpoint import CheckpointStore
    from satiety.training.loop import TrainState
    from satiety.tuning.section import Finetune
    from satiety.tuning.tuned_model import TunedModel


@dataclass(frozen=True, slots=True)
class TuningInputs:
    """What a recipe may learn from, and how."""

    base: Path
    """Folder of the base model."""
    problem: Problem
    train: Sequence[Example]
    """Labelled examples and copies of them; never empty."""
    dev: Sequence[Example]
    """Labelled examples that may judge, and are not learned from; there may be none."""
    documents: Sequence[Document]
    """Raw texts; there may be none."""
    params: Finetune
    """Seed of all that is drawn, and how texts are read: ``max_length``, ``prefix``, ``pooling``."""
    store: CheckpointStore
    """Keeps what a run that is cut off goes on from."""
    device: str


@dataclass(frozen=True, slots=True)
class FitOutcome:
    """What a recipe gives."""

    model: TunedModel
    state: TrainState
    """How training went; empty where nothing was trained by steps."""
    facts: Mapping[str, Any]
    """What a report says of the run: no times, so that the same inputs give the same report."""


class Recipe(Component):
    """A way to make a fitted model of examples, and of raw texts where it draws on them."""

    can_generate: ClassVar[bool] = False
    """Whether it can teach a model that answers by its decoder: one without a linear head."""

    @property
    def uses_documents(self) -> bool:
        """Whether it looks at raw texts, beside those that it labels itself."""
        return False

    @property
    def can_self_train(self) -> bool:
        """Whether it learns from raw texts that it labelled itself, where a lever of kind self_training is in use."""
        return False

    @abstractmethod
    def fit(self, inputs: TuningInputs) -> FitOutcome:
        """Make the model; the same setting gives the same model.

        Raises:
            DataError: what there is to learn from is too little.
            ModelError: the base cannot be used, no example has a label of the problem, or training went wrong.
            ParamsError: windows are longer than the base can read.
        """

    def refusals(self, problem: Problem) -> list[str]:
        """Return why it cannot teach a problem, one sentence each; none where it can."""
        return explain_no_generation("recipe", self, RECIPES, problem)


def explain_no_generation(field: str, component: Any, registry: Registry[Any], problem: Problem) -> list[str]:
    """Return the sentence that a component cannot teach a model to write, and which ones can, where that is so."""
    if component.can_generate or not HEADS[problem.head].is_generative:
        return []
    kinds = ", ".join(kind for kind in registry if registry[kind].can_generate)
    return [
        f"finetune.{field}: {component.kind!r} cannot teach a model to write, as {problem.kind!r} asks; there are: "
        f"{kinds}"
    ]


RECIPES: Registry[Recipe] = Registry("recipe", "satiety.tuning.recipes")
