"""How many labels a gain needs to be confirmed."""

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


def build_findings(
    monkeypatch: pytest.MonkeyPatch, gain: float, pool_spread: float, other_spread: float, labels: int = 240
) -> Any:
    """Return findings in which self-training gains this, with noise of the pool and other noise."""
    rng = np.random.default_rng(1)
    pool_noise, other_noise = pool_spread * rng.normal(size=20_000), other_spread * rng.normal(size=20_000)
    gain_samples = BootstrapSamples.from_draws(
        np.array([0.0, gain]), np.stack([pool_noise, gain + pool_noise + other_noise], axis=1)
    )
    monkeypatch.setattr(module, "compute_gain", lambda _scores, _levers: gain_samples)
    return SimpleNamespace(
        gains={
            levers: [Interval(0, 0, 0), Interval(gain if levers == ("self_training",) else -0.1, 0, 0)]
            for levers in SETS
        },
        plan=SimpleNamespace(params=worth(levers=[AUGMENT, PSEUDO])),
        scores=SimpleNamespace(budgets=(120, labels), pool_noise={("self_training",): pool_noise}),
        band=SimultaneousBand(3.0),
        max_budget=labels,
    )


def test_sample_size_makes_the_interval_just_exclude_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    sample_size = estimate_sample_size(build_findings(monkeypatch, 0.04, 0.02, 0.005), SETS)
    assert sample_size is not None
    assert sample_size.levers == ("self_training",)
    assert sample_size.labels == pytest.approx(240 * 0.02**2 / ((0.04 / 3) ** 2 - 0.005**2), rel=0.05)
    standard_error = np.sqrt(0.02**2 * 240 / sample_size.labels + 0.005**2)
    assert 3 * standard_error == pytest.approx(0.04, rel=0.05)


def test_no_sample_size_where_the_test_set_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    sample_size = estimate_sample_size(build_findings(monkeypatch, 0.04, 0.02, 0.02), SETS)
    assert sample_size is not None
    assert sample_size.labels is None


def test_no_sample_size_for_levers_not_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert estimate_sample_size(build_findings(monkeypatch, 0.005, 0.02, 0.005), SETS) is None
    assert estimate_sample_size(build_findings(monkeypatch, 0.04, 0.02, 0.005), ()) is None
