"""Flipped labels are found; correct and uncertain labels are not reported."""

import numpy as np
import pytest

from satiety.heads.solver import Solver, find_label_issues, solve

SOLVER = Solver(l2=[0.1, 0.01, 0.001, 0.0001], folds=5, rows=10_000)


@pytest.mark.parametrize(("classes", "share"), [(2, 0.05), (3, 0.1), (10, 0.02)])
def test_flipped_labels_are_found(classes: int, share: float) -> None:
    """Over five draws, at least three of four are found, and hardly any correct label is reported."""
    correct = reported = planted = 0
    for seed in range(5):
        draw = np.random.default_rng(seed)
        truth, groups = np.arange(400) % classes, [str(row) for row in range(400)]
        features = (draw.normal(size=(classes, 16)) * 2)[truth] + draw.normal(size=(400, 16))
        flipped = draw.permutation(400)[: int(400 * share)]
        answers = truth.copy()
        answers[flipped] = (truth[flipped] + 1) % classes
        actual = solve(features, answers, groups, classes, SOLVER, 1).label_issues
        correct, reported, planted = (
            correct + len({*actual} & {*flipped}),
            reported + len(actual),
            planted + len(flipped),
        )
        assert len(solve(features, truth, groups, classes, SOLVER, 1).label_issues) <= 4
    assert correct >= 0.75 * planted
    assert correct >= 0.9 * reported


def test_uniform_probabilities_give_no_label_issues() -> None:
    assert find_label_issues(np.full((6, 3), 1 / 3), np.array([0, 1, 2, 0, 1, 2])) == []


def test_a_label_without_rows_gives_no_label_issue() -> None:
    chances = np.array([[0.1, 0.0, 0.9], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    assert find_label_issues(chances, np.array([0, 0, 1])) == []


def test_a_head_read_from_json_equals_the_original() -> None:
    import json

    from satiety.heads.solver import LinearProbe

    head = solve(
        np.random.default_rng(0).normal(size=(40, 4)), np.arange(40) % 2, [str(i) for i in range(40)], 2, SOLVER, 1
    )
    repeated = LinearProbe.from_dict(json.loads(json.dumps(head.to_dict())))
    assert np.array_equal(repeated.weight, head.weight)
    assert np.array_equal(repeated.bias, head.bias)
    assert (repeated.l2, repeated.label_issues) == (head.l2, head.label_issues)
