"""What a lever is: something that changes what a model learns from, or what it starts from.

To the meter ``surround`` acts once per lever set (documents, encoder), ``prepare`` once per study, ``teach`` once per
cell: it gets the labelled examples of the cell and returns what is learned from. The pipeline calls ``prepare`` and
``teach`` once, with all labels. Levers of a set act in order of ``place``.
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
    """What a whole study has at hand, or the pipeline."""

    problem: Problem
    pool: tuple[Example, ...]
    """Every label that may be spent."""
    test: tuple[Example, ...]
    """What must not be given away. Empty in the pipeline: no lever sees there what its own gate holds out."""
    corpus: tuple[Document, ...]
    """In the pipeline what `retrieve` found."""
    base: Path
    """Folder of the base model."""
    embed: Embed
    seed: int
    device: str
    scratch: Path
    """Where a lever may keep what is dear to make, under a name that tells what it was made of."""


@dataclass(frozen=True, slots=True)
class StudyInputs:
    """What the cells of one lever set have beside labels."""

    documents: tuple[Document, ...]
    """Raw texts; where no lever finds better ones, a sample of the corpus."""
    encoder: Path
    """Folder of the encoder."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a lever may look at in one cell, or in the pipeline, where the cell is all labels there are."""

    problem: Problem
    budget: int
    order: tuple[Example, ...]
    """The whole pool in the order of the cell's chain: its first ``budget`` are the labels of the cell."""
    test: tuple[Example, ...]
    """As in the world."""
    documents: tuple[Document, ...]
    precomputed: tuple[Example, ...]
    """What this lever prepared."""
    rng: random.Random
    predict: Callable[[Sequence[Example], Sequence[str]], list[Prediction]]
    """Learns from examples, then answers for texts: confidences are calibrated on the examples people labelled."""


class Lever(Component):
    """A data technique whose worth is measured, and on which the pipeline can draw."""

    position: ClassVar[int]
    """Levers of a set act in this order."""
    max_in_use: ClassVar[int] = MAX_COUNT
    """How many levers of this kind the pipeline can use; 0: it is there to be measured."""
    uses_documents: ClassVar[bool] = False
    """Whether ``teach`` looks at the documents."""
    code: ClassVar[tuple[str, ...]] = ()
    """Packages of ours, beside its own file, whose code decides what it does: cells are kept as long as that stands."""

    @property
    def has_input_transform(self) -> bool:
        """Whether there is anything that ``surround`` does."""
        return type(self).transform_inputs is not Lever.transform_inputs

    @property
    def has_train_transform(self) -> bool:
        """Whether there is anything that ``teach`` does."""
        return type(self).transform_train is not Lever.transform_train

    def transform_inputs(self, inputs: StudyInputs, context: StudyContext) -> StudyInputs:
        """Return other documents, or another encoder."""
        return inputs

    def precompute(self, context: StudyContext) -> tuple[Example, ...]:
        """Return the examples that it may add and that are the same for all cells; those of others name a parent."""
        return ()

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        """Return what is learned from, given what would be without this lever."""
        return examples


def sort_levers(levers: Mapping[str, Lever]) -> dict[str, Lever]:
    """Return levers, given by name, in the order in which they act."""
    return dict(sorted(levers.items(), key=lambda pair: (pair[1].position, pair[0])))


LEVERS: Registry[Lever] = Registry("lever", "satiety.levers")
