"""Equal distributions raise the alarm as rarely as promised; a change is found by the detector for it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from satiety.core.errors import DataError
from satiety.monitor import DETECTORS, TextSample, compare
from satiety.monitor.base import compare_rates, compute_ks_distance
from satiety.monitor.permutation_test import combine_ranks, compute_p_values, draw_contrasts
from satiety.monitor.sample import knn_distance

ALL = [DETECTORS[name].sample() for name in DETECTORS]
ENGLISH = ["the", "film", "was", "good", "bad", "fine", "long", "short", "loud", "quiet", "hotel", "room", "clean"]
CHINESE = ["这部", "电影", "很", "好看", "非常", "差劲", "房间", "干净", "服务", "热情", "价格", "便宜", "声音"]


def make_sample(
    count: int, seed: int, words: list[str] = ENGLISH, *, shift: float = 0.0, tilt: float = 0.0, length: int = 9
) -> TextSample:
    """Return texts of random words; embeddings around three centres, which are the classes."""
    draw, chance = np.random.default_rng(seed), random.Random(seed)
    classes = draw.choice(3, count, p=np.array([1 + tilt, 1, 1 - tilt]) / 3)
    vectors = np.eye(8)[classes] + 0.5 * draw.standard_normal((count, 8)) + shift
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    logits = 3 * vectors[:, :3]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gap = "" if words is CHINESE else " "
    texts = tuple(gap.join(chance.choices(words, k=chance.randint(3, length))) for _ in range(count))
    return TextSample(texts, vectors, scores, knn_distance(vectors, np.eye(8)[:3], 2))


def compare_window(window: TextSample, reference: TextSample, **changes: Any) -> Any:
    return compare(reference, window, ALL, **{"permutations": 199, "alpha": 0.05, "seed": 1} | changes)


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_equal_distributions_raise_a_false_alarm_in_a_twentieth_of_the_tests(
    words: list[str],
) -> None:
    """400 samples, 99 permutations each: a true rate of .05 gives 8 to 34 alarms with a probability of .9995."""
    alarms = dict.fromkeys(["together", *DETECTORS], 0)
    for i in range(400):
        texts = make_sample(90, i, words)
        drift = compare_window(
            texts.take(np.arange(30)), texts.take(np.arange(30, 90)), permutations=99, seed=10_000 + i
        )
        alarms["together"] += drift.alarm
        for name, test in drift.tests.items():
            alarms[name] += test.p <= 0.05
    assert all(8 <= count <= 34 for count in alarms.values()), alarms


@pytest.mark.parametrize(
    ("changes", "detectors"),
    [
        ({"shift": 0.5}, {"mmd", "knn_distance"}),
        ({"tilt": 0.9}, {"softmax", "labels", "mmd"}),
        ({"words": [*ENGLISH[:10], "lockdown", "vaccine"]}, {"vocabulary"}),
        ({"words": CHINESE}, {"vocabulary"}),
        ({"length": 40}, {"length"}),
    ],
)
def test_a_change_is_found_by_the_detectors_for_it(changes: dict[str, Any], detectors: set[str]) -> None:
    drift = compare_window(make_sample(150, 1, **changes), make_sample(300, 2))
    assert drift.alarm
    assert {name for name, test in drift.tests.items() if test.p <= 0.01} >= detectors
    for name in detectors:
        assert drift.tests[name].difference > drift.tests[name].threshold


def test_one_detector_with_a_finding_raises_the_alarm() -> None:
    alarms = [compare_window(make_sample(100, i, length=16), make_sample(300, 500 + i)) for i in range(20)]
    assert all(drift.tests["length"].p <= 0.05 for drift in alarms)
    assert sum(drift.alarm for drift in alarms) >= 17


def test_equal_seeds_give_equal_findings_in_any_order_of_detectors() -> None:
    window, reference = make_sample(40, 1, tilt=0.4), make_sample(80, 2)
    drift = compare_window(window, reference)
    reordered = compare(reference, window, ALL[::-1], permutations=199, alpha=0.05, seed=1)
    assert drift.p == reordered.p
    assert dict(drift.tests) == dict(reordered.tests)


@pytest.mark.parametrize(
    ("window", "reference", "message"), [(1, 9, "the window has 1"), (9, 0, "the reference has 0")]
)
def test_too_few_texts_are_refused(window: int, reference: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        compare_window(make_sample(9, 1).take(np.arange(window)), make_sample(9, 2).take(np.arange(reference)))


def test_identical_texts_show_no_drift() -> None:
    texts = TextSample(("很好",) * 40, np.ones((40, 4)) / 2, np.full((40, 2), 0.5), np.zeros(40))
    drift = compare_window(texts.take(np.arange(15)), texts.take(np.arange(15, 40)))
    assert (drift.p, drift.alarm) == (1.0, False)
    assert {test.p for test in drift.tests.values()} == {1.0}


def test_the_ks_distance_equals_that_of_scipy() -> None:
    from scipy.stats import ks_2samp

    draw = np.random.default_rng(1)
    values = draw.integers(0, 9, 60).astype(float)
    contrasts = draw_contrasts(20, 40, 3, 1)
    for row, gap in zip(contrasts, compute_ks_distance(values, contrasts), strict=True):
        assert gap == pytest.approx(ks_2samp(values[row > 0], values[row < 0]).statistic)


def test_the_comparison_of_rates_equals_the_chi_square_of_pearson() -> None:
    from scipy.sparse import csr_matrix
    from scipy.stats import chi2_contingency

    marks, contrasts = np.random.default_rng(1).integers(0, 2, (60, 1)), draw_contrasts(20, 40, 3, 1)
    for row, statistic in zip(contrasts, compare_rates(csr_matrix(marks), contrasts), strict=True):
        table = [[marks[row > 0].sum(), (1 - marks[row > 0]).sum()], [marks[row < 0].sum(), (1 - marks[row < 0]).sum()]]
        assert statistic / (1 / 20 + 1 / 40) == pytest.approx(chi2_contingency(table, correction=False).statistic)


def test_ranks_count_ties_against_drift() -> None:
    assert compute_p_values(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [0.5, 1.0, 0.5, 0.75]
    assert compute_p_values(np.ones(4)).tolist() == [1.0] * 4
    statistics = np.random.default_rng(1).random(50)
    assert (np.argsort(combine_ranks([statistics])) == np.argsort(statistics)).all(), (
        "of one detector it is its own order"
    )
