"""Lever `augment`: make more labelled examples out of the few there are.

Augmenters rewrite texts; the problem carries the label over, or refuses. What repeats its parent, or gives away a
development or test text, goes. Every example, augmenter and use of it has a generator of its own: the copies depend on
neither the order of the examples nor the number of workers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SerializeAsAny

from satiety.core.inputs import dump_inputs
from satiety.core.normalization import normalise
from satiety.core.progress import track
from satiety.core.records import Example, Rejection
from satiety.core.section import ParamsModel, Seed
from satiety.levers.augment.base import AUGMENTERS, Augmenter, OneByOne, Passage
from satiety.text.deduplication import HeldOut

if TYPE_CHECKING:
    from satiety.problems import Problem, Rewrite

__all__ = [
    "AUGMENTERS",
    "COUNTS",
    "Augment",
    "AugmentedExamples",
    "Augmenter",
    "OneByOne",
    "Passage",
    "augment",
    "generate_copies",
    "join",
    "make_unique_id",
    "reject",
]

COUNTS = ("copies", "refused", "repeated", "contaminated")
"""What is counted per augmenter: copies kept, rewrites whose label would not survive, and copies that had to go."""
SHOWN = 10_000
"""Characters of a rejected text that the quarantine keeps."""


class Augment(ParamsModel):
    """Which copies to make: one lever."""

    seed: Seed
    """Seed of every random choice of every augmenter."""
    steps: list[SerializeAsAny[Annotated[Augmenter, AUGMENTERS.choice()]]] = Field(default_factory=list)
    """Augmenters; each is applied to every training example. None: the examples pass as they are."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which a copy repeats a dev or test text, and goes."""


@dataclass(frozen=True, slots=True)
class AugmentedExamples:
    """What an augmentation gave."""

    examples: list[Example]
    """The training examples, then their copies in the same order."""
    rejected: list[Rejection]
    """Copies that give away a dev or test text."""
    numbers: dict[str, Any]
    """What the stage reports."""


def augment(
    train: Sequence[Example], held_out: Sequence[Example], problem: Problem, params: Augment
) -> AugmentedExamples:
    """Make copies of the training examples; drop those that repeat something or give away a ``held_out`` example."""
    originals = {normalise(example.text) for example in train}
    counts = {name: Counter({step.kind: 0 for step in params.steps}) for name in COUNTS}
    candidates: list[Example] = []
    for example_copies in (
        track(generate_copies(train, problem, params), "augment", total=len(train)) if params.steps else ()
    ):
        own_texts: set[str] = set()
        for kind, rewrite, copy in example_copies:
            text = normalise(rewrite.text)
            if copy is None:
                counts["refused"][kind] += 1
            elif not text or text in originals or text in own_texts:
                counts["repeated"][kind] += 1
            else:
                own_texts.add(text)
                candidates.append(copy)
    clean, leaking = HeldOut.from_examples(held_out, params.dedup_threshold).partition(
        candidates, lambda copy: copy.text
    )
    counts["copies"].update(copy.origin for copy in clean)
    counts["contaminated"].update(copy.origin for copy, _ in leaking)
    return AugmentedExamples(
        examples=[*train, *clean],
        rejected=[reject(copy, twin, copy.origin) for copy, twin in leaking],
        numbers={name: dict(sorted(count.items())) for name, count in counts.items()},
    )


def join(examples: Iterable[Example], additions: Iterable[Example]) -> list[Example]:
    """Follow examples by copies. One that another lever made as well stays once; equal ids of others are told apart."""
    joined = list(examples)
    ids, texts = {example.id for example in joined}, {_content_key(example) for example in joined}
    for copy in additions:
        if _content_key(copy) not in texts:
            joined.append(replace(copy, id=make_unique_id(copy.id, ids)))
            ids.add(joined[-1].id)
            texts.add(_content_key(copy))
    return joined


def make_unique_id(id: str, ids: Container[str]) -> str:
    """Return an id that is none of ``ids``: this one, or the first of it and a number."""
    number, candidate = 1, id
    while candidate in ids:
        number, candidate = number + 1, f"{id}.{number}"
    return candidate


def _content_key(example: Example) -> tuple[str, str]:
    return example.parent or example.id, dump_inputs(example.inputs)


def generate_copies(
    examples: Sequence[Example], problem: Problem, params: Augment
) -> Iterator[list[tuple[str, Rewrite, Example | None]]]:
    """Yield, for each example, (augmenter, rewrite, copy) of all its rewrites; no copy where the label is lost."""
    uses, streams = Counter[str](), []
    for step in params.steps:
        streams.append((step.kind, step.augment(_passages(examples, f"{params.seed}/{step.kind}-{uses[step.kind]}"))))
        uses[step.kind] += 1
    for example in examples:
        numbers, rewrites = Counter[str](), []
        for kind, stream in streams:
            for name, rewrite in [(name, rewrite) for name, _ in _texts(example) for rewrite in next(stream)]:
                copy = problem.project_labels(example, rewrite, name)
                copy_id = f"{example.id}/{kind}-{numbers[kind]}"
                numbers[kind] += 1
                rewrites.append((kind, rewrite, copy and replace(copy, id=copy_id, origin=kind, parent=example.id)))
        yield rewrites


def _passages(examples: Sequence[Example], seed: str) -> list[Passage]:
    """Return every text among the inputs; the first of an example's has its generator, others have their own."""
    return [
        Passage(value, example.language, f"{seed}/{example.id}" + (f"/{name}" if place else ""))
        for example in examples
        for place, (name, value) in enumerate(_texts(example))
    ]


def _texts(example: Example) -> list[tuple[str, str]]:
    return [(name, value) for name, value in example.inputs.items() if isinstance(value, str)]


def reject(example: Example, twin: str, maker: str) -> Rejection:
    """Return the quarantine's row of an example that gives away a dev or test text.

    Args:
        example: that was made.
        twin: id of whose text it gives away.
        maker: name of what made it.
    """
    return Rejection(
        id=example.id,
        source=example.source,
        reason="contaminated",
        detail=f"made by {maker}; gives away a dev or test text",
        twin=twin,
        text=example.text[:SHOWN],
    )
