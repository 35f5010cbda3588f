"""Stage `augment`: training examples -> the same, with the examples added by the levers in `use`.

Levers act in the same order as in the meter. Augmenters copy the original training examples only. A custom lever is
called once, as in the meter, with all labels. Levers see no validation or test example, and whatever they add is
compared with these.
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
"""Origins of examples labelled by a person."""
NO_TEST: tuple[Example, ...] = ()
"""Test examples that levers see in the pipeline: none."""


@dataclass(frozen=True, slots=True)
class AugmentInputs:
    """Inputs of the stage."""

    problem: Problem
    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    """Validation and test examples; no training text may repeat one."""
    documents: tuple[Document, ...]
    """Retrieved documents, used by custom levers only."""
    base: Path
    """Folder of the base model."""
    scratch: Path
    """Cache folder, shared with the meter."""
    device: str


def apply_levers(inputs: AugmentInputs, params: Augmentation) -> AugmentedExamples:
    """Apply every lever to the training examples, and reject what repeats a validation or test example.

    Raises:
        DataError: a lever needs documents, and there are none.
        ParamsError: a lever needs predictions of a linear head, and the problem has no such head.
    """
    runner = _LeverRunner(inputs, params)
    examples, rejected = list(inputs.train), list[Rejection]()
    counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTS}
    custom: dict[str, Any] = {}
    for name, lever in sort_levers(params.levers).items():
        if name not in params.custom_levers and isinstance(lever, AugmentLever):
            augmented = augment(inputs.train, inputs.held_out, inputs.problem, lever)
            ids = {example.id for example in examples}  # an earlier lever may have removed some
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
    """Calls custom levers as the meter does; models they need are loaded once, on demand."""

    def __init__(self, inputs: AugmentInputs, params: Augmentation) -> None:
        self.inputs, self.params = inputs, params

    def add(self, name: str, lever: Lever, examples: Sequence[Example]) -> AugmentedExamples:
        """Apply a lever, and reject what repeats a validation or test example."""
        if lever.uses_documents and not self.inputs.documents:
            raise DataError(
                f"augment: the lever {name} needs documents, but none were retrieved; add a lever of kind retrieve "
                "to `use`"
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
            rng=random.Random(f"{self.params.seed}/{name}"),
            predict=lambda labelled, texts: self._predict(name, labelled, texts),
        )

    def _predict(self, name: str, labelled: Sequence[Example], texts: Sequence[str]) -> list[Prediction]:
        from satiety.tuning.inputs import build_head

        if build_head(self.inputs.problem).is_generative:
            raise ParamsError(
                f"use: the lever {name} needs predictions of a linear head, but the problem "
                f"{self.inputs.problem.kind!r} has none; remove {name} from `use`"
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
        extractor = FeatureExtractor(inputs.scratch, inputs.base, inputs.problem, config, inputs.device)
        return ProxyModel(inputs.problem, extractor, ProxySolver(), config)

    @cached_property
    def _held_out(self) -> HeldOut:
        return HeldOut.from_examples(self.inputs.held_out, self.params.dedup_threshold)


def admit(
    name: str, originals: Sequence[Example], transformed: Sequence[Example], held_out: HeldOut
) -> AugmentedExamples:
    """Return a lever's output without added examples that repeat a held-out text.

    An added example gets a unique id, the split ``train``, and the lever's name as origin unless it has one.

    Args:
        name: of the lever.
        originals: its input.
        transformed: its output.
        held_out: validation and test texts.
    """
    matches = _match_originals(originals, transformed)
    ids = {example.id for example, is_original in zip(transformed, matches, strict=True) if is_original}
    added = [example.text for example, is_original in zip(transformed, matches, strict=True) if not is_original]
    twins = iter(held_out.find_leaks(added))
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
    """Return whether each example is an original, by id and inputs; of repeated ones only the first are."""
    remaining = Counter((example.id, dump_inputs(example.inputs)) for example in originals)
    matches = []
    for example in transformed:
        key = (example.id, dump_inputs(example.inputs))
        matches.append(remaining[key] > 0)
        remaining[key] -= matches[-1]
    return matches
