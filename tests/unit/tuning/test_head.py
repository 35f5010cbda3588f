"""The solved head: invariance to copies and scale, folds without leaks, rare classes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from satiety.heads.solver import Solver, solve

Floats = NDArray[np.floating[Any]]
SOLVER = Solver(l2=[1.0, 0.1, 0.01, 0.001], folds=4, rows=10_000)
FIXED = Solver(l2=[0.01], folds=4, rows=10_000)


def make_blobs(
    rows: int, classes: int, seed: int = 0, noise: float = 1.0
) -> tuple[Floats, NDArray[np.int64], list[str]]:
    draw = np.random.default_rng(seed)
    answers = np.arange(rows) % classes
    middles = draw.normal(size=(classes, 16)) * 2
    return middles[answers] + noise * draw.normal(size=(rows, 16)) + 5, answers, [str(i) for i in range(rows)]


def compute_accuracy(head: Any, features: Floats, answers: NDArray[np.int64]) -> float:
    return float(((features @ head.weight.T + head.bias).argmax(1) == answers).mean())


@pytest.mark.parametrize("classes", [2, 5])
def test_separable_classes_are_separated(classes: int) -> None:
    features, answers, groups = make_blobs(100, classes)
    assert compute_accuracy(solve(features, answers, groups, classes, SOLVER, 1), features, answers) > 0.97


@pytest.mark.parametrize("classes", [2, 3])
def test_copies_of_all_examples_do_not_change_the_head(classes: int) -> None:
    features, answers, groups = make_blobs(60, classes, noise=4.0)
    once = solve(features, answers, groups, classes, SOLVER, 1)
    copied = solve(np.tile(features, (4, 1)), np.tile(answers, 4), groups * 4, classes, SOLVER, 1)
    assert copied.l2 == once.l2
    np.testing.assert_allclose(copied.weight, once.weight, atol=1e-3)


def test_the_scale_and_the_place_of_the_features_change_no_answer() -> None:
    features, answers, groups = make_blobs(60, 3, noise=4.0)
    baseline, shifted = (solve(part, answers, groups, 3, SOLVER, 1) for part in (features, 1000 * features - 70))
    assert shifted.l2 == baseline.l2
    np.testing.assert_allclose(
        (1000 * features - 70) @ shifted.weight.T + shifted.bias,
        features @ baseline.weight.T + baseline.bias,
        atol=0.05,
    )


def test_noise_raises_the_chosen_penalty() -> None:
    clear, noisy = make_blobs(80, 3, noise=0.3), make_blobs(80, 3, noise=30.0)
    assert solve(*noisy, 3, SOLVER, 1).l2 > solve(*clear, 3, SOLVER, 1).l2


def test_copies_of_a_held_out_example_are_held_out_too() -> None:
    """Labels are random, so only copies that leak between folds make a weak penalty look good."""
    features, _, groups = make_blobs(40, 2, noise=3.0)
    answers = np.random.default_rng(5).integers(0, 2, 40)
    copies, labels = np.tile(features, (5, 1)), np.tile(answers, 5)
    grouped = solve(copies, labels, groups * 5, 2, SOLVER, 1)
    leaked = solve(copies, labels, [str(i) for i in range(200)], 2, SOLVER, 1)
    assert grouped.l2 > leaked.l2


def test_a_class_without_an_example_is_never_answered() -> None:
    features, answers, groups = make_blobs(40, 2)
    head = solve(features, answers * 2, groups, 4, FIXED, 1)
    original = set((features @ head.weight.T + head.bias).argmax(1).tolist())
    assert head.weight.shape == (4, 16)
    assert original == {0, 2}


def test_a_class_with_one_example_gives_finite_weights() -> None:
    features, answers, groups = make_blobs(12, 3)
    answers[:] = 0
    answers[-1], answers[-2], answers[-3] = 1, 2, 2
    head = solve(features, answers, groups, 3, SOLVER, 1)
    assert np.isfinite(head.weight).all()
    assert np.isfinite(head.bias).all()


def test_many_classes_of_few_rows_raise_no_warning() -> None:
    features, answers, groups = make_blobs(30, 20)
    assert compute_accuracy(solve(features, answers, groups, 20, SOLVER, 1), features, answers) > 0.9


def test_a_seeded_sample_of_too_many_rows_is_used() -> None:
    features, answers, groups = make_blobs(400, 3, noise=5.0)
    few = Solver(l2=[0.01], folds=2, rows=100)
    first, repeated, reseeded = (solve(features, answers, groups, 3, few, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.weight, repeated.weight)
    assert not np.allclose(first.weight, reseeded.weight)
