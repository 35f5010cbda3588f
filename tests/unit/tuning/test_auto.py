"""The choice of a recipe: by labels that a candidate has not seen, on the same folds, and read again after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from satiety.core.answers import Label
from satiety.core.errors import ParamsError
from satiety.core.records import Example
from satiety.heads.solver import calibrate_losses
from satiety.problems import PROBLEMS
from satiety.training.checkpoint import CheckpointStore
from satiety.tuning import Finetune
from satiety.tuning.finetune import finetune
from satiety.tuning.recipes import FitOutcome, Recipe, TuningInputs
from satiety.tuning.recipes.auto import Auto, split_examples
from satiety.tuning.recipes.linear import Linear

PROBLEM = PROBLEMS["classify"].sample()
TEXTS = ["a good film", "a good film", "a good film", "the worst hotel", "the worst hotel", "the worst hotel"]
"""A text of each class, three times under different ids: even a random encoder tells them apart."""


class Recorder(Linear):
    """A linear head that records the texts it is fitted to."""

    kind: ClassVar = "recorder"
    fits: ClassVar[list[set[str]]] = []

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        self.fits.append({example.id for example in inputs.train})
        return super().fit(inputs)


class Contrary(Linear):
    """A linear head that has learned the opposite of every label."""

    kind: ClassVar = "contrary"

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        outcome = super().fit(inputs)
        for weight in outcome.model.model.head.parameters():
            weight.data.neg_()
        return outcome


def make_examples() -> list[Example]:
    labels = [Label("good")] * 3 + [Label("bad")] * 3
    return [Example(str(i), {"text": text}, labels[i]) for i, text in enumerate(TEXTS)]


def fit(base: Path, folder: Path, *candidates: Recipe) -> FitOutcome:
    section = Finetune.model_validate({"seed": 1, "max_length": 32, "prefix": "", "pooling": "mean"})
    recipe = Auto.model_construct(candidates=list(candidates), folds=3)
    section = section.model_copy(update={"recipe": recipe})
    store = CheckpointStore(folder / "run", 1e9)
    return finetune(base, PROBLEM, make_examples(), [], params=section, store=store, device="cpu")


def test_a_candidate_never_sees_what_it_is_judged_by_and_the_last_fit_sees_all(tiny: Path, tmp_path: Path) -> None:
    Recorder.fits.clear()
    fit(tiny, tmp_path, Recorder())
    *fold_fits, last = Recorder.fits
    assert last == {str(i) for i in range(6)}
    held_out = [last - ids for ids in fold_fits]
    assert sorted(id_ for ids in held_out for id_ in ids) == sorted(last)
    assert all(len(ids) == 2 for ids in held_out)


def test_the_worse_candidate_is_not_chosen_and_the_report_compares_both(tiny: Path, tmp_path: Path) -> None:
    outcome = fit(tiny, tmp_path, Contrary(), Linear())
    assert outcome.facts["chosen"] == "linear"
    contrary, linear = outcome.facts["candidates"]
    assert (linear["difference"], linear["standard_error"]) == (0, 0)
    assert contrary["difference"] > 0
    assert outcome.model.card.recipe == "auto"


def test_equal_candidates_give_the_first(tiny: Path, tmp_path: Path) -> None:
    assert fit(tiny, tmp_path, Recorder(), Linear()).facts["chosen"] == "recorder"


def test_a_resumed_run_does_not_judge_again(tiny: Path, tmp_path: Path) -> None:
    first = fit(tiny, tmp_path, Recorder())
    Recorder.fits.clear()
    assert fit(tiny, tmp_path, Recorder()).facts == first.facts
    assert len(Recorder.fits) == 1


def test_copies_stay_in_the_fold_of_their_parent(tiny: Path, tmp_path: Path) -> None:
    examples = [*make_examples(), Example("copy", {"text": "a good film"}, Label("good"), parent="1")]
    section = Finetune.model_validate({"seed": 1, "max_length": 32, "prefix": "", "pooling": "mean"})
    inputs = TuningInputs(tiny, PROBLEM, examples, [], [], section, CheckpointStore(tmp_path, 1e9), "cpu")
    for mask in split_examples(inputs, 3):
        assert mask[1] == mask[6]


def test_one_text_cannot_be_held_out(tiny: Path, tmp_path: Path) -> None:
    section = Finetune.model_validate({"seed": 1, "max_length": 32, "prefix": "", "pooling": "mean"})
    store = CheckpointStore(tmp_path, 1e9)
    inputs = TuningInputs(tiny, PROBLEM, make_examples()[:1], [], [], section, store, "cpu")
    with pytest.raises(ParamsError, match="auto needs two labelled texts"):
        split_examples(inputs, 3)


def test_calibration_makes_a_sure_and_right_answer_cheaper_than_an_unsure_one() -> None:
    targets = np.array([0, 1, 0, 1])
    sure = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    unsure = np.full((4, 2), 0.5)
    assert calibrate_losses(sure, targets).mean() < calibrate_losses(unsure, targets).mean()
    np.testing.assert_allclose(calibrate_losses(unsure, targets), np.log(2))
