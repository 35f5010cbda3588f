"""Labels are read, thresholds are fitted on held-out examples, and scores equal those of scikit-learn."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from satiety.core.answers import Labels
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.problems import PROBLEMS, Prediction, Window
from satiety.problems.multilabel import MultiLabel

NAMES = ["a", "b", "c"]
PROBLEM = MultiLabel(labels=NAMES, separator=",", thresholds={"a": 0.3})
SETS = st.lists(st.sets(st.sampled_from(NAMES)).map(lambda names: tuple(sorted(names))), min_size=8, max_size=8)


def make_examples(sets: Any) -> list[Example]:
    return [Example(str(i), {"text": f"text {i}"}, Labels(tuple(names))) for i, names in enumerate(sets)]


def build_matrix(sets: Any) -> Any:
    return np.array([[name in names for name in NAMES] for names in sets])


@given(SETS, SETS)
def test_scores_equal_those_of_scikit_learn(gold_sets: Any, predicted_sets: Any) -> None:
    metrics = PROBLEM.score(
        PROBLEM.tally(make_examples(gold_sets), [Prediction(Labels(names)) for names in predicted_sets])
    )
    assert metrics["micro_f1"] == pytest.approx(
        f1_score(build_matrix(gold_sets), build_matrix(predicted_sets), average="micro", zero_division=0)
    )
    assert metrics["exact_match"] == pytest.approx(
        accuracy_score(build_matrix(gold_sets), build_matrix(predicted_sets))
    )
    recorded = [name for name in NAMES if any(name in names for names in (*gold_sets, *predicted_sets))]
    per_label = f1_score(build_matrix(gold_sets), build_matrix(predicted_sets), average=None, zero_division=0)
    expected = np.mean([per_label[NAMES.index(name)] for name in recorded]) if recorded else 0
    assert metrics["macro_f1"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("cell", "names"), [("b, a", ("a", "b")), (["c"], ("c",)), ("", ()), ([], ()), ("a,,a", ("a",))]
)
def test_a_cell_is_a_list_or_a_text_with_separators(cell: Any, names: str) -> None:
    assert PROBLEM.read({"text": "好", "labels": cell}) == ({"text": "好"}, Labels(tuple(names)))


def test_an_unknown_label_is_named() -> None:
    with pytest.raises(ValueError, match="label 'd' is not one of: a, b, c"):
        PROBLEM.read({"text": "x", "labels": ["a", "d"]})
    with pytest.raises(TypeError):
        PROBLEM.read({"text": "x", "labels": 7})
    with pytest.raises(DataError, match="no example has a label"):
        PROBLEMS["multilabel"].sample().model_copy(update={"labels": None}).fit_labels(make_examples([(), ()]))


def test_a_label_is_given_from_its_threshold_on() -> None:
    logits = np.log(np.array([0.35, 0.35, 0.6]) / (1 - np.array([0.35, 0.35, 0.6])))
    (prediction,) = PROBLEM.decode(PROBLEM.build_examples(["x"]), [Window(0, [2, 3], [])], [logits])
    assert prediction.answer == Labels(("a", "c"))
    assert prediction.confidence == pytest.approx((0.35 + 0.65 + 0.6) / 3)
    assert PROBLEM.contradicts(Labels(("a",)), 1.0, prediction, 0.05)
    assert not PROBLEM.contradicts(Labels(("a", "b", "c")), 1.0, prediction, 0.2)


def test_thresholds_are_those_of_the_largest_f1() -> None:
    chances = np.array([[0.9, 0.2, 0.1], [0.4, 0.1, 0.1], [0.35, 0.1, 0.1], [0.1, 0.1, 0.1]])
    sets = [("a", "b"), ("a",), ("a",), ()]
    fitted = MultiLabel(labels=NAMES, separator=",", thresholds=None).fit_decoder(make_examples(sets), chances)
    assert fitted.thresholds == pytest.approx({"a": 0.225, "b": 0.15, "c": 0.5})
    assert PROBLEM.fit_decoder(make_examples(sets), chances) is PROBLEM, "thresholds of params stay"


def test_estimated_scores_are_right_for_calibrated_probabilities() -> None:
    draw = np.random.default_rng(1)
    scores = draw.uniform(size=(20_000, 3))
    real, actual = draw.uniform(size=scores.shape) < scores, scores >= (0.3, 0.5, 0.5)
    sets, answers = ([tuple(np.array(NAMES)[row]) for row in rows] for rows in (real, actual))
    true = PROBLEM.score(PROBLEM.tally(make_examples(sets), [Prediction(Labels(names)) for names in answers]))
    estimated = PROBLEM.score(PROBLEM.estimate_tallies(scores))
    for name in PROBLEM.metrics:
        assert float(estimated[name]) == pytest.approx(float(true[name]), abs=0.01)
