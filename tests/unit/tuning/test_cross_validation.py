"""Every label is scored by a model that has not seen it: neither it nor a near-duplicate or a copy of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from satiety.core.answers import Label
from satiety.core.errors import DataError
from satiety.core.records import Document, Example
from satiety.evaluate import Evaluate
from satiety.problems import PROBLEMS, Prediction
from satiety.training.checkpoint import CheckpointStore
from satiety.tuning import Finetune
from satiety.tuning.cross_validation import Experiment, predict_out_of_fold, split_labels
from satiety.tuning.recipes import FitOutcome, TuningInputs
from satiety.tuning.recipes.linear import Linear
from tests.packaging import examples

PROBLEM = PROBLEMS["classify"].sample()
WORDS = ["the", "good", "film", "is", "bad", "hotel", "anna", "lives", *"这部电影很好看酒店差王小明住在上海"]


class Recorder(Linear):
    """A linear head that records what it is fitted to, and may die at a fit."""

    kind: ClassVar = "recorder"
    fits: ClassVar[list[list[Example]]] = []
    raw_counts: ClassVar[list[int]] = []
    uses_documents: ClassVar = True  # type: ignore[assignment]
    dies_at: ClassVar[int | None] = None

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        if len(self.fits) == self.dies_at:
            raise KeyboardInterrupt
        self.fits.append(list(inputs.train))
        self.raw_counts.append(len(inputs.documents))
        return super().fit(inputs)


@pytest.fixture(autouse=True)
def forget_fits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Recorder.fits.clear()
    Recorder.raw_counts.clear()
    yield
    Recorder.dies_at = None


def make_labels(count: int, group_size: int = 1) -> list[Example]:
    """Return labels of random texts; those of a group have the same text and the same label, and both by chance."""
    draw = random.Random(5)
    rows = []
    for number in range(count // group_size):
        text, label = " ".join(draw.choices(WORDS, k=8)), Label(draw.choice(["good", "bad"]))
        ids = [f"{number}-{part}" for part in range(group_size)]
        rows += [Example(id, {"text": text}, label, group=ids[0]) for id in ids]
    return rows


def make_experiment(base: Path, labels: Sequence[Example], folder: Path, **changes: Any) -> Experiment:
    params = Finetune(seed=3, max_length=32, prefix="", pooling="mean", recipe=Recorder())
    experiment = Experiment(
        problem=PROBLEM,
        base=base,
        pretrained=base,
        labels=labels,
        dev=(),
        documents=(),
        params=params,
        store=CheckpointStore(folder / "run", 1e9),
        device="cpu",
        augment=lambda train, held_out: train,
        predict_before=lambda train, held_out: [Prediction(Label("good")) for _ in held_out],
    )
    return replace(experiment, **changes)


def compute_accuracy(labels: Sequence[Example], predictions: Sequence[Prediction]) -> float:
    return float(np.mean([row.answer == example.answer for example, row in zip(labels, predictions, strict=True)]))


def test_folds_hold_out_whole_groups_and_every_label_once() -> None:
    labels = make_labels(60, group_size=3)
    folds = split_labels(PROBLEM, labels, 5, seed=1)
    assert np.array_equal(np.sum(folds, axis=0), np.ones(60))
    for mask in folds:
        groups = [{labels[row].group for row in np.flatnonzero(part)} for part in (mask, ~mask)]
        assert not groups[0] & groups[1]


def test_folds_have_the_proportions_of_the_whole() -> None:
    labels = [Example(str(i), {"text": str(i)}, Label("good" if i % 4 else "bad")) for i in range(80)]
    for mask in split_labels(PROBLEM, labels, 10, seed=1):
        assert Counter(str(labels[row].answer) for row in np.flatnonzero(mask)) == {"good": 6, "bad": 2}


def test_there_are_never_more_folds_than_groups() -> None:
    assert len(split_labels(PROBLEM, make_labels(12, group_size=4), 10, seed=1)) == 3
    with pytest.raises(DataError, match="no fold can be held out of 4 labels of one group"):
        split_labels(PROBLEM, make_labels(4, group_size=4), 10, seed=1)


def test_few_labels_have_ten_folds() -> None:
    params = Evaluate(seed=1, resamples=400, confidence_level=0.95, bins=10, prefix="")
    assert [params.count_folds(labels) for labels in (10, 49, 50, 1000)] == [10, 10, 5, 5]


def test_no_model_sees_the_labels_it_is_judged_by_nor_their_group(tiny: Path, tmp_path: Path) -> None:
    labels = make_labels(24, group_size=2)
    folds = split_labels(PROBLEM, labels, 4, seed=1)
    predict_out_of_fold(make_experiment(tiny, labels, tmp_path), folds)
    assert len(Recorder.fits) == 4, "without raw texts and levers, both systems are one"
    for mask, fit in zip(folds, Recorder.fits, strict=True):
        assert {example.group for example in fit} == {labels[row].group for row in np.flatnonzero(~mask)}


def test_a_planted_duplicate_gives_its_label_away_only_outside_its_group(tiny: Path, tmp_path: Path) -> None:
    """Labels of random texts are chance; only a model that has seen the same text can know them."""
    labels = make_labels(80, group_size=4)
    alone = [replace(example, group=example.id) for example in labels]
    scores = {}
    for name, rows in (("grouped", labels), ("leaking", alone)):
        experiment = make_experiment(tiny, rows, tmp_path / name)
        outcome = predict_out_of_fold(experiment, split_labels(PROBLEM, rows, 10, seed=1))
        scores[name] = compute_accuracy(rows, outcome.systems["after"])
    assert scores["leaking"] > 0.85
    assert scores["grouped"] < 0.7


def test_levers_and_the_untuned_model_see_the_labels_of_the_other_folds_only(tiny: Path, tmp_path: Path) -> None:
    labels, calls = make_labels(20), list[tuple[str, set[str], set[str]]]()

    def augment(train: Sequence[Example], held_out: Sequence[Example]) -> list[Example]:
        calls.append(("augment", {e.id for e in train}, {e.id for e in held_out}))
        return [*train, *(replace(e, id=f"{e.id}/c", origin="copy", parent=e.id) for e in train)]

    def predict_before(train: Sequence[Example], held_out: Sequence[Example]) -> list[Prediction]:
        calls.append(("before", {e.id for e in train}, {e.id for e in held_out}))
        return [Prediction(Label("bad")) for _ in held_out]

    experiment = make_experiment(tiny, labels, tmp_path, augment=augment, predict_before=predict_before)
    folds = split_labels(PROBLEM, labels, 5, seed=1)
    outcome = predict_out_of_fold(experiment, folds)
    for name in ("augment", "before"):
        rows = [(train, held_out) for caller, train, held_out in calls if caller == name]
        assert all(not train & held_out and len(train | held_out) == 20 for train, held_out in rows)
        assert sorted(id for _, held_out in rows for id in held_out) == sorted(e.id for e in labels)
    assert [len(fit) for fit in Recorder.fits] == [32, 16] * 5, "with the copies, then human labels alone"
    assert {str(row.answer) for row in outcome.systems["before"]} == {"bad"}
    assert outcome.recipes == {"recorder": 5}


def test_raw_texts_are_for_the_tuned_model_alone(tiny: Path, tmp_path: Path) -> None:
    documents = [Document("d", "a good film")]
    experiment = make_experiment(tiny, make_labels(12), tmp_path, documents=documents)
    predict_out_of_fold(experiment, split_labels(PROBLEM, experiment.labels, 3, seed=1))
    assert Recorder.raw_counts == [1, 0] * 3


def test_an_interrupted_run_goes_on_where_it_was_and_ends_the_same(tiny: Path, tmp_path: Path) -> None:
    labels = make_labels(24)
    folds = split_labels(PROBLEM, labels, 4, seed=1)
    whole = predict_out_of_fold(make_experiment(tiny, labels, tmp_path / "whole"), folds)
    Recorder.fits.clear()
    Recorder.dies_at = 2
    with pytest.raises(KeyboardInterrupt):
        predict_out_of_fold(make_experiment(tiny, labels, tmp_path / "killed"), folds)
    Recorder.dies_at = None
    resumed = predict_out_of_fold(make_experiment(tiny, labels, tmp_path / "killed"), folds)
    assert len(Recorder.fits) == 4, "two folds before the kill, two after it"
    assert resumed == whole


def test_entities_are_scored_out_of_fold_too(tiny: Path, tmp_path: Path) -> None:
    problem, labels = PROBLEMS["ner"].sample(), examples("ner", 16)

    def predict_before(train: Sequence[Example], held_out: Sequence[Example]) -> list[Prediction]:
        return problem.zero_shot(train, held_out, None)  # type: ignore[arg-type]  # it looks entities up

    experiment = make_experiment(tiny, labels, tmp_path, problem=problem, predict_before=predict_before)
    outcome = predict_out_of_fold(experiment, split_labels(problem, labels, 4, seed=1))
    for name in ("before", "after"):
        assert problem.tally(labels, outcome.systems[name]).shape[0] == 16
    spans = [row for row in outcome.systems["before"] if row.answer and row.answer.mentions]
    assert spans, "entities of the other folds are found in those held out"
