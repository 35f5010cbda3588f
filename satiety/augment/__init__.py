"""Lever `augment`: make more labelled examples out of the few there are.

Augmenters rewrite texts; the problem carries the label over, or refuses. What repeats its parent, or gives away a
development or test text, goes. Every example, augmenter and use of it has a generator of its own: the copies depend on
neither the order of the examples nor the number of workers.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SerializeAsAny

from satiety.augment.base import AUGMENTERS, Augmenter
from satiety.neardup import HeldOut
from satiety.progress import track
from satiety.records import Example, Rejected
from satiety.section import Section, Seed
from satiety.words import normalise

if TYPE_CHECKING:
    from satiety.problems import Problem, Rewrite

__all__ = ["AUGMENTERS", "Augment", "Augmented", "Augmenter", "augment", "copies"]

COUNTS = ("copies", "refused", "repeated", "contaminated")
"""What is counted per augmenter: copies kept, rewrites whose label would not survive, and copies that had to go."""
SHOWN = 10_000
"""Characters of a rejected text that the quarantine keeps."""


class Augment(Section):
    """Which copies to make."""

    seed: Seed
    """Seed of every random choice of every augmenter."""
    steps: list[SerializeAsAny[Annotated[Augmenter, AUGMENTERS.choice()]]] = Field(default_factory=list)
    """Augmenters; each is applied to every training example. None: the examples pass as they are."""
    near_duplicate: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which a copy repeats a dev or test text, and goes."""


@dataclass(frozen=True, slots=True)
class Augmented:
    """What an augmentation gave."""

    examples: list[Example]
    """The training examples, then their copies in the same order."""
    rejected: list[Rejected]
    """Copies that give away a dev or test text."""
    numbers: dict[str, Any]
    """What the stage reports."""


def augment(train: Sequence[Example], held: Sequence[Example], problem: Problem, params: Augment) -> Augmented:
    """Make copies of the training examples; drop those that repeat something or give away a ``held`` example."""
    originals = {normalise(example.text) for example in train}
    counts = {name: Counter({step.kind: 0 for step in params.steps}) for name in COUNTS}
    made: list[Example] = []
    for example in track(train, "augment") if params.steps else ():
        own: set[str] = set()
        for kind, rewrite, copy in copies(example, problem, params):
            text = normalise(rewrite.text)
            if copy is None:
                counts["refused"][kind] += 1
            elif not text or text in originals or text in own:
                counts["repeated"][kind] += 1
            else:
                own.add(text)
                made.append(copy)
    clean, giving_away = HeldOut.of(held, params.near_duplicate).part(made, lambda copy: copy.text)
    counts["copies"].update(copy.origin for copy in clean)
    counts["contaminated"].update(copy.origin for copy, _ in giving_away)
    return Augmented(
        examples=[*train, *clean],
        rejected=[_reject(copy, twin) for copy, twin in giving_away],
        numbers={name: dict(sorted(count.items())) for name, count in counts.items()},
    )


def copies(example: Example, problem: Problem, params: Augment) -> Iterator[tuple[str, Rewrite, Example | None]]:
    """Yield (augmenter, rewrite, copy) of one example; the copy is None where the label would not survive."""
    uses: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for step in params.steps:
        rng = random.Random(f"{params.seed}/{step.kind}-{uses[step.kind]}/{example.id}")
        uses[step.kind] += 1
        for name, rewrite in _rewrites(step, example, rng):
            copy = problem.transfer(example, rewrite, name)
            own = f"{example.id}/{step.kind}-{numbers[step.kind]}"
            numbers[step.kind] += 1
            yield step.kind, rewrite, copy and replace(copy, id=own, origin=step.kind, parent=example.id)


def _rewrites(step: Augmenter, example: Example, rng: random.Random) -> Iterator[tuple[str, Rewrite]]:
    """Yield (input, rewrite) for every text among the inputs."""
    for name, value in example.inputs.items():
        if isinstance(value, str):
            yield from ((name, rewrite) for rewrite in step.augment(value, example.language, rng))


def _reject(copy: Example, twin: str) -> Rejected:
    return Rejected(
        id=copy.id,
        source=copy.source,
        reason="contaminated",
        detail=f"made by {copy.origin}; gives away a dev or test text",
        twin=twin,
        text=copy.text[:SHOWN],
    )
