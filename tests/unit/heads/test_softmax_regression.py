"""Logistic regression on soft labels equals scikit-learn's on hard ones; offsets, weights and terms act as they say."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from satiety.heads.softmax_regression import Layer, fit_softmax, softmax

CLASSES = 3


def make_rows(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    labels = np.arange(count) % CLASSES
    return rng.normal(size=(count, 5)) + np.eye(5)[labels], labels


def test_hard_labels_give_the_solution_of_scikit_learn() -> None:
    features, labels = make_rows(90)
    layer = fit_softmax(features, np.eye(CLASSES)[labels], 0.05, max_iter=500)
    expected = LogisticRegression(C=1 / (0.05 * 90), tol=1e-8, max_iter=1000).fit(features, labels)
    np.testing.assert_allclose(softmax(layer.logits(features)), expected.predict_proba(features), atol=1e-3)


def test_a_row_of_double_weight_counts_as_two_rows() -> None:
    features, labels = make_rows(30)
    targets = np.eye(CLASSES)[labels]
    weighted = fit_softmax(features, targets, 0.1, weights=np.where(np.arange(30) < 10, 2.0, 1.0))
    repeated = fit_softmax(np.vstack([features, features[:10]]), np.vstack([targets, targets[:10]]), 0.1)
    np.testing.assert_allclose(weighted.weight, repeated.weight, atol=1e-4)


def test_soft_labels_are_met_where_the_penalty_is_small() -> None:
    targets = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    layer = fit_softmax(np.eye(2), targets, 1e-9, max_iter=2000)
    np.testing.assert_allclose(softmax(layer.logits(np.eye(2))), targets, atol=1e-3)


def test_offsets_that_answer_all_rows_leave_nothing_to_learn() -> None:
    features, labels = make_rows(30)
    layer = fit_softmax(features, np.eye(CLASSES)[labels], 0.1, offsets=30.0 * np.eye(CLASSES)[labels])
    assert np.abs(layer.weight).max() < 1e-6


def test_a_term_is_added_to_the_loss() -> None:
    features, labels = make_rows(30)

    def pull(layer: Layer) -> tuple[float, Layer]:
        return float(5 * ((layer.bias - 1) ** 2).sum()), Layer(np.zeros_like(layer.weight), 10 * (layer.bias - 1))

    layer = fit_softmax(features, np.eye(CLASSES)[labels], 0.1, term=pull)
    assert layer.bias == pytest.approx(np.ones(CLASSES), abs=0.1)
