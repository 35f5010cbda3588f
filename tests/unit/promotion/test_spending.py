"""All comparisons on one test set together spend less than its alpha."""

import itertools

import numpy as np
import pytest

from satiety.evaluate.bootstrap import Interval
from satiety.promotion.alpha_spending import InterimAnalyses, InterimAnalysis
from satiety.promotion.judge import Evidence, SystemComparison, judge
from satiety.promotion.paired_bootstrap import PairedMetric
from tests.unit.promotion.made import params

TOTAL = 0.025
CHALLENGERS, WORLDS, TEXTS = 25, 500, 500


def test_the_alphas_of_all_comparisons_sum_to_less_than_the_total() -> None:
    spent = list(itertools.accumulate(InterimAnalysis(number, TOTAL).alpha for number in range(1, 1000)))
    assert spent[0] == TOTAL / 2
    assert spent[-1] < TOTAL
    assert [1 - total / TOTAL for total in spent] == pytest.approx(
        [InterimAnalysis(k, TOTAL).remaining for k in range(1, 1000)]
    )


def test_the_whole_alpha_is_left_before_the_first_comparison() -> None:
    assert InterimAnalysis(0, TOTAL).remaining == 1


def worlds() -> np.ndarray:
    """Return z-values of 25 challengers that are as good as their champion, all met on the champion's own test set.

    Shape (worlds, challengers). A champion is right on eight texts of ten; a challenger agrees with it on most.
    """
    draw, found = np.random.default_rng(7), np.zeros((WORLDS, CHALLENGERS, 2))
    for world in found:
        champion = draw.random(TEXTS) < 0.8
        own = draw.random((CHALLENGERS, TEXTS)) < 0.8
        apart = np.where(draw.random((CHALLENGERS, TEXTS)) < 0.3, own, champion) * 1.0 - champion
        world[:, 0], world[:, 1] = apart.mean(axis=1), apart.std(axis=1) / np.sqrt(TEXTS)
    return found


def promoted(difference: float, error: float, luck: float, number: int, *, paid: bool) -> bool:
    """Return whether an equal challenger is promoted: by its score, or by a calibration that is equal too."""
    score = PairedMetric(Interval(0.8, 0, 1), Interval(0.8 + difference, 0, 1), error, TEXTS)
    trust = PairedMetric(Interval(0.05, 0, 1), Interval(0.05 + 0.01 * luck, 0, 1), 0.01, TEXTS)
    look = InterimAnalysis(number if paid else 1, TOTAL if paid else 2 * TOTAL)
    return judge(
        Evidence(SystemComparison(score, {}), None, trust, (100, 100)), InterimAnalyses(look), params(margin=0.4)
    ).promote


def test_of_twenty_five_equal_challengers_on_one_test_set_hardly_ever_one_is_promoted() -> None:
    draw, found = np.random.default_rng(8), worlds()
    luck = draw.normal(size=found.shape[:2])
    wrong = {
        paid: sum(
            any(promoted(*found[w, c], luck[w, c], c + 1, paid=paid) for c in range(CHALLENGERS)) for w in range(WORLDS)
        )
        for paid in (False, True)
    }
    assert wrong[True] / WORLDS <= TOTAL + 2 * (TOTAL / WORLDS) ** 0.5  # two standard errors of such a share
    assert wrong[False] / WORLDS > 0.2  # without alpha spending, so the test can fail


def test_critical_values_grow_slowly_with_the_number_of_comparisons() -> None:
    def reach(number: int) -> float:
        pair = PairedMetric(Interval(0, 0, 0), Interval(0, 0, 0), 1.0, 100)
        return pair.interval(InterimAnalysis(number, TOTAL).alpha).high

    assert reach(1) == pytest.approx(2.241, abs=0.001)
    assert reach(52) == pytest.approx(4.286, abs=0.01)  # a year of weekly looks doubles what a difference must be
