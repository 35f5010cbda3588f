"""Labels are read, thresholds chosen on what was not learned from, and scores are scikit-learn's."""

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


def gold(sets: Any) -> list[Example]:
    return [Example(str(i), {"text": f"text {i}"}, Labels(tuple(names))) for i, names in enumerate(sets)]


def matrix(sets: Any) -> Any:
    return np.array([[name in names for name in NAMES] for names in sets])


@given(SETS, SETS)
def test_scores_are_scikit_learns(real: Any, found: Any) -> None:
    metrics = PROBLEM.score(PROBLEM.tally(gold(real), [Prediction(Labels(names)) for names in found]))
    assert metrics["micro_f1"] == pytest.approx(f1_score(matrix(real), matrix(found), average="micro", zero_division=0))
    assert metrics["exact_match"] == pytest.approx(accuracy_score(matrix(real), matrix(found)))
    recorded = [name for name in NAMES if any(name in names for names in (*real, *found))]
    single = f1_score(matrix(real), matrix(found), average=None, zero_division=0)
    expected = np.mean([single[NAMES.index(name)] for name in recorded]) if recorded else 0
    assert metrics["macro_f1"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("cell", "names"), [("b, a", ("a", "b")), (["c"], ("c",)), ("", ()), ([], ()), ("a,,a", ("a",))]
)
def test_a_cell_is_a_list_or_a_text_that_is_parted(cell: Any, names: str) -> None:
    assert PROBLEM.read({"text": "好", "labels": cell}) == ({"text": "好"}, Labels(tuple(names)))


def test_a_label_of_no_problem_is_named() -> None:
    with pytest.raises(ValueError, match="label 'd' is not one of: a, b, c"):
        PROBLEM.read({"text": "x", "labels": ["a", "d"]})
    with pytest.raises(TypeError):
        PROBLEM.read({"text": "x", "labels": 7})
    with pytest.raises(DataError, match="no example has a label"):
        PROBLEMS["multilabel"].sample().model_copy(update={"labels": None}).fit_labels(gold([(), ()]))


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
    fitted = MultiLabel(labels=NAMES, separator=",", thresholds=None).fit_decoder(gold(sets), chances)
    assert fitted.thresholds == pytest.approx({"a": 0.225, "b": 0.15, "c": 0.5})
    assert PROBLEM.fit_decoder(gold(sets), chances) is PROBLEM, "the user's stay"


def test_what_a_model_expects_of_its_answers_is_right_where_its_probabilities_are() -> None:
    draw = np.random.default_rng(1)
    scores = draw.uniform(size=(20_000, 3))
    real, actual = draw.uniform(size=scores.shape) < scores, scores >= (0.3, 0.5, 0.5)
    sets, answers = ([tuple(np.array(NAMES)[row]) for row in rows] for rows in (real, actual))
    true = PROBLEM.score(PROBLEM.tally(gold(sets), [Prediction(Labels(names)) for names in answers]))
    hoped = PROBLEM.score(PROBLEM.estimate_tallies(scores))
    for name in PROBLEM.metrics:
        assert float(hoped[name]) == pytest.approx(float(true[name]), abs=0.01)
