"""The problem `classify`: rows, windows of long texts, and scores equal to those of scikit-learn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from satiety.core.answers import Label
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.problems import IGNORE, PROBLEMS, Prediction, Problem, Rewrite
from satiety.problems.base import ZeroShotModel
from satiety.problems.classify import Classify

LABELS = ["bad", "good", "好"]
PROBLEM = Classify(labels=LABELS, names={"好": "good"})
TEXTS = ["the good film", "这部电影很好看", "", "the bad hotel in paris " * 30, "我爱北京天安门" * 40]


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(tiny))


def make_examples(labels: Sequence[str]) -> list[Example]:
    return [Example(str(i), {"text": f"text {i}"}, answer=Label(label)) for i, label in enumerate(labels)]


def make_predictions(labels: Sequence[str]) -> list[Prediction]:
    return [Prediction(Label(label)) for label in labels]


def compute_metrics(gold_labels: Sequence[str], predicted_labels: Sequence[str]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in PROBLEM.metrics_from_counts(
            PROBLEM.tally(make_examples(gold_labels), make_predictions(predicted_labels)).sum(axis=0)
        ).items()
    }


def test_a_row_is_read_as_text_whatever_it_looks_like() -> None:
    anything = Classify(labels=None, names={})
    assert anything.read({"text": "NA", "label": " 01 "}) == ({"text": "NA"}, Label("01"))
    assert anything.read({"text": "好", "label": "null"}) == ({"text": "好"}, Label("null"))
    assert PROBLEM.read({"text": "007", "label": "好"}) == ({"text": "007"}, Label("好"))


@pytest.mark.parametrize(
    ("label", "message"),
    [("", "the label is empty"), ("  ", "the label is empty"), ("坏", "label '坏' is not one of: bad, good, 好")],
)
def test_an_invalid_label_is_refused(label: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PROBLEM.read({"text": "x", "label": label})


@pytest.mark.parametrize(
    ("labels", "message"), [(["good", "好", "good"], "has duplicate labels: good"), ([], "is empty: use")]
)
def test_an_invalid_label_set_is_refused(labels: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Classify(labels=labels, names={})


def test_an_endless_label_does_not_fill_the_message() -> None:
    with pytest.raises(ValueError, match="is not one of") as error:
        PROBLEM.read({"text": "x", "label": "y" * 10_000})
    assert len(str(error.value)) < 300


def test_the_labels_are_those_of_params_or_those_in_the_data() -> None:
    actual = Classify(labels=None, names={}).fit_labels(make_examples(["好", "bad", "好"]))
    assert actual.classes == ("bad", "好")
    assert PROBLEM.fit_labels(make_examples(["好", "bad"])).classes == tuple(LABELS)


@pytest.mark.parametrize(("labels", "message"), [([], "found: none"), (["好", "好"], "found: 好")])
def test_fewer_than_two_labels_are_refused(labels: list[str], message: str) -> None:
    with pytest.raises(DataError, match=f"needs at least two labels in the data, {message}"):
        Classify(labels=None, names={}).fit_labels(make_examples(labels))


def test_without_fixed_labels_there_are_no_classes() -> None:
    with pytest.raises(ValueError, match="is not fixed"):
        _ = Classify(labels=None, names={}).classes


def test_a_saved_problem_loads_as_it_was(tmp_path: Path) -> None:
    PROBLEM.save(tmp_path / "problem.json")
    assert Problem.load(tmp_path / "problem.json") == PROBLEM
    assert PROBLEMS["classify"] is Classify


@pytest.mark.parametrize("text", ["{", "{}", '{"kind": "classifi"}', '{"kind": "classify", "labels": 3, "names": {}}'])
def test_a_broken_problem_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "problem.json").write_text(text)
    with pytest.raises(DataError, match=r"problem\.json: not a valid problem"):
        Problem.load(tmp_path / "problem.json")


def test_a_long_text_is_read_in_windows_that_fit_and_lose_nothing(tokenizer: Any) -> None:
    examples = [Example(str(i), {"text": text}, answer=Label("好")) for i, text in enumerate(TEXTS)]
    windows = PROBLEM.encode(examples, tokenizer, 16)
    assert {window.example for window in windows} == set(range(len(TEXTS)))
    assert all(len(window.input_ids) <= 16 and window.targets == [2] for window in windows)
    whole = tokenizer(TEXTS[3])["input_ids"][1:-1]
    parts = [token for window in windows if window.example == 3 for token in window.input_ids[1:-1]]
    assert parts == whole
    assert PROBLEM.encode([], tokenizer, 16) == []


def test_an_example_without_a_known_label_has_no_target(tokenizer: Any) -> None:
    examples = [Example("1", {"text": "x"}, answer=Label("unknown")), Example("2", {"text": "y"})]
    assert [window.targets for window in PROBLEM.encode(examples, tokenizer, 16)] == [[IGNORE], [IGNORE]]


def test_windows_of_one_text_answer_together(tokenizer: Any) -> None:
    examples = [Example("a", {"text": TEXTS[3]}), Example("b", {"text": "这"})]
    windows = PROBLEM.encode(examples, tokenizer, 64)
    logits = [np.array([0.0, 0.0, 4.0]) if w.example == 1 else np.array([1.0, 0.0, 0.0]) for w in windows]
    logits[0] = np.array([0.0, 50.0, 0.0])
    first, second = PROBLEM.decode(examples, windows, logits)
    assert (str(first.answer), str(second.answer)) == ("good", "好")
    assert sum(second.scores.values()) == pytest.approx(1)
    assert second.confidence == max(second.scores.values()) == second.scores["好"]


def test_very_large_logits_stay_numbers(tokenizer: Any) -> None:
    examples = [Example("a", {"text": "好"})]
    windows = PROBLEM.encode(examples, tokenizer, 16)
    (answer,) = PROBLEM.decode(examples, windows, [np.array([1e4, -1e4, 0.0])])
    assert str(answer.answer) == "bad"
    assert answer.confidence == 1


LISTS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=40)


@given(LISTS)
def test_scores_equal_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    real, actual = zip(*pairs, strict=True)
    scores = compute_metrics(real, actual)
    assert scores["macro_f1"] == pytest.approx(f1_score(real, actual, average="macro", zero_division=0))
    assert scores["accuracy"] == pytest.approx(accuracy_score(real, actual))
    per_label = precision_recall_fscore_support(real, actual, labels=LABELS, zero_division=0)
    for i, label in enumerate(LABELS):
        expected = per_label[0][i], per_label[1][i], per_label[2][i]
        assert tuple(scores[f"{name}/{label}"] for name in ("precision", "recall", "f1")) == pytest.approx(expected)


@given(LISTS)
def test_the_sum_of_tallies_is_the_tally_of_the_whole(pairs: list[tuple[str, str]]) -> None:
    real, actual = zip(*pairs, strict=True)
    whole = PROBLEM.tally(make_examples(real), make_predictions(actual))
    half = len(real) // 2
    parts = [
        PROBLEM.tally(make_examples(real[a:b]), make_predictions(actual[a:b])) for a, b in ((0, half), (half, None))
    ]
    assert np.array_equal(whole, np.concatenate(parts))
    assert set(PROBLEM.metrics) <= set(PROBLEM.metrics_from_counts(whole.sum(axis=0)))


def test_gold_against_gold_scores_one_and_an_unknown_answer_is_wrong() -> None:
    assert compute_metrics(LABELS, LABELS)["macro_f1"] == 1
    assert compute_metrics(["好", "bad"], ["?", "bad"])["accuracy"] == 0.5


def test_empty_counts_score_zero_and_never_nan() -> None:
    assert set(float(value) for value in PROBLEM.metrics_from_counts(np.zeros(9)).values()) == {0.0}


def test_without_training_the_nearest_label_name_is_the_answer() -> None:
    places = {"bad": [1.0, 0.0], "good": [0.0, 1.0], "awful film": [0.9, 0.1], "真好": [0.1, 0.9]}

    def embed(texts: Sequence[str]) -> Any:
        return np.array([places[text] for text in texts])

    problem = Classify(labels=["bad", "好"], names={"好": "good"})
    answers = problem.zero_shot([], problem.build_examples(["awful film", "真好"]), ZeroShotModel(embed))
    assert [str(answer.answer) for answer in answers] == ["bad", "好"]
    assert all(0.5 < answer.confidence < 1 for answer in answers)


def test_a_rewrite_keeps_the_label_and_all_else() -> None:
    example = Example("1", {"text": "好电影"}, answer=Label("好"), group="g", source="a.csv:3")
    shifted = PROBLEM.project_labels(example, Rewrite("电影好"), "text")
    assert shifted is not None
    assert (shifted.text, str(shifted.answer), shifted.group, shifted.source) == ("电影好", "好", "g", "a.csv:3")
    assert example.text == "好电影"


def test_outcomes_and_confusions_pair_each_answer_with_its_gold() -> None:
    real = make_examples(["好", "bad"])
    actual = [Prediction(Label("好"), confidence=0.9), Prediction(Label("good"), confidence=0.4)]
    assert PROBLEM.confidence_correct(real, actual) == [(0.9, True), (0.4, False)]
    assert PROBLEM.confusions(real, actual) == [("好", "好"), ("bad", "good")]
    assert PROBLEM.stratum(real[0]) == "好"
