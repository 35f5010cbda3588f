"""The interface of recipes: examples and raw texts -> fitted model, by gradient descent or any other algorithm.

Every recipe returns a `TunedModel`: one encoder with one head (or a decoder).
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from satiety.core.registry import Component, Registry
from satiety.heads import HEADS
from satiety.tuning.base_features import BaseFeatures

if TYPE_CHECKING:
    from satiety.core.records import Document, Example
    from satiety.problems import Problem
    from satiety.training.checkpoint import CheckpointStore
    from satiety.training.loop import TrainState
    from satiety.tuning.section import Finetune
    from satiety.tuning.tuned_model import TunedModel

MAX_FEW_LABELS = 1000
"""Labels up to which `auto` tries what is made for few; with more, it adds little and takes long."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Results that several fits to the same labels and base model share, so that they are computed once."""

    features: BaseFeatures = field(default_factory=BaseFeatures)
    """Features by the untouched encoder."""
    trials: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Out-of-fold results of recipes, by recipe, examples and folds."""
    fits: dict[str, FitOutcome] = field(default_factory=dict)
    """Models that learned from labels alone, by recipe and examples."""
    passes: Counter[str] = field(default_factory=Counter)
    """Texts through the encoder: ``encoded`` ones, and ``trained`` ones."""

    def count_passes(self) -> int:
        """Return the cost so far: texts through the encoder, one in an update three times (forth, back, and sums)."""
        return self.passes["encoded"] + 3 * self.passes["trained"]


@dataclass(frozen=True, slots=True)
class TuningInputs:
    """Data and parameters of a tuning run."""

    base: Path
    """Folder of the base model."""
    problem: Problem
    train: Sequence[Example]
    """Labelled examples and their copies; never empty."""
    dev: Sequence[Example]
    """Labelled examples for evaluation only; may be empty."""
    documents: Sequence[Document]
    """Raw texts; may be empty."""
    params: Finetune
    """Random seed and text encoding: ``max_length``, ``prefix``, ``pooling``."""
    store: CheckpointStore
    """Checkpoints, from which an interrupted run resumes."""
    device: str
    memory: Memory = field(default_factory=Memory)
    """What all fits of a run share."""


@dataclass(frozen=True, slots=True)
class FitOutcome:
    """The fitted model and the record of its training."""

    model: TunedModel
    state: TrainState
    """Training curves and best step; empty where nothing was trained by gradient descent."""
    facts: Mapping[str, Any]
    """Numbers for the report; no times, so that the same inputs give the same report."""


class Recipe(Component):
    """An algorithm that fits a model to examples (and to raw texts, if it uses any)."""

    can_generate: ClassVar[bool] = False
    """Whether the recipe can train generative models, which have a decoder and no linear head."""
    may_leave_levers_out: ClassVar[bool] = False
    """Whether the recipe chooses what it draws on, so that a lever in ``use`` may be left out."""

    max_labels: ClassVar[int | None] = None
    """Labels up to which `auto` tries the recipe; None sets no limit."""

    @property
    def uses_documents(self) -> bool:
        """Whether the recipe uses raw texts other than by self-training."""
        return False

    @property
    def can_self_train(self) -> bool:
        """Whether the recipe supports levers of kind self_training."""
        return False

    @property
    def needs_self_training(self) -> bool:
        """Whether the recipe learns from pseudo-labels in any case."""
        return False

    @property
    def trains_encoder(self) -> bool:
        """Whether weights of the encoder are trained, which takes minutes."""
        return False

    @property
    def is_dear(self) -> bool:
        """Whether already a trial of the recipe takes minutes."""
        return self.trains_encoder and self.proxies() == [self]

    def proxies(self) -> list[Recipe]:
        """Return the recipes, often cheaper ones, that are tried in its place; the answers of several are averaged."""
        return [self]

    @abstractmethod
    def fit(self, inputs: TuningInputs) -> FitOutcome:
        """Fit the model; the same inputs give the same model.

        Raises:
            DataError: there is too little data.
            ModelError: the base model cannot be loaded, no example has a label of the problem, or training diverged.
            ParamsError: windows are longer than the base model can read.
        """

    def refusals(self, problem: Problem) -> list[str]:
        """Return the reasons, one sentence each, why the recipe does not support a problem."""
        return explain_no_generation("recipe", self, RECIPES, problem)


def explain_no_generation(field: str, component: Any, registry: Registry[Any], problem: Problem) -> list[str]:
    """Return a sentence listing the alternatives where a component cannot train the generative model of a problem."""
    if component.can_generate or not HEADS[problem.head].is_generative:
        return []
    kinds = ", ".join(kind for kind in registry if registry[kind].can_generate)
    return [
        f"finetune.{field}: {component.kind!r} cannot train a generative model, which {problem.kind!r} needs; "
        f"available: {kinds}"
    ]


class FewLabelsRecipe(Recipe):
    """A recipe that is made for few labels, each one of a set; `auto` leaves it out where they are many."""

    max_labels: ClassVar = MAX_FEW_LABELS

    def refusals(self, problem: Problem) -> list[str]:
        if problem.categorical:
            return super().refusals(problem)
        return [
            *super().refusals(problem),
            f"finetune.recipe: {self.kind!r} needs a problem whose answer is one label of a set, not {problem.kind!r}; "
            "use fine_tune or linear",
        ]


RECIPES: Registry[Recipe] = Registry("recipe", "satiety.tuning.recipes")
