"""Expected calibration error: by hand, at its extremes, and without answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.evaluate.calibration import Bin, calibrate


def test_the_error_is_the_weighted_gap_of_the_bins() -> None:
    calibration = calibrate([(0.95, True), (0.85, False), (0.95, True), (0.15, False)], bins=5)
    assert calibration.ece == pytest.approx((3 * abs(2 / 3 - 2.75 / 3) + 1 * 0.15) / 4)
    assert [calibration_bin.count for calibration_bin in calibration.bins] == [1, 3]
    assert (calibration.answers, calibration.accuracy, calibration.confidence) == (4, 0.5, pytest.approx(0.725))


def test_confidence_that_is_always_right_has_no_error() -> None:
    outcomes = [(0.75, i % 4 > 0) for i in range(100)]
    assert calibrate(outcomes, bins=10).ece == pytest.approx(0)


def test_certainty_that_is_always_wrong_has_the_whole_error() -> None:
    assert calibrate([(1.0, False)] * 3, bins=15).ece == 1


def test_an_edge_belongs_to_the_bin_below_and_zero_to_the_first() -> None:
    assert calibrate([(0.5, True), (0.4, True)], bins=2).bins == (Bin(pytest.approx(0.45), 1.0, 2),)
    assert calibrate([(0.0, False)], bins=2).bins == (Bin(0.0, 0.0, 1),)


def test_no_answers_have_zero_error_and_no_nan() -> None:
    calibration = calibrate([], bins=15)
    assert (calibration.ece, calibration.answers, calibration.confidence, calibration.accuracy, calibration.bins) == (
        0,
        0,
        0,
        0,
        (),
    )


@pytest.mark.parametrize("confidence", [1.2, -0.1, float("nan")])
def test_a_confidence_is_a_probability(confidence: float) -> None:
    with pytest.raises(ValueError, match=r"confidence must be in \[0, 1\], got"):
        calibrate([(confidence, True)], bins=10)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans())), st.integers(2, 30))
def test_no_answer_is_lost_among_the_bins(outcomes: list[tuple[float, bool]], bins: int) -> None:
    calibration = calibrate(outcomes, bins)
    assert sum(calibration_bin.count for calibration_bin in calibration.bins) == len(outcomes)
    assert 0 <= calibration.ece <= 1
    assert [calibration_bin.confidence for calibration_bin in calibration.bins] == sorted(
        calibration_bin.confidence for calibration_bin in calibration.bins
    )
