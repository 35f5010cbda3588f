"""Recipes tried on labels they have not seen: folds, out-of-fold probabilities, and shares by their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.core.errors import ParamsError
from satiety.heads.softmax_regression import softmax
from satiety.heads.solver import FLOOR, fit_temperature, split_folds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.base import Floats
    from satiety.tuning.recipes.base import FitOutcome, Recipe, TuningInputs

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

FOLDS = 3
"""Folds by which recipes are compared."""
ENOUGH_LABELS = 100
"""Labels to hold out: with more, later folds are not tried."""


@dataclass(frozen=True, slots=True)
class HeldOutAnswers:
    """Answers to labels by models that have not seen them."""

    rows: Mask
    """The examples that were held out, shape (examples,)."""
    probabilities: Floats
    """Shape (examples held out, classes), calibrated."""
    targets: Ints
    """Their classes, shape (examples held out,)."""
    temperature: float
    """Divisor of the logits that calibrated the probabilities."""
    passes: int
    """Texts through the encoder; one in an update counts three times."""

    def calibrate(self, probabilities: Floats) -> Floats:
        """Return probabilities of other texts, calibrated by the same temperature."""
        return softmax(np.log(np.maximum(probabilities, FLOOR)) / self.temperature)

    def select(self, rows: Mask) -> HeldOutAnswers:
        """Return the answers to some of these examples; ``rows`` has shape (examples,)."""
        kept = rows[self.rows]
        return replace(self, rows=self.rows & rows, probabilities=self.probabilities[kept], targets=self.targets[kept])

    @property
    def losses(self) -> Floats:
        """The log-loss of each example that was held out."""
        losses: Floats = -np.log(self.probabilities[np.arange(len(self.targets)), self.targets])
        return losses


def hold_out(inputs: TuningInputs, recipe: Recipe, folds: Sequence[Mask]) -> HeldOutAnswers:
    """Fit a recipe without each fold in turn, and answer that fold."""
    inputs = restrict(inputs, recipe)
    rows, targets = np.any(folds, axis=0) & find_originals(inputs), find_targets(inputs)
    probabilities, passes = np.zeros((len(inputs.train), len(inputs.problem.classes))), 0
    for mask in folds:
        fold = _answer_fold(inputs, recipe, mask)
        probabilities[mask] = fold["probabilities"]
        passes += fold["passes"]
    return calibrate(rows, probabilities[rows], targets[rows], passes)


def fit_on_labels(inputs: TuningInputs, recipe: Recipe) -> FitOutcome:
    """Fit a recipe to labels alone, or return what the memory has: a teacher is also the model without raw texts."""
    inputs = replace(inputs, documents=())
    fits, name = inputs.memory.fits, _hash_fit(inputs, recipe)
    if name not in fits:
        fits[name] = recipe.fit(inputs)
    return fits[name]


def calibrate(rows: Mask, probabilities: Floats, targets: Ints, passes: int) -> HeldOutAnswers:
    """Return answers, calibrated by the temperature that suits them best."""
    answers = HeldOutAnswers(rows, probabilities, targets, fit_temperature(probabilities, targets), passes)
    return replace(answers, probabilities=answers.calibrate(probabilities))


def weigh(answers: Sequence[HeldOutAnswers]) -> Floats:
    """Return a share for each, by the likelihood of half of the labels: the other half pays for choosing by them."""
    losses = np.array([answer.losses.mean() for answer in answers])
    shares = np.exp(-len(answers[0].targets) / 2 * (losses - losses.min()))
    normalised: Floats = shares / shares.sum()
    return normalised


def average(answers: Sequence[HeldOutAnswers]) -> HeldOutAnswers:
    """Return the geometric mean of the probabilities, weighted by evidence."""
    from satiety.tuning.frozen.transduction import mean_of_logs

    mean = mean_of_logs([answer.probabilities for answer in answers], weigh(answers).tolist())
    return calibrate(answers[0].rows, mean, answers[0].targets, sum(answer.passes for answer in answers))


def split_examples(inputs: TuningInputs, count: int) -> list[Mask]:
    """Return masks of the held-out examples, shape (examples,), stratified by class; no fold is empty.

    There are ``count`` folds, or as many as the rarest class has labels, but at least 2. Of many labels, the first
    folds are returned that together hold `ENOUGH_LABELS` out. Groups and copies stay together; copies count for
    nothing.

    Raises:
        ParamsError: there is one text or one group only, which cannot be held out.
    """
    targets, owners = find_targets(inputs), [example.owner for example in inputs.train]
    originals = find_originals(inputs)
    sizes = np.bincount(targets[originals])
    count = max(2, min(count, int(sizes[sizes > 0].min())))
    rng = np.random.default_rng(inputs.params.seed)
    folds = [mask for mask in split_folds(targets, owners, count, rng) if mask.any() and not mask.all()]
    if not folds:
        raise ParamsError(
            f"finetune.recipe: {inputs.params.recipe.kind} holds labels out, which needs two labelled texts at "
            f"least, of different groups, but has {originals.sum()}: choose linear, or label more"
        )
    totals = np.cumsum([(mask & originals).sum() for mask in folds])
    return folds[: int(np.searchsorted(totals, ENOUGH_LABELS)) + 1]


def restrict(inputs: TuningInputs, recipe: Recipe) -> TuningInputs:
    """Return the inputs without the raw texts that a recipe does not use."""
    return inputs if recipe.uses_documents else replace(inputs, documents=())


def find_targets(inputs: TuningInputs) -> Ints:
    """Return the class index of each training example, shape (examples,)."""
    index = {name: i for i, name in enumerate(inputs.problem.classes)}
    return np.array([index[inputs.problem.stratum(example)] for example in inputs.train])


def find_originals(inputs: TuningInputs) -> Mask:
    """Return which training examples people have labelled, shape (examples,)."""
    return np.array([example.origin == "gold" for example in inputs.train])


def _answer_fold(inputs: TuningInputs, recipe: Recipe, mask: Mask) -> dict[str, Any]:
    """Fit a recipe without one fold, and answer it; the memory and a resumed run know the result."""
    name = f"trial-{recipe.kind}-{_hash_fit(inputs, recipe, mask)}"

    def compute() -> dict[str, Any]:
        before = inputs.memory.count_passes()
        train = [example for example, is_held_out in zip(inputs.train, mask, strict=True) if not is_held_out]
        held_out = [example.inputs for example, is_held_out in zip(inputs.train, mask, strict=True) if is_held_out]
        store = replace(inputs.store, folder=inputs.store.folder / name, log_point=lambda *_: None)
        predictions = recipe.fit(replace(inputs, train=train, store=store)).model.predict(held_out)
        passes = inputs.memory.count_passes() - before
        return {"probabilities": inputs.problem.outputs(predictions).tolist(), "passes": passes}

    trials = inputs.memory.trials
    if name not in trials:
        trials[name] = inputs.store.compute_once(name, compute)
    return trials[name]


def _hash_fit(inputs: TuningInputs, recipe: Recipe, *masks: Mask) -> str:
    """Return a short digest of what decides the result: the recipe, the examples, the raw texts and the fold."""
    ids = ",".join([*(example.id for example in inputs.train), *(document.id for document in inputs.documents)])
    parts = [recipe.model_dump_json().encode(), ids.encode(), *(np.packbits(mask).tobytes() for mask in masks)]
    return sha256(b"|".join(parts)).hexdigest()[:12]
