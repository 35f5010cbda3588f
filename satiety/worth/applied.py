"""Training examples -> these, and what the levers in use add: the stage `augment`.

Levers act in the order of the meter. Copies are made of the training examples alone. A lever of a kind of your own is
called as the meter calls it, once, with all labels there are. No dev or test example is shown to it, and what it adds
is held against them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.augment import COUNTS, Augmented, augment, join, reject, unused
from satiety.errors import DataError, ParamsError
from satiety.inputs import dump_inputs
from satiety.neardup import HeldOut
from satiety.records import Example, Rejected
from satiety.worth.learning import Quick, QuickSolver
from satiety.worth.levers import Lesson, Lever, World, ordered
from satiety.worth.levers.augment import AugmentLever
from satiety.worth.reading import Reader, Reading

if TYPE_CHECKING:
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Embed, Floats
    from satiety.records import Document
    from satiety.worth.selection import Augmentation

PEOPLE = ("gold", "drawn")
"""Origins that say that a person labelled an example."""
NO_TEST: tuple[Example, ...] = ()
"""What a lever sees of dev and test in the pipeline."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What the pipeline has at hand for levers."""

    problem: Problem
    train: tuple[Example, ...]
    held: tuple[Example, ...]
    """Dev and test examples: nothing that is learned from may give one away."""
    documents: tuple[Document, ...]
    """What `retrieve` found; read by levers of a kind of your own alone."""
    base: Path
    """Folder of the base model."""
    scratch: Path
    """Folder for what is dear to make; that of the meter, so that either finds what the other made."""
    device: str


def apply(supply: Supply, params: Augmentation) -> Augmented:
    """Have every lever add to the training examples; drop what gives away a dev or test example.

    Raises:
        DataError: a lever reads raw texts, and there are none.
        ParamsError: a lever asks for answers of a linear head, and the problem has no such head.
    """
    teaching = _Teaching(supply, params)
    examples, rejected = list(supply.train), list[Rejected]()
    counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTS}
    others: dict[str, Any] = {}
    for name, lever in ordered(params.levers).items():
        if name not in params.others and isinstance(lever, AugmentLever):
            made = augment(supply.train, supply.held, supply.problem, lever)
            examples = join(examples, made.examples[len(supply.train) :])
            for kind, count in made.numbers.items():
                counts[kind].update(count)
        else:
            made = teaching.add(name, lever, examples)
            examples, others[name] = made.examples, made.numbers
        rejected += made.rejected
    numbers = {name: dict(sorted(count.items())) for name, count in counts.items()}
    return Augmented(examples, rejected, {**numbers, "levers": others})


class _Teaching:
    """Calls levers of kinds of your own as the meter does; what that takes is made once, and only where one asks."""

    def __init__(self, supply: Supply, params: Augmentation) -> None:
        self.supply, self.params = supply, params

    def add(self, name: str, lever: Lever, examples: Sequence[Example]) -> Augmented:
        """Return the examples as a lever leaves them, without what gives away a dev or test example."""
        if lever.reads and not self.supply.documents:
            raise DataError(
                f"augment: there is no raw text for the lever {name}, which reads some; put one of kind retrieve into "
                "`use`"
            )
        try:
            taught = lever.teach(tuple(examples), self._lesson(name, lever))
        except Exception as error:
            error.add_note(f"in lever {name}")
            raise
        return admit(name, examples, taught, self._held)

    def _lesson(self, name: str, lever: Lever) -> Lesson:
        return Lesson(
            problem=self.supply.problem,
            budget=len(self.supply.train),
            order=self.supply.train,
            test=NO_TEST,
            documents=self.supply.documents,
            prepared=tuple(lever.prepare(self._world)),
            draw=random.Random(f"{self.params.seed}/{name}"),  # no secret
            answer=lambda known, texts: self._answers(name, known, texts),
        )

    def _answers(self, name: str, known: Sequence[Example], texts: Sequence[str]) -> list[Prediction]:
        from satiety.tuning.inputs import head_of

        if head_of(self.supply.problem).writes:
            raise ParamsError(
                f"use: the lever {name} asks a linear head for answers, and the problem {self.supply.problem.kind!r} "
                f"has none; take {name} out of `use`"
            )
        return self._quick.respond(known, texts, self.params.seed)

    @cached_property
    def _world(self) -> World:
        supply = self.supply
        return World(
            problem=supply.problem,
            pool=supply.train,
            test=NO_TEST,
            corpus=supply.documents,
            base=supply.base,
            embed=self._embed,
            seed=self.params.seed,
            device=supply.device,
            scratch=supply.scratch,
        )

    def _embed(self, texts: Sequence[str]) -> Floats:
        return self._embedder(texts)

    @cached_property
    def _embedder(self) -> Embed:
        from satiety.embedding import embedder

        return embedder(self.supply.base, self.supply.device, self.params.prefix)

    @cached_property
    def _quick(self) -> Quick:
        supply, params = self.supply, self.params
        how = Reading(max_length=params.max_length, prefix=params.prefix, pooling=params.pooling)
        reader = Reader(supply.scratch, supply.base, supply.problem, how, supply.device)
        return Quick(supply.problem, reader, QuickSolver(), how)

    @cached_property
    def _held(self) -> HeldOut:
        return HeldOut.of(self.supply.held, self.params.near_duplicate)


def admit(name: str, before: Sequence[Example], after: Sequence[Example], held: HeldOut) -> Augmented:
    """Return what a lever made of examples; what of it was not there, and gives away a held-out text, is rejected.

    An added example is one of train; it has an id that no other has, and names the lever where it names no maker.

    Args:
        name: of the lever.
        before: what it was given.
        after: what it returned.
        held: dev and test.
    """
    old = _old(before, after)
    ids = {example.id for example, known in zip(after, old, strict=True) if known}
    twins = iter(held.twins([example.text for example, known in zip(after, old, strict=True) if not known]))
    examples, rejected = list[Example](), list[Rejected]()
    for example, known in zip(after, old, strict=True):
        if known:
            examples.append(example)
        elif (twin := next(twins)) is not None:
            rejected.append(reject(example, twin, name))
        else:
            origin = name if example.origin in PEOPLE else example.origin
            examples.append(replace(example, id=unused(example.id, ids), split="train", origin=origin))
            ids.add(examples[-1].id)
    added = len(after) - sum(old)
    return Augmented(examples, rejected, {"added": added - len(rejected), "contaminated": len(rejected)})


def _old(before: Sequence[Example], after: Sequence[Example]) -> list[bool]:
    """Return of each example whether it was there, by id and inputs; of several alike the first ones were."""
    left = Counter((example.id, dump_inputs(example.inputs)) for example in before)
    found = []
    for example in after:
        key = (example.id, dump_inputs(example.inputs))
        found.append(left[key] > 0)
        left[key] -= found[-1]
    return found
