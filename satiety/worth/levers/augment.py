"""Lever: copies of the labelled examples, by augmenters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, SerializeAsAny

from satiety.augment import AUGMENTERS, Augment, Augmenter, augment
from satiety.section import Seed
from satiety.worth.levers.base import LEVERS, Lesson, Lever, World

if TYPE_CHECKING:
    from satiety.records import Example

    Copies = Mapping[str, tuple[Example, ...]]


@LEVERS.register("augment")
class AugmentLever(Lever):
    """Learn from copies too."""

    place: ClassVar = 30
    code: ClassVar = ("satiety.augment",)

    seed: Seed = Field(examples=[7])
    """Of every random choice of every augmenter."""
    steps: list[SerializeAsAny[Annotated[Augmenter, AUGMENTERS.choice()]]] = Field(default_factory=list)
    """Augmenters, as in the block `augment`."""
    near_duplicate: float = Field(gt=0, le=1, examples=[0.8])
    """Similarity from which a copy repeats a test text, and goes."""

    def prepare(self, world: World) -> Copies:
        section = Augment(seed=self.seed, steps=self.steps, near_duplicate=self.near_duplicate)
        made: dict[str, list[Example]] = defaultdict(list)
        for copy in augment(world.pool, world.test, world.problem, section).examples[len(world.pool) :]:
            made[copy.parent or copy.id].append(copy)
        return {parent: tuple(copies) for parent, copies in made.items()}

    def texts(self, prepared: Any) -> Iterable[str]:
        return (copy.text for copies in prepared.values() for copy in copies)

    def teach(self, examples: tuple[Example, ...], lesson: Lesson) -> tuple[Example, ...]:
        copies: Copies = lesson.prepared
        return (*examples, *(copy for example in examples for copy in copies.get(example.id, ())))
