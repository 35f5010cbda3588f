"""Base model, training and dev examples, raw texts -> tuned model, by the recipe in params.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from satiety.core.errors import DataError, ParamsError
from satiety.core.files import manifest
from satiety.tuning.recipes import FitOutcome, Memory, TuningInputs

if TYPE_CHECKING:
    from satiety.core.records import Document, Example
    from satiety.problems import Problem
    from satiety.training.checkpoint import CheckpointStore
    from satiety.tuning.section import Finetune


def finetune(
    base: Path,
    problem: Problem,
    train: Sequence[Example],
    dev: Sequence[Example],
    *,
    params: Finetune,
    store: CheckpointStore,
    device: str,
    documents: Sequence[Document] = (),
    memory: Memory | None = None,
) -> FitOutcome:
    """Tune the model in ``base``; resume an interrupted run of the same inputs from its checkpoint.

    A second fit to the same labels and base model is faster with the ``memory`` of the first.

    Raises:
        DataError: there is no training example, or no raw text for self-training.
        ModelError: the base model cannot be loaded, no example has a label of the problem, or training diverged.
        ParamsError: windows are longer than the base model can read, or the recipe does not support the problem.
    """
    if not train:
        raise DataError("finetune: no training examples: check `ingest.budget` and reports/validate.json")
    if refusals := params.refusals(problem):
        raise ParamsError("\n".join(refusals))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        inputs = TuningInputs(base, problem, train, dev, documents, params, store, device, memory or Memory())
        outcome = params.recipe.fit(inputs)
    hardware = outcome.model.hardware
    facts = {"recipe": params.recipe.kind, "device": hardware.device, "precision": hardware.precision}
    return replace(outcome, facts={**facts, **outcome.facts})


def finetune_on_labels(
    base: Path,
    problem: Problem,
    train: Sequence[Example],
    dev: Sequence[Example],
    *,
    params: Finetune,
    store: CheckpointStore,
    device: str,
    memory: Memory | None = None,
) -> FitOutcome:
    """Tune the model as with ``use: []``: on human labels alone, without raw texts, copies or pseudo-labels.

    Its difference from the tuned model is what raw texts and levers gained.

    Args:
        base: the base model, not pretrained further.
        problem: the problem.
        train: training examples; those that levers made are left out.
        dev: dev examples.
        params: parameters of the tuned model.
        store: checkpoints of the tuned model; a folder in it is for those of this one.
        device: ``cpu``, ``cuda`` or ``auto``.
        memory: that of the tuned model, if it was fitted to the same labels and base model.

    Raises:
        the errors of `finetune`.
    """
    gold = [example for example in train if example.origin == "gold"]
    alone = params.model_copy(update={"self_training": None})
    inner = replace(store, folder=store.folder / "labels_only", log_point=lambda *_: None)
    return finetune(base, problem, gold, dev, params=alone, store=inner, device=device, memory=memory)


def share_labels(base: Path, pretrained: Path, examples: Sequence[Example]) -> bool:
    """Return whether `finetune` and `finetune_on_labels` learn from the same labels and base model.

    Without raw texts, they then fit the same model.
    """
    return manifest(base) == manifest(pretrained) and all(example.origin == "gold" for example in examples)
