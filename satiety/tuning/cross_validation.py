"""Labels without a test -> predictions of each label by models that have not seen it.

The cross-validation is nested: in every fold the whole recipe (its choice among candidates, its penalties and
thresholds) is fitted to the labels of the other folds, and levers that add examples see no others. Whole groups are
held out, so neither a near-duplicate nor a copy of a label trains for it. Raw texts are the same in every fold: they
were retrieved for the texts of all labels, but have no label. Each model learns from fewer labels than the tuned one,
so on average it scores a little lower.

Source: choosing and scoring on the same folds is optimistic: Varma & Simon 2006, doi:10.1186/1471-2105-7-91; ten folds,
stratified: Kohavi 1995, A Study of Cross-Validation and Bootstrap for Accuracy Estimation and Model Selection.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.core.answers import dump, load
from satiety.core.errors import DataError
from satiety.heads.solver import split_folds
from satiety.problems.base import Prediction
from satiety.tuning.base_features import BaseFeatures
from satiety.tuning.finetune import finetune, finetune_on_labels, share_labels
from satiety.tuning.frozen.space import compute_all_features
from satiety.tuning.recipes.base import Memory, TuningInputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.core.records import Document, Example
    from satiety.problems.base import Problem
    from satiety.training.checkpoint import CheckpointStore
    from satiety.tuning.section import Finetune

    Mask = NDArray[np.bool_]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Experiment:
    """What every fold shares."""

    problem: Problem
    base: Path
    """Folder of the base model."""
    pretrained: Path
    """The same, its pre-training continued or not."""
    labels: Sequence[Example]
    """The labels to score, each in one fold."""
    dev: Sequence[Example]
    documents: Sequence[Document]
    """Raw texts; may be empty."""
    params: Finetune
    store: CheckpointStore
    """Results of finished folds, from which an interrupted run resumes."""
    device: str
    augment: Callable[[Sequence[Example], Sequence[Example]], Sequence[Example]]
    """Function from the labels of the other folds, and those held out, to training examples."""
    predict_before: Callable[[Sequence[Example], Sequence[Example]], list[Prediction]]
    """The untuned model: function from the labels of the other folds, and those held out, to their predictions."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions of every label by models that have not seen it."""

    systems: dict[str, list[Prediction]]
    """``before``: untuned; ``labels_only``: without raw texts and levers; ``after``: tuned. In order of the labels."""
    recipes: dict[str, int]
    """Number of folds in which each recipe was chosen."""


def split_labels(problem: Problem, labels: Sequence[Example], count: int, seed: int) -> list[Mask]:
    """Return masks of the labels that each fold holds out, shape (labels,): whole groups, stratified.

    There are at most as many folds as groups, and no fold is empty.

    Raises:
        DataError: all labels are of one group, so that none can be held out.
    """
    owners = [example.owner for example in labels]
    names = sorted({problem.stratum(example) for example in labels})
    strata = np.array([names.index(problem.stratum(example)) for example in labels])
    count = min(count, len(set(owners)))
    if count < 2:
        raise DataError(
            f"evaluate: no fold can be held out of {len(labels)} labels of one group; add labelled data, or give "
            "`ingest.labelled` a source with `split: test`"
        )
    return list(split_folds(strata, owners, count, np.random.default_rng(seed)))


def predict_out_of_fold(experiment: Experiment, folds: Sequence[Mask]) -> OutOfFold:
    """Predict every label by models fitted without it; finished folds are not repeated.

    Raises:
        the errors of `finetune`.
    """
    systems: dict[str, dict[int, Prediction]] = {"before": {}, "labels_only": {}, "after": {}}
    recipes = Counter[str]()
    features = _compute_features(experiment)
    for number, mask in enumerate(folds):
        log.info("fold %d of %d: %d of %d labels are held out", number + 1, len(folds), mask.sum(), len(mask))
        result = experiment.store.compute_once(
            f"fold-{number}", partial(_predict_fold, experiment, mask, f"fold-{number}", features)
        )
        recipes[result["recipe"]] += 1
        for name, rows in systems.items():
            rows.update(zip(np.flatnonzero(mask).tolist(), map(_read_prediction, result[name]), strict=True))
    predictions = {name: [rows[i] for i in range(len(experiment.labels))] for name, rows in systems.items()}
    return OutOfFold(predictions, dict(sorted(recipes.items())))


def _compute_features(experiment: Experiment) -> BaseFeatures:
    """Compute what all folds need of the untouched encoder, in one go, so that a resumed run is the same."""
    memory = Memory()
    if experiment.problem.categorical:
        compute_all_features(
            TuningInputs(
                experiment.pretrained, experiment.problem, experiment.labels, experiment.dev, experiment.documents,
                experiment.params, experiment.store, experiment.device, memory,
            )
        )  # fmt: skip
    return memory.features


def _predict_fold(experiment: Experiment, mask: Mask, name: str, features: BaseFeatures) -> dict[str, Any]:
    """Return the predictions of the held-out labels by each system, and the recipe, as JSON values."""
    pairs = list(zip(experiment.labels, mask, strict=True))
    train = [example for example, is_held_out in pairs if not is_held_out]
    held_out = [example for example, is_held_out in pairs if is_held_out]
    examples = experiment.augment(train, held_out)
    inputs = [example.inputs for example in held_out]

    # as in the stage finetune
    store = replace(experiment.store, folder=experiment.store.folder / name)
    run: dict[str, Any] = {"params": experiment.params, "store": store, "device": experiment.device}
    memory = Memory(features.copy())
    problem, documents, dev = experiment.problem, experiment.documents, experiment.dev
    outcome = finetune(experiment.pretrained, problem, examples, dev, documents=documents, memory=memory, **run)
    after, recipe = outcome.model.predict(inputs), str(outcome.facts.get("chosen", experiment.params.recipe.kind))
    del outcome  # its memory is for the second fit
    is_same = share_labels(experiment.base, experiment.pretrained, examples)
    if is_same and not documents:
        labels_only = after
    else:
        shared = memory if is_same else None
        fitted = finetune_on_labels(experiment.base, problem, train, dev, memory=shared, **run)
        labels_only = fitted.model.predict(inputs)

    store.clear()
    systems = {"before": experiment.predict_before(train, held_out), "labels_only": labels_only, "after": after}
    rows: dict[str, Any] = {name: [_write_prediction(row) for row in system] for name, system in systems.items()}
    return {**rows, "recipe": recipe}


def _write_prediction(prediction: Prediction) -> dict[str, Any]:
    scores = {name: float(score) for name, score in prediction.scores.items()}
    return {"answer": dump(prediction.answer), "confidence": float(prediction.confidence), "scores": scores}


def _read_prediction(row: Mapping[str, Any]) -> Prediction:
    answer = None if row["answer"] == "null" else load(row["answer"])
    return Prediction(answer, row["confidence"], row["scores"])
