"""Lever `augment`: more labelled examples from the existing ones.

Augmenters rewrite texts; the problem projects the label to the new text or drops the copy. Copies that repeat their
original or resemble a dev or test text are dropped. Each example, augmenter and use of it has its own random generator,
so that copies depend neither on the order of the examples nor on the number of workers.

An augmenter that reads labels is given those of the examples at hand, which are the labels of one run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SerializeAsAny

from satiety.core.errors import ParamsError
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
"""Counts per augmenter: copies kept, rewrites without a valid label, repetitions, copies of held-out texts."""
SHOWN = 10_000
"""Maximum number of characters of a rejected text in the quarantine."""


class Augment(ParamsModel):
    """Augment the labelled examples by rewriting their texts."""

    seed: Seed
    """Random seed of all augmenters."""
    steps: list[SerializeAsAny[Annotated[Augmenter, AUGMENTERS.choice()]]] = Field(default_factory=list)
    """List of augmenters, each applied to every training example. An empty list adds no copies."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which two texts are near-duplicates; copies like a
    validation or test text are dropped."""

    def refusals(self, problem: Problem) -> list[str]:
        """Return ``steps: reason`` for each augmenter that does not support a problem."""
        reasons = [reason for step in self.steps for reason in step.refusals(problem)]
        return [f"steps: {reason}" for reason in dict.fromkeys(reasons)]

    def check(self, problem: Problem) -> None:
        """Raise ParamsError where an augmenter does not support the problem."""
        if refusals := self.refusals(problem):
            raise ParamsError("\n".join(f"augment: {refusal}" for refusal in refusals))


@dataclass(frozen=True, slots=True)
class AugmentedExamples:
    """Augmented examples, rejected copies and counts."""

    examples: list[Example]
    """The training examples, followed by their copies in the same order."""
    rejected: list[Rejection]
    """Copies that duplicate a dev or test text."""
    numbers: dict[str, Any]
    """Counts for the report."""


def augment(
    train: Sequence[Example], held_out: Sequence[Example], problem: Problem, params: Augment
) -> AugmentedExamples:
    """Return the training examples with augmented copies, without repetitions and duplicates of ``held_out`` texts.

    Raises:
        ParamsError: an augmenter does not support the problem.
    """
    params.check(problem)
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
    """Append copies to examples; equal copies by several levers are added once, equal ids are made unique."""
    joined = list(examples)
    ids, texts = {example.id for example in joined}, {_content_key(example) for example in joined}
    for copy in additions:
        if _content_key(copy) not in texts:
            joined.append(replace(copy, id=make_unique_id(copy.id, ids)))
            ids.add(joined[-1].id)
            texts.add(_content_key(copy))
    return joined


def make_unique_id(id: str, ids: Container[str]) -> str:
    """Return ``id``, or ``id.2``, ``id.3`` … where it is already among ``ids``."""
    number, candidate = 1, id
    while candidate in ids:
        number, candidate = number + 1, f"{id}.{number}"
    return candidate


def _content_key(example: Example) -> tuple[str, str]:
    return example.parent or example.id, dump_inputs(example.inputs)


def generate_copies(
    examples: Sequence[Example], problem: Problem, params: Augment
) -> Iterator[list[tuple[str, Rewrite, Example | None]]]:
    """Yield for each example a list of (augmenter, rewrite, copy); the copy is None where the label is lost."""
    uses, streams = Counter[str](), []
    for step in params.steps:
        passages = _passages(examples, f"{params.seed}/{step.kind}-{uses[step.kind]}")
        if step.reads_labels:
            passages = _add_labels(passages, examples, problem)
        streams.append((step.kind, step.augment(passages)))
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
    """Return all texts among the inputs, each with its own seed."""
    return [
        Passage(value, example.language, f"{seed}/{example.id}" + (f"/{name}" if place else ""))
        for example in examples
        for place, (name, value) in enumerate(_texts(example))
    ]


def _add_labels(passages: Sequence[Passage], examples: Sequence[Example], problem: Problem) -> list[Passage]:
    """Return the passages with the mentions in them and the labels of their examples, in words."""
    names = dict(zip(problem.classes, problem.label_names(), strict=True)) if problem.categorical else {}
    places = [(example.answer, name) for example in examples for name, _ in _texts(example)]
    labelled = []
    for passage, (answer, name) in zip(passages, places, strict=True):
        mentions = answer.locate() if answer and name == problem.span_input else ()
        words = [names.get(label, "") for label in answer.labels] if answer else []
        labelled.append(replace(passage, mentions=mentions, names=tuple(filter(None, words))))
    return labelled


def _texts(example: Example) -> list[tuple[str, str]]:
    return [(name, value) for name, value in example.inputs.items() if isinstance(value, str)]


def reject(example: Example, twin: str, maker: str) -> Rejection:
    """Return the quarantine row of a generated example that duplicates a dev or test text.

    Args:
        example: the generated example.
        twin: id of the dev or test example.
        maker: name of the augmenter.
    """
    return Rejection(
        id=example.id,
        source=example.source,
        reason="contaminated",
        detail=f"made by {maker}; duplicates a dev or test text",
        twin=twin,
        text=example.text[:SHOWN],
    )
