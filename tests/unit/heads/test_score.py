"""The head over numbers: its loss, and the ridge regression that it starts from."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from satiety.core.errors import ModelError
from satiety.heads import HEADS
from satiety.heads.solver import Solver
from satiety.problems import PROBLEMS, Window

HEAD = HEADS["score"]()


def make_solver(*strengths: float) -> Solver:
    return Solver(l2=list(strengths), folds=5, rows=1000)


def make_data(count: int, noise: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(count)
    features = rng.normal(size=(count, 30))
    return features, 100 + 50 * (features[:, 0] + noise * rng.normal(size=count)), [str(i) for i in range(count)]


@pytest.mark.parametrize("count", [12, 200])
def test_the_solved_head_equals_the_ridge_of_sklearn(count: int) -> None:
    features, targets, groups = make_data(count, 0.1)
    actual = HEAD.solve(features, targets, groups, 1, make_solver(0.1), 1, np.ones(count, dtype=bool))
    middle = features.mean(0)
    scale = float(np.sqrt(((features - middle) ** 2).sum(1).mean()))
    expected = Ridge(alpha=0.1 * count).fit((features - middle) / scale, targets)
    np.testing.assert_allclose(
        features @ actual.weight[0] + actual.bias[0], expected.predict((features - middle) / scale)
    )


def test_noise_raises_the_chosen_strength() -> None:
    many = make_solver(1.0, 0.1, 0.01, 0.001)
    clear, noisy = (HEAD.solve(*make_data(60, noise), 1, many, 1, np.ones(60, dtype=bool)).l2 for noise in (0.01, 3.0))
    assert clear < noisy


def test_rows_outside_the_mask_do_not_choose_the_penalty() -> None:
    features, targets, groups = make_data(60, 0.01)
    wild = np.concatenate([targets, 100 + np.random.default_rng(1).normal(size=60) * 50])
    judged = np.arange(120) < 60
    pair = np.concatenate([features, features]), wild, [*groups, *(f"p{i}" for i in range(60))]
    assert HEAD.solve(*pair, 1, make_solver(1.0, 0.001), 1, judged).l2 == 0.001
    assert HEAD.solve(*pair, 1, make_solver(1.0, 0.001), 1, ~judged).l2 == 1.0


def test_the_loss_is_the_mean_squared_error_of_windows_with_a_number() -> None:
    targets = HEAD.targets([Window(0, [2, 3], [2.0]), Window(1, [2, 3], []), Window(2, [2, 3], [4.0])], 2)
    loss = HEAD.loss(torch.tensor([[1.0], [9.0], [6.0]]), targets)
    assert loss.item() == pytest.approx((1 + 4) / 2)
    with pytest.raises(ModelError, match="only unlabelled texts"):
        HEAD.loss(torch.zeros(1, 1), HEAD.targets([Window(0, [2], [])], 1))


def test_a_target_that_is_no_number_is_named() -> None:
    with pytest.raises(ModelError, match="is not a finite number"):
        HEAD.check(Window(0, [2, 3], [float("nan")]), PROBLEMS["regress"].sample())
    assert not HEAD.has_target(Window(0, [2, 3], []))
