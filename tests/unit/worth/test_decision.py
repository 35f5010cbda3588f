"""How many labels would make a gain sure: where that many are there, it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from satiety.evaluate.bootstrap import Interval
from satiety.worth import decision as module
from satiety.worth.decision import estimate_sample_size
from satiety.worth.resample import BootstrapSamples
from satiety.worth.verdicts import SimultaneousBand
from tests.unit.worth.material import AUGMENT, PSEUDO, worth

SETS = (("augment",), ("self_training",))


def made(monkeypatch: pytest.MonkeyPatch, gain: float, pool: float, rest: float, labels: int = 240) -> Any:
    """Return findings in which `pseudo` gains this, unsure by the pool's luck and by the rest."""
    rng = np.random.default_rng(1)
    luck, other = pool * rng.normal(size=20_000), rest * rng.normal(size=20_000)
    drawn = BootstrapSamples.from_draws(np.array([0.0, gain]), np.stack([luck, gain + luck + other], axis=1))
    monkeypatch.setattr(module, "compute_gain", lambda _scores, _levers: drawn)
    return SimpleNamespace(
        gains={
            levers: [Interval(0, 0, 0), Interval(gain if levers == ("self_training",) else -0.1, 0, 0)]
            for levers in SETS
        },
        plan=SimpleNamespace(params=worth(levers=[AUGMENT, PSEUDO])),
        scores=SimpleNamespace(budgets=(120, labels), pool_noise={("self_training",): luck}),
        band=SimultaneousBand(3.0),
        max_budget=labels,
    )


def test_with_so_many_labels_the_interval_would_just_leave_zero_out(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = estimate_sample_size(made(monkeypatch, 0.04, 0.02, 0.005), SETS)
    assert needed is not None
    assert needed.levers == ("self_training",)
    assert needed.labels == pytest.approx(240 * 0.02**2 / ((0.04 / 3) ** 2 - 0.005**2), rel=0.05)
    then = np.sqrt(0.02**2 * 240 / needed.labels + 0.005**2)
    assert 3 * then == pytest.approx(0.04, rel=0.05)


def test_where_the_test_examples_alone_leave_it_open_no_number_does(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = estimate_sample_size(made(monkeypatch, 0.04, 0.02, 0.02), SETS)
    assert needed is not None
    assert needed.labels is None


def test_what_does_not_look_worth_it_needs_no_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    assert estimate_sample_size(made(monkeypatch, 0.005, 0.02, 0.005), SETS) is None
    assert estimate_sample_size(made(monkeypatch, 0.04, 0.02, 0.005), ()) is None
