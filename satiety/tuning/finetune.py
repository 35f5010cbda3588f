"""Base model, training and dev examples, raw texts -> tuned model, by the recipe in params.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from satiety.core.errors import DataError, ParamsError
from satiety.tuning.recipes import FitOutcome, TuningInputs

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
) -> FitOutcome:
    """Tune the model in ``base``; resume an interrupted run of the same inputs from its checkpoint.

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
        outcome = params.recipe.fit(TuningInputs(base, problem, train, dev, documents, params, store, device))
    hardware = outcome.model.hardware
    facts = {"recipe": params.recipe.kind, "device": hardware.device, "precision": hardware.precision}
    return replace(outcome, facts={**facts, **outcome.facts})
