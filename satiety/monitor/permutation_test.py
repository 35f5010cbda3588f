"""A reference and a window of traffic -> has anything moved, by each detector and by all of them together.

Every detector sees the same random divisions of the two samples' texts. Its p-value is the rank of the division that
happened among them; so is that of all together, whose statistic combines the detectors' own ranks. Of windows like the
reference, at most a share ``alpha`` raises the alarm, however many detectors there are and however alike they are.

Sources: permutation tests are exact where the samples are exchangeable: Hoeffding 1952, Annals of Mathematical
Statistics 23:169; ranks combined within the same permutations: Pesarin & Salmaso 2010, Permutation Tests for Complex
Data, chapter 4; the combination: Liu & Xie 2020, arXiv:1808.09011 (Cauchy), of which only the statistic is used here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from satiety.core.errors import DataError
from satiety.monitor.base import Detector

if TYPE_CHECKING:
    from satiety.monitor.sample import TextSample
    from satiety.problems.base import Floats

LEAST = 2
"""Texts of a sample, at least."""
SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


@dataclass(frozen=True, slots=True)
class DetectorTest:
    """What one detector says."""

    difference: float
    threshold: float
    """What windows like the reference exceed in a share ``alpha``."""
    p: float
    """Share of divisions that differ as much or more, the one that happened among them."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What all detectors say."""

    p: float
    """Of all together."""
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
    """Say whether the window's texts are like the reference's.

    Args:
        reference: texts that the model has not learned from.
        window: texts of today.
        detectors: each of its own kind.
        permutations: random ones, beside the one that happened; ``alpha * (divisions + 1)`` should be a whole number.
        alpha: share of false alarms.
        seed: of the divisions.

    Raises:
        DataError: a sample has fewer than two texts.
    """
    for name, sample in (("reference", reference), ("window", window)):
        if len(sample) < LEAST:
            raise DataError(f"drift: the {name} has {len(sample)} texts; it takes {LEAST} or more")
    pooled, contrasts = window + reference, draw_contrasts(len(window), len(reference), permutations, seed)
    differences = {detector.kind: detector.differences(pooled, contrasts) for detector in detectors}
    p = float(compute_p_values(combine_ranks(list(differences.values())))[0])
    return Drift(p, p <= alpha, dict(_test_detectors(differences, alpha)))


def draw_contrasts(window: int, reference: int, count: int, seed: int) -> Floats:
    """Return contrasts, shape (count + 1, texts): first the division that happened, then random ones."""
    rng = np.random.default_rng(seed)
    observed = np.concatenate([np.full(window, 1 / window), np.full(reference, -1 / reference)])
    return np.stack([observed, *(rng.permutation(observed) for _ in range(count))])


def compute_p_values(differences: Floats) -> Floats:
    """Return the p-value of each division: the share that differs as much or more; shape as given."""
    sorted_differences = np.sort(differences)
    p_values: Floats = (len(sorted_differences) - np.searchsorted(sorted_differences, differences, side="left")) / len(
        sorted_differences
    )
    return p_values


def combine_ranks(differences: Sequence[Floats]) -> Floats:
    """Return one statistic for each division: the mean of its Cauchy-transformed mid-ranks over all detectors."""
    scores: list[Floats] = []
    for detector_differences in differences:
        sorted_differences = np.sort(detector_differences)
        below, at_most = (np.searchsorted(sorted_differences, detector_differences, side=side) for side in SIDES)
        scores.append(np.tan(((below + at_most) / 2 / len(sorted_differences) - 0.5) * np.pi))
    combined: Floats = np.stack(scores).mean(axis=0).round(9)  # ties stay ties, in whatever order they were summed
    return combined


def _test_detectors(differences: Mapping[str, Floats], alpha: float) -> Iterator[tuple[str, DetectorTest]]:
    for name, detector_differences in differences.items():
        threshold = float(np.quantile(detector_differences[1:], 1 - alpha, method="higher"))
        yield (
            name,
            DetectorTest(float(detector_differences[0]), threshold, float(compute_p_values(detector_differences)[0])),
        )
