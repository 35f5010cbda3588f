"""Objectives one by one: what they add to the loss of the labelled examples, without the targets of raw texts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from satiety.heads import HEADS
from satiety.training.encoder import load_encoder
from satiety.tuning import OBJECTIVES
from satiety.tuning.inputs import Batch
from satiety.tuning.model import Model
from satiety.tuning.objectives import Update
from satiety.tuning.objectives.consistency import Consistency
from satiety.tuning.objectives.fgm import FastGradient
from satiety.tuning.objectives.mixup import Mixup

IDS = torch.tensor([[2, 7, 8, 9, 3], [2, 11, 12, 3, 0]])
BATCH = Batch(IDS, (IDS > 0).long(), torch.tensor([0, 1]))


@pytest.fixture
def model(tiny: Path) -> Model:
    """A model in evaluation mode, so that only the objective draws random numbers."""
    torch.manual_seed(3)
    return Model(load_encoder(tiny), HEADS["text"](), 2, pooling="mean", dropout=0.0).eval()


Make = Callable[..., Update]


@pytest.fixture
def make_update(model: Model) -> Make:
    def make(raw: Batch = BATCH, seed: int = 1) -> Update:
        return Update(model, BATCH, lambda _: raw, np.random.default_rng(seed))

    return make


def test_supervised_is_the_loss_of_the_head(make_update: Make, model: Model) -> None:
    expected = torch.nn.functional.cross_entropy(model(BATCH), BATCH.targets)
    assert OBJECTIVES["supervised"].sample().loss(make_update()).item() == pytest.approx(expected.item())


def test_mixup_lies_between_the_two_examples(make_update: Make, model: Model) -> None:
    """With a share of one, nothing is mixed; with a half, the loss is the mean of the losses of both targets."""

    class Fixed:
        def __init__(self, share: float) -> None:
            self.share = share

        def beta(self, *_: float) -> float:
            return self.share

        def permutation(self, count: int) -> np.ndarray:
            return np.arange(count)[::-1].copy()

    mixup = Mixup(alpha=0.2)
    baseline = make_update().compute_supervised_loss().item()
    assert mixup.loss(replace(make_update(), rng=Fixed(1.0))).item() == pytest.approx(baseline)  # type: ignore[arg-type]

    outputs = model.outputs(model.features(BATCH).mean(0, keepdim=True).expand(2, -1))
    half = torch.stack([torch.nn.functional.cross_entropy(outputs, torch.tensor(t)) for t in ([0, 1], [1, 0])]).mean()
    assert mixup.loss(replace(make_update(), rng=Fixed(0.5))).item() == pytest.approx(half.item())  # type: ignore[arg-type]


def test_the_loss_of_fgm_grows_with_epsilon(make_update: Make) -> None:
    baseline = make_update().compute_supervised_loss().item()
    added = [FastGradient(epsilon=epsilon).loss(make_update()).item() - baseline for epsilon in (1e-6, 0.1, 0.5)]
    assert added[0] == pytest.approx(baseline, abs=1e-4)
    assert baseline < added[1] < added[2]


def test_fgm_changes_no_weight_and_leaves_no_hook(make_update: Make, model: Model) -> None:
    initial = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    FastGradient(epsilon=0.5).loss(make_update()).backward()
    assert all(torch.equal(weight, initial[name]) for name, weight in model.named_parameters())
    assert not model.encoder.get_input_embeddings()._forward_hooks


def test_consistency_ignores_the_targets_of_raw_texts(make_update: Make) -> None:
    objective = Consistency(weight=1.0, hidden=0.4, texts=2)
    ids = torch.tensor([[2, 7, 9, 8, 12, 3], [2, 8, 8, 3, 0, 0]])
    losses = [
        objective.loss(make_update(Batch(ids, (ids > 0).long(), torch.tensor(targets)))).item()
        for targets in ([0, 0], [1, 1], [-100, -100])
    ]
    assert losses[0] == losses[1] == losses[2]


def test_the_loss_of_consistency_grows_with_the_hidden_share(make_update: Make) -> None:
    baseline = make_update().compute_supervised_loss().item()
    added = [
        np.mean(
            [
                Consistency(weight=1.0, hidden=hidden, texts=2).loss(make_update(seed=s)).item() - baseline
                for s in range(20)
            ]
        )
        for hidden in (1e-9, 0.2, 0.8)
    ]
    assert added[0] == pytest.approx(0, abs=1e-6)
    assert 0 < added[1] < added[2]


@pytest.mark.parametrize("name", list(HEADS))
def test_the_divergence_of_equals_is_zero_and_of_others_positive(name: str) -> None:
    head, generator = HEADS[name].sample(), torch.Generator().manual_seed(2)
    shape = {"score": (4, 1), "token": (4, 6, 3)}.get(name, (4, 3))
    first, second = torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)
    assert head.divergence(first, first).abs().max() < 1e-6
    assert head.divergence(first, second).min() > 0
    assert head.divergence(first, second).shape == ((4, 6) if name == "token" else (4,))
