"""The head over several labels: its loss, and its solution."""

import numpy as np
import pytest
import torch

from satiety.core.errors import ModelError
from satiety.heads import HEADS
from satiety.heads.solver import Solver, solve
from satiety.problems import PROBLEMS, Window

HEAD = HEADS["labels"]()
SOLVER = Solver(l2=[0.1, 0.01], folds=5, rows=1000)


def test_each_label_is_solved_against_the_rest() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(60, 10))
    targets = (features[:, :2] + 0.3 * rng.normal(size=(60, 2)) > 0).astype(float)
    groups, judged = [str(i) for i in range(60)], np.ones(60, dtype=bool)
    actual = HEAD.solve(features, targets, groups, 2, SOLVER, 1, judged)
    probe = solve(features, targets[:, 1].astype(np.int64), groups, 2, SOLVER, 1, judged)
    np.testing.assert_allclose(actual.weight[1], probe.weight[1] - probe.weight[0])
    assert actual.held_out.shape == (60, 2)
    assert ((actual.held_out > 0.5) == targets).mean() > 0.8
    assert not len(probe.held_out), "returned with keep_held_out only"


def test_the_loss_is_binary_and_skips_windows_without_an_answer() -> None:
    targets = HEAD.targets([Window(0, [2, 3], [1.0, 0.0]), Window(1, [2, 3], [])], 2)
    loss = HEAD.loss(torch.zeros(2, 2), targets)
    assert loss.item() == pytest.approx(np.log(2))
    with pytest.raises(ModelError, match="only unlabelled texts"):
        HEAD.loss(torch.zeros(1, 2), HEAD.targets([Window(0, [2], [])], 1))


@pytest.mark.parametrize("targets", [[1.0], [0.5, 1.0], [1.0, 0.0, 1.0]])
def test_targets_that_fit_no_label_set_are_refused(targets: list[float]) -> None:
    with pytest.raises(ModelError, match="multilabel needs 2 targets of 0 or 1"):
        HEAD.check(Window(0, [2, 3], targets), PROBLEMS["multilabel"].sample())
