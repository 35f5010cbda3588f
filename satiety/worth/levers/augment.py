"""Lever: copies of the labelled examples, by augmenters."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, ClassVar

from satiety.augment import Augment, augment, join
from satiety.worth.levers.base import LEVERS, Lesson, Lever, World

if TYPE_CHECKING:
    from satiety.records import Example


@LEVERS.register("augment")
class AugmentLever(Augment, Lever):
    """Learn from copies too."""

    place: ClassVar = 30
    code: ClassVar = ("satiety.augment",)

    def prepare(self, world: World) -> tuple[Example, ...]:
        return tuple(augment(world.pool, world.test, world.problem, self).examples[len(world.pool) :])

    def teach(self, examples: tuple[Example, ...], lesson: Lesson) -> tuple[Example, ...]:
        copies: dict[str, list[Example]] = defaultdict(list)
        for copy in lesson.prepared:
            copies[copy.parent or copy.id].append(copy)
        return tuple(join(examples, (copy for example in examples for copy in copies[example.id])))
