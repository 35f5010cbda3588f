"""Flipped labels are found; labels that are right are left alone; what is not known is not doubted."""

import numpy as np
import pytest

from satiety.heads.solver import Solver, find_label_issues, solve

SOLVER = Solver(l2=[0.1, 0.01, 0.001, 0.0001], folds=5, rows=10_000)


@pytest.mark.parametrize(("classes", "share"), [(2, 0.05), (3, 0.1), (10, 0.02)])
def test_flipped_labels_are_found(classes: int, share: float) -> None:
    """At least three of four, over five draws, and hardly any that is right; none where none was flipped."""
    right = doubted = planted = 0
    for seed in range(5):
        draw = np.random.default_rng(seed)
        truth, groups = np.arange(400) % classes, [str(row) for row in range(400)]
        features = (draw.normal(size=(classes, 16)) * 2)[truth] + draw.normal(size=(400, 16))
        flipped = draw.permutation(400)[: int(400 * share)]
        answers = truth.copy()
        answers[flipped] = (truth[flipped] + 1) % classes
        actual = solve(features, answers, groups, classes, SOLVER, 1).label_issues
        right, doubted, planted = right + len({*actual} & {*flipped}), doubted + len(actual), planted + len(flipped)
        assert len(solve(features, truth, groups, classes, SOLVER, 1).label_issues) <= 4
    assert right >= 0.75 * planted
    assert right >= 0.9 * doubted


def test_what_the_model_knows_nothing_of_is_not_doubted() -> None:
    assert find_label_issues(np.full((6, 3), 1 / 3), np.array([0, 1, 2, 0, 1, 2])) == []


def test_a_label_no_row_has_is_no_rival() -> None:
    chances = np.array([[0.1, 0.0, 0.9], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    assert find_label_issues(chances, np.array([0, 0, 1])) == []


def test_a_head_is_the_same_after_it_was_kept_as_json() -> None:
    import json

    from satiety.heads.solver import LinearProbe

    head = solve(
        np.random.default_rng(0).normal(size=(40, 4)), np.arange(40) % 2, [str(i) for i in range(40)], 2, SOLVER, 1
    )
    repeated = LinearProbe.from_dict(json.loads(json.dumps(head.to_dict())))
    assert np.array_equal(repeated.weight, head.weight)
    assert np.array_equal(repeated.bias, head.bias)
    assert (repeated.l2, repeated.label_issues) == (head.l2, head.label_issues)
