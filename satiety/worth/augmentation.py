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

from satiety.core.errors import DataError, ParamsError
from satiety.core.inputs import dump_inputs
from satiety.core.records import Example, Rejection
from satiety.levers.augment import COUNTS, AugmentedExamples, augment, join, make_unique_id, reject
from satiety.levers.augmentation import AugmentLever
from satiety.levers.base import Lever, RunContext, StudyContext, sort_levers
from satiety.text.deduplication import HeldOut
from satiety.worth.features import EncoderConfig, FeatureExtractor
from satiety.worth.learners import ProxyModel, ProxySolver

if TYPE_CHECKING:
    from satiety.core.records import Document
    from satiety.problems import Prediction, Problem
    from satiety.problems.base import Embed, Floats
    from satiety.worth.selection import Augmentation

PEOPLE = ("gold", "drawn")
"""Origins that say that a person labelled an example."""
NO_TEST: tuple[Example, ...] = ()
"""What a lever sees of dev and test in the pipeline."""


@dataclass(frozen=True, slots=True)
class AugmentInputs:
    """What the pipeline has at hand for levers."""

    problem: Problem
    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    """Dev and test examples: nothing that is learned from may give one away."""
    documents: tuple[Document, ...]
    """What `retrieve` found; read by levers of a kind of your own alone."""
    base: Path
    """Folder of the base model."""
    scratch: Path
    """Folder for what is dear to make; that of the meter, so that either finds what the other made."""
    device: str


def apply_levers(inputs: AugmentInputs, params: Augmentation) -> AugmentedExamples:
    """Have every lever add to the training examples; drop what gives away a dev or test example.

    Raises:
        DataError: a lever reads raw texts, and there are none.
        ParamsError: a lever asks for answers of a linear head, and the problem has no such head.
    """
    runner = _LeverRunner(inputs, params)
    examples, rejected = list(inputs.train), list[Rejection]()
    counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTS}
    custom: dict[str, Any] = {}
    for name, lever in sort_levers(params.levers).items():
        if name not in params.custom_levers and isinstance(lever, AugmentLever):
            augmented = augment(inputs.train, inputs.held_out, inputs.problem, lever)
            ids = {example.id for example in examples}  # a lever before may have taken some away
            examples = join(examples, (copy for copy in augmented.examples[len(inputs.train) :] if copy.parent in ids))
            for kind, count in augmented.numbers.items():
                counts[kind].update(count)
        else:
            augmented = runner.add(name, lever, examples)
            examples, custom[name] = augmented.examples, augmented.numbers
        rejected += augmented.rejected
    numbers = {name: dict(sorted(count.items())) for name, count in counts.items()}
    return AugmentedExamples(examples, rejected, {**numbers, "levers": custom})


class _LeverRunner:
    """Calls levers of kinds of your own as the meter does; what that takes is made once, and only where one asks."""

    def __init__(self, inputs: AugmentInputs, params: Augmentation) -> None:
        self.inputs, self.params = inputs, params

    def add(self, name: str, lever: Lever, examples: Sequence[Example]) -> AugmentedExamples:
        """Return the examples as a lever leaves them, without what gives away a dev or test example."""
        if lever.uses_documents and not self.inputs.documents:
            raise DataError(
                f"augment: there is no raw text for the lever {name}, which reads some; put one of kind retrieve into "
                "`use`"
            )
        try:
            transformed = lever.transform_train(tuple(examples), self._build_context(name, lever))
        except Exception as error:
            error.add_note(f"in lever {name}")
            raise
        return admit(name, examples, transformed, self._held_out)

    def _build_context(self, name: str, lever: Lever) -> RunContext:
        return RunContext(
            problem=self.inputs.problem,
            budget=len(self.inputs.train),
            order=self.inputs.train,
            test=NO_TEST,
            documents=self.inputs.documents,
            precomputed=tuple(lever.precompute(self._study_context)),
            rng=random.Random(f"{self.params.seed}/{name}"),  # no secret
            predict=lambda labelled, texts: self._predict(name, labelled, texts),
        )

    def _predict(self, name: str, labelled: Sequence[Example], texts: Sequence[str]) -> list[Prediction]:
        from satiety.tuning.inputs import build_head

        if build_head(self.inputs.problem).is_generative:
            raise ParamsError(
                f"use: the lever {name} asks a linear head for answers, and the problem {self.inputs.problem.kind!r} "
                f"has none; take {name} out of `use`"
            )
        return self._proxy_model.fit_predict(labelled, texts, self.params.seed)

    @cached_property
    def _study_context(self) -> StudyContext:
        inputs = self.inputs
        return StudyContext(
            problem=inputs.problem,
            pool=inputs.train,
            test=NO_TEST,
            corpus=inputs.documents,
            base=inputs.base,
            embed=self._embed,
            seed=self.params.seed,
            device=inputs.device,
            scratch=inputs.scratch,
        )

    def _embed(self, texts: Sequence[str]) -> Floats:
        return self._embedder(texts)

    @cached_property
    def _embedder(self) -> Embed:
        from satiety.training.embedding import load_embedder

        return load_embedder(self.inputs.base, self.inputs.device, self.params.prefix)

    @cached_property
    def _proxy_model(self) -> ProxyModel:
        inputs, params = self.inputs, self.params
        config = EncoderConfig(max_length=params.max_length, prefix=params.prefix, pooling=params.pooling)
        reader = FeatureExtractor(inputs.scratch, inputs.base, inputs.problem, config, inputs.device)
        return ProxyModel(inputs.problem, reader, ProxySolver(), config)

    @cached_property
    def _held_out(self) -> HeldOut:
        return HeldOut.from_examples(self.inputs.held_out, self.params.dedup_threshold)


def admit(
    name: str, originals: Sequence[Example], transformed: Sequence[Example], held_out: HeldOut
) -> AugmentedExamples:
    """Return what a lever made of examples; what of it was not there, and gives away a held-out text, is rejected.

    An added example is one of train; it has an id that no other has, and names the lever where it names no maker.

    Args:
        name: of the lever.
        originals: what it was given.
        transformed: what it returned.
        held_out: dev and test.
    """
    matches = _match_originals(originals, transformed)
    ids = {example.id for example, is_original in zip(transformed, matches, strict=True) if is_original}
    twins = iter(
        held_out.find_leaks(
            [example.text for example, is_original in zip(transformed, matches, strict=True) if not is_original]
        )
    )
    examples, rejected = list[Example](), list[Rejection]()
    for example, is_original in zip(transformed, matches, strict=True):
        if is_original:
            examples.append(example)
        elif (twin := next(twins)) is not None:
            rejected.append(reject(example, twin, name))
        else:
            origin = name if example.origin in PEOPLE else example.origin
            examples.append(replace(example, id=make_unique_id(example.id, ids), split="train", origin=origin))
            ids.add(examples[-1].id)
    numbers = {
        "added": len(transformed) - sum(matches) - len(rejected),
        "contaminated": len(rejected),
        "removed": len(originals) - sum(matches),
    }
    return AugmentedExamples(examples, rejected, numbers)


def _match_originals(originals: Sequence[Example], transformed: Sequence[Example]) -> list[bool]:
    """Return of each example whether it was there, by id and inputs; of several alike the first ones were."""
    remaining = Counter((example.id, dump_inputs(example.inputs)) for example in originals)
    matches = []
    for example in transformed:
        key = (example.id, dump_inputs(example.inputs))
        matches.append(remaining[key] > 0)
        remaining[key] -= matches[-1]
    return matches
