"""All comparisons on one test set together spend less than its alpha."""

import itertools

import numpy as np
import pytest

from satiety.evaluate.bootstrap import Interval
from satiety.promotion.alpha_spending import InterimAnalyses, InterimAnalysis
from satiety.promotion.judge import Evidence, SystemComparison, judge
from satiety.promotion.paired_bootstrap import PairedMetric
from tests.unit.promotion.evidence import make_params

TOTAL = 0.025
CHALLENGERS, TEST_SETS, TEXTS = 25, 500, 500


def test_the_alphas_of_all_comparisons_sum_to_less_than_the_total() -> None:
    spent = list(itertools.accumulate(InterimAnalysis(number, TOTAL).alpha for number in range(1, 1000)))
    assert spent[0] == TOTAL / 2
    assert spent[-1] < TOTAL
    assert [1 - total / TOTAL for total in spent] == pytest.approx(
        [InterimAnalysis(k, TOTAL).remaining for k in range(1, 1000)]
    )


def test_the_whole_alpha_is_left_before_the_first_comparison() -> None:
    assert InterimAnalysis(0, TOTAL).remaining == 1


def simulate_test_sets() -> np.ndarray:
    """Return differences and standard errors of 25 challengers as good as their champion, on its test set.

    Shape (test sets, challengers, 2). A champion is right on eight texts of ten; a challenger agrees with it on most.
    """
    draw, statistics = np.random.default_rng(7), np.zeros((TEST_SETS, CHALLENGERS, 2))
    for test_set in statistics:
        champion = draw.random(TEXTS) < 0.8
        independent = draw.random((CHALLENGERS, TEXTS)) < 0.8
        differences = np.where(draw.random((CHALLENGERS, TEXTS)) < 0.3, independent, champion) * 1.0 - champion
        test_set[:, 0], test_set[:, 1] = differences.mean(axis=1), differences.std(axis=1) / np.sqrt(TEXTS)
    return statistics


def is_promoted(difference: float, error: float, luck: float, number: int, *, spends_alpha: bool) -> bool:
    """Return whether an equal challenger is promoted: by its score, or by a calibration that is equal too."""
    score = PairedMetric(Interval(0.8, 0, 1), Interval(0.8 + difference, 0, 1), error, TEXTS)
    trust = PairedMetric(Interval(0.05, 0, 1), Interval(0.05 + 0.01 * luck, 0, 1), 0.01, TEXTS)
    analysis = InterimAnalysis(number if spends_alpha else 1, TOTAL if spends_alpha else 2 * TOTAL)
    return judge(
        Evidence(SystemComparison(score, {}), None, trust, (100, 100)),
        InterimAnalyses(analysis),
        make_params(margin=0.4),
    ).promote


def test_of_25_equal_challengers_on_one_test_set_one_is_rarely_promoted() -> None:
    draw, statistics = np.random.default_rng(8), simulate_test_sets()
    luck = draw.normal(size=statistics.shape[:2])
    promotion_counts = {
        spends_alpha: sum(
            any(
                is_promoted(*statistics[w, c], luck[w, c], c + 1, spends_alpha=spends_alpha) for c in range(CHALLENGERS)
            )
            for w in range(TEST_SETS)
        )
        for spends_alpha in (False, True)
    }
    assert (
        promotion_counts[True] / TEST_SETS <= TOTAL + 2 * (TOTAL / TEST_SETS) ** 0.5
    )  # two standard errors of such a share
    assert promotion_counts[False] / TEST_SETS > 0.2  # without alpha spending, so the test can fail


def test_critical_values_grow_slowly_with_the_number_of_comparisons() -> None:
    def compute_critical_value(number: int) -> float:
        pair = PairedMetric(Interval(0, 0, 0), Interval(0, 0, 0), 1.0, 100)
        return pair.interval(InterimAnalysis(number, TOTAL).alpha).high

    assert compute_critical_value(1) == pytest.approx(2.241, abs=0.001)
    assert compute_critical_value(52) == pytest.approx(4.286, abs=0.01)  # double, after a year of weekly comparisons
