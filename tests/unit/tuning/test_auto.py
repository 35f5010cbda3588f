"""The choice of a recipe: by labels that a candidate has not seen, on the same folds, and read again after a kill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from satiety.core.answers import Label
from satiety.core.errors import ParamsError
from satiety.core.records import Document, Example
from satiety.heads.solver import calibrate_losses
from satiety.levers.self_train import SelfTraining
from satiety.problems import PROBLEMS
from satiety.training.checkpoint import CheckpointStore
from satiety.tuning import Finetune
from satiety.tuning.comparison import Trial, find_best, report_trials, score_gain, try_candidate
from satiety.tuning.context import TuningContext
from satiety.tuning.finetune import finetune
from satiety.tuning.recipes import RECIPES, FitOutcome, Recipe, TuningInputs
from satiety.tuning.recipes.auto import Auto
from satiety.tuning.recipes.base import MAX_FEW_LABELS
from satiety.tuning.recipes.fine_tune import FineTune
from satiety.tuning.recipes.linear import Linear
from satiety.tuning.trials import HeldOutAnswers, average, hold_out, restrict, split_examples, weigh

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


def make_section() -> Finetune:
    return Finetune.model_validate({"seed": 1, "max_length": 32, "prefix": "", "pooling": "mean"})


def make_inputs(base: Path, folder: Path, **changes: Any) -> TuningInputs:
    store = CheckpointStore(folder / "run", 1e9)
    inputs = TuningInputs(base, PROBLEM, make_examples(), [], [], make_section(), store, "cpu")
    return replace(inputs, **changes)


def quick_fine_tune() -> FineTune:
    return FineTune.model_validate({"training": {"max_steps": 2, "min_steps": 2}})


def fit(base: Path, folder: Path, *candidates: Recipe) -> FitOutcome:
    section = make_section()
    recipe = Auto.model_construct(candidates=list(candidates), folds=3)
    section = section.model_copy(update={"recipe": recipe})
    store = CheckpointStore(folder / "run", 1e9)
    return finetune(base, PROBLEM, make_examples(), [], params=section, store=store, device="cpu")


def test_a_candidate_never_sees_what_it_is_judged_by_and_the_last_fit_sees_all(tiny: Path, tmp_path: Path) -> None:
    Recorder.fits.clear()
    fit(tiny, tmp_path, Recorder(), Contrary())
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


def test_the_expected_gain_is_what_the_choice_scores_more_than_the_best_without_raw_texts(
    tiny: Path, tmp_path: Path
) -> None:
    class Informed(Linear):
        kind: ClassVar = "informed"
        uses_documents: ClassVar = True  # type: ignore[assignment]

    recipe = Auto.model_construct(candidates=[Informed(), Contrary()], folds=3)
    outcome = recipe.fit(make_inputs(tiny, tmp_path, documents=[Document("d", "a good hotel")]))
    informed, contrary = (row["score"] for row in outcome.facts["candidates"])
    assert outcome.facts["expected_gain"] == pytest.approx(informed - contrary, abs=1e-5)
    assert outcome.facts["expected_gain"] > 0.5
    assert outcome.model.card.expected_gain == outcome.facts["expected_gain"]


def test_the_expected_gain_is_that_on_labels_which_both_held_out(tiny: Path, tmp_path: Path) -> None:
    inputs = make_inputs(tiny, tmp_path)
    right, wrong = np.eye(2)[[1, 1, 1, 0, 0, 0]], np.eye(2)[[0, 0, 0, 1, 1, 1]]
    targets, is_first = np.array([1, 1, 1, 0, 0, 0]), np.array([True, False, False, True, False, False])
    assert inputs.problem.classes == ("bad", "good")
    best = Trial(Linear(), HeldOutAnswers(is_first, right[is_first], targets[is_first], 1.0, 0))
    alone = Trial(Linear(), HeldOutAnswers(np.ones(6, dtype=bool), wrong, targets, 1.0, 0))
    mixed = np.where(is_first[:, None], right, wrong)
    equal = Trial(Linear(), HeldOutAnswers(np.ones(6, dtype=bool), mixed, targets, 1.0, 0))
    assert (score_gain(inputs, best, alone), score_gain(inputs, best, equal)) == (1.0, 0.0)


def test_equal_candidates_give_the_first(tiny: Path, tmp_path: Path) -> None:
    assert fit(tiny, tmp_path, Recorder(), Linear()).facts["chosen"] == "recorder"


def test_a_resumed_run_does_not_judge_again(tiny: Path, tmp_path: Path) -> None:
    first = fit(tiny, tmp_path, Recorder(), Contrary())
    Recorder.fits.clear()
    assert fit(tiny, tmp_path, Recorder(), Contrary()).facts == first.facts
    assert len(Recorder.fits) == 1


def test_copies_stay_in_the_fold_of_their_parent(tiny: Path, tmp_path: Path) -> None:
    examples = [*make_examples(), Example("copy", {"text": "a good film"}, Label("good"), parent="1")]
    inputs = make_inputs(tiny, tmp_path, train=examples)
    for mask in split_examples(inputs, 3):
        assert mask[1] == mask[6]


def test_a_group_stays_in_one_fold(tiny: Path, tmp_path: Path) -> None:
    examples = [replace(example, group="03"[i % 2]) for i, example in enumerate(make_examples())]
    masks = split_examples(make_inputs(tiny, tmp_path, train=examples), 3)
    assert all(
        len({example.group for example, held in zip(examples, mask, strict=True) if held}) == 1 for mask in masks
    )


@pytest.mark.parametrize("count", [1, 3])
def test_one_text_or_group_cannot_be_held_out(tiny: Path, tmp_path: Path, count: int) -> None:
    examples = [replace(example, group="one") for example in make_examples()[:count]]
    inputs = make_inputs(tiny, tmp_path, train=examples)
    with pytest.raises(ParamsError, match=f"needs two labelled texts at least, of different groups, but has {count}:"):
        split_examples(inputs, 3)


def test_what_was_learned_with_raw_texts_is_not_taken_for_a_model_of_labels_alone(tiny: Path, tmp_path: Path) -> None:
    class Reader(Linear):
        kind: ClassVar = "reader"
        uses_documents: ClassVar = True  # type: ignore[assignment]
        raw_texts: ClassVar[list[int]] = []

        def fit(self, inputs: TuningInputs) -> FitOutcome:
            self.raw_texts.append(len(inputs.documents))
            return super().fit(inputs)

    inputs = make_inputs(tiny, tmp_path, documents=[Document("d", "a good hotel")])
    folds = split_examples(inputs, 3)
    for documents in (inputs.documents, [], inputs.documents):
        hold_out(replace(inputs, documents=documents), Reader(), folds[:1])
    assert Reader.raw_texts == [1, 0]


def test_calibration_makes_a_sure_and_right_answer_cheaper_than_an_unsure_one() -> None:
    targets = np.array([0, 1, 0, 1])
    sure = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    unsure = np.full((4, 2), 0.5)
    assert calibrate_losses(sure, targets).mean() < calibrate_losses(unsure, targets).mean()
    np.testing.assert_allclose(calibrate_losses(unsure, targets), np.log(2))


def hold_out_with(chances: list[float]) -> HeldOutAnswers:
    """Return answers that give the right class of two these probabilities."""
    count = len(chances)
    targets = np.arange(count) % 2
    right = np.array(chances)
    probabilities = np.where(np.eye(2)[targets] > 0, right[:, None], 1 - right[:, None])
    return HeldOutAnswers(np.ones(count, dtype=bool), probabilities, targets, 1.0, 0)


def make_trial(recipe: Recipe, chances: list[float]) -> Trial:
    return Trial(recipe, hold_out_with(chances))


def test_a_later_candidate_needs_labels_that_are_e_times_as_likely() -> None:
    first = make_trial(Linear(), [0.9, 0.9, 0.9, 0.3] * 3)
    slightly, surely = make_trial(Recorder(), [0.9, 0.9, 0.9, 0.31] * 3), make_trial(Recorder(), [0.9] * 12)
    assert -1 < slightly.compare(first).sum() < 0
    assert surely.compare(first).sum() < -1
    assert find_best([first, slightly]) is first
    assert find_best([first, surely]) is surely


def test_the_better_of_two_teachers_has_more_weight_and_more_labels_make_it_surer() -> None:
    good, bad = [0.9, 0.9, 0.9, 0.8], [0.6, 0.6, 0.3, 0.6]
    few = weigh([hold_out_with(bad), hold_out_with(good)])
    many = weigh([hold_out_with(bad * 10), hold_out_with(good * 10)])
    assert 0.5 < few[1] < many[1]
    assert few.sum() == pytest.approx(1)
    mixed = average([hold_out_with(bad * 10), hold_out_with(good * 10)])
    alone = average([hold_out_with(good * 10), hold_out_with(good * 10)])
    np.testing.assert_allclose(mixed.probabilities, alone.probabilities, atol=0.01)


def test_of_many_labels_as_few_folds_as_hold_enough_out_are_tried(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = [Example(str(i), {"text": f"text {i}"}, Label(("good", "bad")[i % 2])) for i in range(100)]
    copies = [replace(example, id=f"copy of {example.id}", origin="swap", parent=example.id) for example in examples]
    inputs = make_inputs(tiny, tmp_path, train=[*examples, *copies])
    for enough, count in ((10, 1), (25, 1), (26, 2), (60, 3), (1000, 4)):
        monkeypatch.setattr("satiety.tuning.trials.ENOUGH_LABELS", enough)
        assert len(split_examples(inputs, 4)) == count


def test_a_candidate_with_two_stand_ins_is_tried_as_both_and_they_are_fitted_once(tiny: Path, tmp_path: Path) -> None:
    class Taught(Recorder):
        kind: ClassVar = "taught"

        def proxies(self) -> list[Recipe]:
            return [Recorder(), Contrary()]

    Recorder.fits.clear()
    inputs = make_inputs(tiny, tmp_path)
    folds = split_examples(inputs, 3)
    taught = try_candidate(inputs, Taught(), folds)
    assert len(Recorder.fits) == 3
    recorder, contrary = (try_candidate(inputs, recipe, folds) for recipe in (Recorder(), Contrary()))
    assert len(Recorder.fits) == 3
    assert recorder.held_out.losses.mean() <= taught.held_out.losses.mean() <= contrary.held_out.losses.mean()


def test_a_candidate_that_uses_no_raw_texts_is_given_none(tiny: Path, tmp_path: Path) -> None:
    inputs = make_inputs(tiny, tmp_path, documents=[Document("d", "a good hotel")])
    assert restrict(inputs, Linear()).documents == ()
    assert restrict(inputs, RECIPES["transductive"]()) is inputs


def test_what_a_run_lacks_leaves_candidates_out(tiny: Path, tmp_path: Path) -> None:
    def list_kinds(**changes: Any) -> list[tuple[str, bool]]:
        inputs = make_inputs(tiny, tmp_path, **changes)
        return [(candidate.kind, candidate.uses_documents) for candidate in Auto()._find_usable(inputs)]

    alone = [("label_names", False), ("linear", False), ("contrastive", False), ("fine_tune", False)]
    raw, documents = ("transductive", True), [Document("d", "a good hotel")]
    assert list_kinds() == alone
    assert list_kinds(documents=documents) == [raw, *alone]
    trained = make_section().model_copy(update={"self_training": SelfTraining()})
    assert list_kinds(documents=documents, params=trained) == [("self_trained", True), raw, *alone]
    many = [Example(str(i), {"text": f"text {i}"}, Label(("good", "bad")[i % 2])) for i in range(MAX_FEW_LABELS + 1)]
    assert list_kinds(documents=documents, train=many) == [("linear", False), ("fine_tune", False)]


def test_a_second_fit_to_the_same_labels_repeats_nothing(tiny: Path, tmp_path: Path) -> None:
    Recorder.fits.clear()
    recipe = Auto.model_construct(candidates=[Recorder(), Contrary()], folds=3)
    first = make_inputs(tiny, tmp_path / "first")
    recipe.fit(first)
    assert len(Recorder.fits) == 3 + 1
    recipe.fit(make_inputs(tiny, tmp_path / "second", memory=first.memory))
    assert len(Recorder.fits) == 3 + 1


def test_the_teacher_that_learned_from_labels_is_also_the_model_without_raw_texts(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the gain of raw texts costs no training more."""
    monkeypatch.setattr("satiety.tuning.recipes.self_trained.MIN_TRUST", 0.0)
    training = {"max_steps": 2, "min_steps": 2, "batch_size": 8}
    candidates = [RECIPES[kind].model_validate({"training": training}) for kind in ("self_trained", "contrastive")]
    recipe = Auto.model_construct(candidates=candidates, folds=2)
    section = make_section().model_copy(update={"self_training": SelfTraining(), "recipe": recipe})
    documents = [Document(str(i), f"{text} in paris") for i, text in enumerate(TEXTS)]
    inputs = make_inputs(tiny, tmp_path / "both", params=section, documents=documents)
    recipe.fit(inputs)
    assert len(inputs.memory.fits) == 1
    (teacher,) = inputs.memory.fits.values()
    trained = inputs.memory.passes["trained"]
    alone = section.model_copy(update={"self_training": None})
    again = recipe.fit(replace(inputs, documents=(), params=alone)).model
    assert inputs.memory.passes["trained"] == trained
    assert again.model is teacher.model.model
    fresh = recipe.fit(make_inputs(tiny, tmp_path / "fresh", params=alone)).model
    weights = zip(fresh.model.state_dict().values(), again.model.state_dict().values(), strict=True)
    assert all(torch.equal(first, second) for first, second in weights)


def test_fine_tuning_is_tried_where_labels_are_many(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("satiety.tuning.recipes.auto.MANY_LABELS", 100)
    recipe = Auto.model_construct(candidates=[Linear(), quick_fine_tune()], folds=2)
    tried = recipe._try_candidates(make_inputs(tiny, tmp_path / "few"), recipe.candidates)
    assert [trial.recipe.kind for trial in tried] == ["linear"]
    monkeypatch.setattr("satiety.tuning.recipes.auto.MANY_LABELS", 6)
    tried = recipe._try_candidates(make_inputs(tiny, tmp_path / "many"), recipe.candidates)
    assert [trial.recipe.kind for trial in tried] == ["linear", "fine_tune"]


def test_a_dear_candidate_runs_as_long_as_it_leads(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dear(Recorder):
        kind: ClassVar = "dear"
        trains_encoder: ClassVar = True

    monkeypatch.setattr("satiety.tuning.recipes.auto.MANY_LABELS", 6)
    for first, folds, chosen in ((Linear(), 1, "linear"), (Contrary(), 3, "dear")):
        Recorder.fits.clear()
        recipe = Auto.model_construct(candidates=[first, Dear()], folds=3)
        trials = recipe._try_candidates(make_inputs(tiny, tmp_path / chosen), recipe.candidates)
        assert len(Recorder.fits) == folds
        assert trials[1].held_out.rows.sum() == 2 * folds
        assert find_best(trials).recipe.kind == chosen
        rows = report_trials(make_inputs(tiny, tmp_path / chosen), trials, find_best(trials))["candidates"]
        assert [row["held_out"] for row in rows] == [6, 2 * folds]


def test_a_resumed_run_batches_its_texts_as_the_first_though_it_does_not_repeat_the_trials(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last digits of a feature depend on the texts beside it in a batch."""
    compute, counts = TuningContext.compute_features, list[int]()

    def record(context: TuningContext, windows: Any) -> Any:
        counts.append(len(windows))
        return compute(context, windows)

    monkeypatch.setattr(TuningContext, "compute_features", record)
    texts = [" ".join([text] * (i + 1)) for i, text in enumerate(TEXTS)]
    documents = [Document(str(i), f"{text} in paris") for i, text in enumerate(texts)]
    train = [replace(row, inputs={"text": text}) for row, text in zip(make_examples(), texts, strict=True)]
    recipe = Auto.model_construct(candidates=[RECIPES["transductive"](), Linear()], folds=2)
    recipe.fit(make_inputs(tiny, tmp_path, train=train, documents=documents))
    first = counts.copy()
    counts.clear()
    recipe.fit(make_inputs(tiny, tmp_path, train=train, documents=documents))
    assert [count for count in first if count] == [count for count in counts if count]


def test_candidates_for_raw_texts_alone_learn_from_labels_where_there_are_none(tiny: Path, tmp_path: Path) -> None:
    recipe = Auto.model_construct(candidates=[RECIPES["self_trained"](), RECIPES["transductive"]()], folds=2)
    facts = recipe.fit(make_inputs(tiny, tmp_path)).facts
    assert facts["chosen"] in ("self_trained", "transductive")
    assert not facts["uses_raw_texts"]


@pytest.mark.parametrize("min_trust", [0.0, 1.1])
def test_a_resumed_self_trained_model_is_that_of_a_whole_run_though_it_does_not_repeat_the_trials(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, min_trust: float
) -> None:
    monkeypatch.setattr("satiety.tuning.recipes.self_trained.MIN_TRUST", min_trust)
    texts = [" ".join([text] * (i + 1)) for i, text in enumerate(TEXTS)]
    documents = [Document(str(i), f"{text} in paris") for i, text in enumerate(texts)]
    train = [replace(row, inputs={"text": text}) for row, text in zip(make_examples(), texts, strict=True)]
    recipe, outcomes = (
        RECIPES["self_trained"].model_validate({"training": {"max_steps": 2, "min_steps": 2, "batch_size": 8}}),
        [],
    )
    for _ in range(2):
        outcome = recipe.fit(make_inputs(tiny, tmp_path, train=train, documents=documents))
        weights = {name: weight.clone() for name, weight in outcome.model.model.state_dict().items()}
        outcomes.append((outcome.facts, weights))
    (first_facts, first), (second_facts, second) = outcomes
    assert first_facts == second_facts
    assert bool(first_facts["trust"]) == (min_trust == 0)
    assert all(torch.equal(weight, second[name]) for name, weight in first.items())
