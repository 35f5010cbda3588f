"""A base model, training and dev examples, raw texts -> a tuned model, by the recipe that params.yaml names."""

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
    """Tune the model in ``base``; take up a run of the same inputs that was cut off.

    Raises:
        DataError: there is nothing to train on, or no raw text where ``params.pseudo`` wants some.
        ModelError: the base cannot be used, no example has a label of the problem, or training went wrong.
        ParamsError: windows are longer than the base can read, or the recipe cannot teach what the problem asks.
    """
    if not train:
        raise DataError(
            "finetune: there is no training example; is ingest.budget large enough, and did validate keep any?"
        )
    if refusals := params.refusals(problem):
        raise ParamsError("\n".join(refusals))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        outcome = params.recipe.fit(TuningInputs(base, problem, train, dev, documents, params, store, device))
    hardware = outcome.model.hardware
    facts = {"recipe": params.recipe.kind, "device": hardware.device, "precision": hardware.precision}
    return replace(outcome, facts={**facts, **outcome.facts})
