"""Control levers of known worth, which check the measurement itself.

With n labels, the expected label equivalents are: oracle (k further gold labels): n + k; copy (duplicates): n; poison
(wrong labels): less than n. leak adds test texts, which the study must reject.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from satiety.core.answers import labels_of
from satiety.levers.base import LEVERS, Lever, RunContext

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from satiety.core.answers import Answer
    from satiety.core.records import Example


@LEVERS.register("oracle")
class Oracle(Lever):
    """Control: add further gold labels."""

    position: ClassVar = 50
    max_in_use: ClassVar = 0

    share: float = Field(gt=0, le=10, default=0.6)
    """Number of added labels per label of the budget, taken from the end of the replicate's order."""

    def count_extra(self, budget: int) -> int:
        """Return k, the number of labels added at a budget."""
        return round(self.share * budget)

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        k = self.count_extra(context.budget)
        return (*examples, *context.order[len(context.order) - k :])


@LEVERS.register("copy")
class Copy(Lever):
    """Control: duplicate the training examples."""

    position: ClassVar = 50
    max_in_use: ClassVar = 0

    times: int = Field(ge=1, le=100, default=3)
    """Number of copies of each example."""

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        copies = (
            replace(example, id=f"{example.id}/copy-{i}", origin="copy", parent=example.parent or example.id)
            for i in range(self.times)
            for example in examples
        )
        return (*examples, *copies)


@LEVERS.register("poison")
class Poison(Lever):
    """Control: replace labels by wrong ones."""

    position: ClassVar = 50
    max_in_use: ClassVar = 0

    share: float = Field(gt=0, le=1, default=0.2)
    """Share of the examples with a wrong label."""

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        count = round(self.share * len(examples))
        flipped = set(context.rng.sample(range(len(examples)), count))
        answers = list(dict.fromkeys(example.answer for example in context.order))
        return tuple(
            _flip(example, answers, context.rng) if i in flipped else example for i, example in enumerate(examples)
        )


@LEVERS.register("leak")
class Leak(Lever):
    """Control: add test texts, with their labels, to the training examples."""

    position: ClassVar = 50
    max_in_use: ClassVar = 0

    share: float = Field(gt=0, le=10, default=0.5)
    """Number of test texts per label of the budget."""

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        count = min(len(context.test), round(self.share * context.budget))
        leaked = context.rng.sample(range(len(context.test)), count)
        return (*examples, *(replace(context.test[i], split="train", origin="leak") for i in sorted(leaked)))


def _flip(example: Example, answers: Sequence[Answer | None], rng: random.Random) -> Example:
    """Return the example with wrong labels.

    With a single label in the pool its labels are removed; with none the answer of another example is used.
    """
    labels, answer = labels_of(answers), example.answer

    def draw_other(label: str) -> str:
        return rng.choice([name for name in labels if name != label])

    if answer is not None and labels:
        answer = answer.rename(draw_other) if len(labels) > 1 else answer.move(())
    elif len(answers) > 1:
        answer = rng.choice([candidate for candidate in answers if candidate != answer])
    return replace(example, answer=answer, origin="poison", parent=example.parent or example.id)
