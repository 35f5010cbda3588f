"""Levers of known worth, by which the meter is checked: what it says of them must be true.

oracle: k further gold labels, drawn apart from the grid's: worth n + k. copy: what is there, again: worth n.
poison: a share of the labels flipped: worth less than n. leak: test texts with labels, which the gate must refuse.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from satiety.answers import labels_of
from satiety.worth.levers.base import LEVERS, Lesson, Lever

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from satiety.records import Example


@LEVERS.register("oracle")
class Oracle(Lever):
    """Reveal further gold labels."""

    place: ClassVar = 50
    at_once: ClassVar = 0

    share: float = Field(gt=0, le=10, default=0.6)
    """How many, for each label of the budget: taken from the far end of the chain, which its budgets do not reach."""

    def further(self, budget: int) -> int:
        """Return k, how many labels it reveals at a budget."""
        return round(self.share * budget)

    def teach(self, examples: tuple[Example, ...], lesson: Lesson) -> tuple[Example, ...]:
        k = self.further(lesson.budget)
        return (*examples, *lesson.order[len(lesson.order) - k :])


@LEVERS.register("copy")
class Copy(Lever):
    """Repeat what is there."""

    place: ClassVar = 50
    at_once: ClassVar = 0

    times: int = Field(ge=1, le=100, default=3)
    """Copies of each example."""

    def teach(self, examples: tuple[Example, ...], lesson: Lesson) -> tuple[Example, ...]:
        copies = (
            replace(example, id=f"{example.id}/copy-{i}", origin="copy", parent=example.parent or example.id)
            for i in range(self.times)
            for example in examples
        )
        return (*examples, *copies)


@LEVERS.register("poison")
class Poison(Lever):
    """Flip labels."""

    place: ClassVar = 50
    at_once: ClassVar = 0

    share: float = Field(gt=0, le=1, default=0.2)
    """Of the labels."""

    def teach(self, examples: tuple[Example, ...], lesson: Lesson) -> tuple[Example, ...]:
        count = round(self.share * len(examples))
        hit = set(lesson.draw.sample(range(len(examples)), count))
        labels = labels_of(example.answer for example in lesson.order)
        return tuple(_flipped(one, labels, lesson.draw) if i in hit else one for i, one in enumerate(examples))


@LEVERS.register("leak")
class Leak(Lever):
    """Put test texts, with their labels, among the examples."""

    place: ClassVar = 50
    at_once: ClassVar = 0

    share: float = Field(gt=0, le=10, default=0.5)
    """How many, for each label of the budget."""

    def teach(self, examples: tuple[Example, ...], lesson: Lesson) -> tuple[Example, ...]:
        count = min(len(lesson.test), round(self.share * lesson.budget))
        leaked = lesson.draw.sample(range(len(lesson.test)), count)
        return (*examples, *(replace(lesson.test[i], split="train", origin="leak") for i in sorted(leaked)))


def _flipped(example: Example, labels: Sequence[str], draw: random.Random) -> Example:
    """Return the example with other labels; where there is but one label, it points to nothing."""

    def other(label: str) -> str:
        return draw.choice([name for name in labels if name != label])

    answer = example.answer
    if answer is not None:
        answer = answer.rename(other) if len(labels) > 1 else answer.move(())
    return replace(example, answer=answer, origin="poison", parent=example.parent or example.id)
