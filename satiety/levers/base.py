"""The interface of levers: data techniques that change the training examples, the raw texts or the base model.

In a study ``transform_inputs`` is called once per lever set, ``precompute`` once per study, and ``transform_train``
once per run, with the labelled examples of that run. The pipeline calls ``precompute`` and ``transform_train`` once,
with all labels. The levers of a set are applied in order of ``position``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from satiety.core.registry import Component, Registry
from satiety.core.section import MAX_COUNT

if TYPE_CHECKING:
    from satiety.core.records import Document, Example
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Embed


@dataclass(frozen=True, slots=True)
class StudyContext:
    """Data and environment of a study, or of the pipeline."""

    problem: Problem
    pool: tuple[Example, ...]
    """All labelled training examples."""
    test: tuple[Example, ...]
    """Test examples, which must not leak into training. Empty in the pipeline, where stages drop leaking texts."""
    corpus: tuple[Document, ...]
    """Raw texts; in the pipeline those that `retrieve` found."""
    base: Path
    """Folder of the base model."""
    embed: Embed
    seed: int
    device: str
    scratch: Path
    """Cache folder for expensive results, stored under a digest of their inputs."""


@dataclass(frozen=True, slots=True)
class StudyInputs:
    """Raw texts and encoder shared by the runs of one lever set."""

    documents: tuple[Document, ...]
    """Raw texts; without a retrieval lever, a sample of the corpus."""
    encoder: Path
    """Folder of the encoder."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """Data of one run of a study; in the pipeline, of the run with all labels."""

    problem: Problem
    budget: int
    order: tuple[Example, ...]
    """The pool in the order of the run's replicate; the first ``budget`` examples are the labels of the run."""
    test: tuple[Example, ...]
    """Test examples, as in `StudyContext`."""
    documents: tuple[Document, ...]
    precomputed: tuple[Example, ...]
    """Result of this lever's ``precompute``."""
    rng: random.Random
    predict: Callable[[Sequence[Example], Sequence[str]], list[Prediction]]
    """Fits a model to examples and predicts texts, with confidences calibrated on the gold examples."""


class Lever(Component):
    """A data technique whose worth is measured, and which the pipeline can use."""

    position: ClassVar[int]
    """Rank in the order in which the levers of a set are applied."""
    max_in_use: ClassVar[int] = MAX_COUNT
    """Maximum number of levers of this kind in ``use``; 0 for control levers, which are only measured."""
    uses_documents: ClassVar[bool] = False
    """Whether ``transform_train`` uses the documents."""
    code: ClassVar[tuple[str, ...]] = ()
    """Modules besides the lever's own file whose code affects its results; cached runs are reused while it is
    unchanged."""

    @property
    def has_input_transform(self) -> bool:
        """Whether the lever implements ``transform_inputs``."""
        return type(self).transform_inputs is not Lever.transform_inputs

    @property
    def has_train_transform(self) -> bool:
        """Whether the lever implements ``transform_train``."""
        return type(self).transform_train is not Lever.transform_train

    def refusals(self, problem: Problem) -> list[str]:
        """Return ``field: reason`` of each parameter that does not support a problem."""
        return []

    def transform_inputs(self, inputs: StudyInputs, context: StudyContext) -> StudyInputs:
        """Return other documents or another encoder for all runs of a lever set."""
        return inputs

    def precompute(self, context: StudyContext) -> tuple[Example, ...]:
        """Return examples that are the same in all runs; copies have the original as ``parent``."""
        return ()

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        """Return the training examples of a run, given those without this lever."""
        return examples


def sort_levers(levers: Mapping[str, Lever]) -> dict[str, Lever]:
    """Return levers by name, in the order in which they are applied."""
    return dict(sorted(levers.items(), key=lambda pair: (pair[1].position, pair[0])))


LEVERS: Registry[Lever] = Registry("lever", "satiety.levers")
