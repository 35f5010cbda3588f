"""Lever: copies of the labelled examples, by augmenters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from satiety.augment import Augment, augment, join
from satiety.section import MOST
from satiety.worth.levers.base import LEVERS, Lesson, Lever, World

if TYPE_CHECKING:
    from satiety.records import Example

    Copies = Mapping[str, tuple[Example, ...]]


@LEVERS.register("augment")
class AugmentLever(Augment, Lever):
    """Learn from copies too."""

    place: ClassVar = 30
    at_once: ClassVar = MOST
    code: ClassVar = ("satiety.augment",)

    def prepare(self, world: World) -> Copies:
        made: dict[str, list[Example]] = defaultdict(list)
        for copy in augment(world.pool, world.test, world.problem, self).examples[len(world.pool) :]:
            made[copy.parent or copy.id].append(copy)
        return {parent: tuple(copies) for parent, copies in made.items()}

    def texts(self, prepared: Any) -> Iterable[str]:
        return (copy.text for copies in prepared.values() for copy in copies)

    def teach(self, examples: tuple[Example, ...], lesson: Lesson) -> tuple[Example, ...]:
        copies: Copies = lesson.prepared
        return tuple(join(examples, (copy for example in examples for copy in copies.get(example.id, ()))))
