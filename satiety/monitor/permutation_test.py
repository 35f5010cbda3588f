"""Reference and window -> permutation test of drift, by each detector and by all of them combined.

All detectors are evaluated on the same random divisions of the pooled texts. A p-value is the rank of the observed
division among them; the combined statistic averages the detectors' transformed ranks. Without drift the probability of
an alarm is at most ``alpha``, for any number of detectors and any dependence between them.

Sources: permutation tests are exact where the samples are exchangeable: Hoeffding 1952, Annals of Mathematical
Statistics 23:169; ranks combined within the same permutations: Pesarin & Salmaso 2010, Permutation Tests for Complex
Data, chapter 4; the combination: Liu & Xie 2020, arXiv:1808.09011 (Cauchy; only its statistic is used here).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from satiety.core.errors import DataError
from satiety.monitor.base import Detector

if TYPE_CHECKING:
    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats

MIN_TEXTS = 2
"""Smallest sample, in texts."""


@dataclass(frozen=True, slots=True)
class DetectorTest:
    """Test result of one detector."""

    difference: float
    threshold: float
    """Critical value: random divisions exceed it with probability ``alpha``."""
    p: float
    """Share of divisions that differ as much or more, including the observed one."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Test result of all detectors."""

    p: float
    """p-value of the combined test."""
    alarm: bool
    tests: Mapping[str, DetectorTest]


def compare(
    reference: TextSample,
    window: TextSample,
    detectors: Sequence[Detector],
    *,
    permutations: int,
    alpha: float,
    seed: int,
) -> Drift:
    """Test whether window and reference come from the same distribution.

    Args:
        reference: texts that the model was not trained on.
        window: texts of today.
        detectors: at most one of each kind.
        permutations: random divisions; ``alpha * (permutations + 1)`` should be a whole number.
        alpha: probability of a false alarm.
        seed: random seed of the divisions.

    Raises:
        DataError: a sample has fewer than two texts.
    """
    for name, sample in (("reference", reference), ("window", window)):
        if len(sample) < MIN_TEXTS:
            raise DataError(f"drift: the {name} has {len(sample)} texts, but at least {MIN_TEXTS} are needed")
    pooled, contrasts = window + reference, draw_contrasts(len(window), len(reference), permutations, seed)
    differences = {detector.kind: detector.differences(pooled, contrasts) for detector in detectors}
    p = float(compute_p_values(combine_ranks(list(differences.values())))[0])
    return Drift(p, p <= alpha, dict(_test_detectors(differences, alpha)))


def draw_contrasts(window: int, reference: int, count: int, seed: int) -> Floats:
    """Return contrasts, shape (count + 1, texts): the observed division, then random ones."""
    rng = np.random.default_rng(seed)
    observed = np.concatenate([np.full(window, 1 / window), np.full(reference, -1 / reference)])
    return np.stack([observed, *(rng.permutation(observed) for _ in range(count))])


def compute_p_values(differences: Floats) -> Floats:
    """Return the p-value of each division: the share that differs as much or more; shape as given."""
    from scipy.stats import rankdata

    p_values: Floats = rankdata(-differences, method="max") / len(differences)
    return p_values


def combine_ranks(differences: Sequence[Floats]) -> Floats:
    """Return one statistic for each division: the mean of its Cauchy-transformed mid-ranks over all detectors."""
    from scipy.stats import rankdata

    scores = [np.tan(((rankdata(values) - 0.5) / len(values) - 0.5) * np.pi) for values in differences]
    combined: Floats = np.stack(scores).mean(axis=0).round(9)  # ties stay ties in any order of summation
    return combined


def _test_detectors(differences: Mapping[str, Floats], alpha: float) -> Iterator[tuple[str, DetectorTest]]:
    for name, detector_differences in differences.items():
        threshold = float(np.quantile(detector_differences[1:], 1 - alpha, method="higher"))
        p = float(compute_p_values(detector_differences)[0])
        yield name, DetectorTest(float(detector_differences[0]), threshold, p)
