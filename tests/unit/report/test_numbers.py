"""How numbers are written."""

import pytest

from satiety.report import numbers


@pytest.mark.parametrize(
    ("value", "text"), [(0.0312, "+0.031"), (-0.0312, "−0.031"), (0.0001, "0.000"), (-0.0004, "0.000"), (None, "–")]
)
def test_a_difference_has_a_sign(value: float | None, text: str) -> None:
    assert numbers.signed(value) == text


def test_an_interval_stays_on_one_line() -> None:
    assert " " not in numbers.interval("fewer than 15", "28")
    reading = {"value": 0.5, "low": 0.4, "high": 0.6}
    assert numbers.estimate(reading).replace(numbers.NO_BREAK_SPACE, " ") == "0.500 [0.400, 0.600]"
    assert numbers.bounds(reading, "percent").replace(numbers.NO_BREAK_SPACE, " ") == "[40%, 60%]"


def test_counts_and_shares_are_formatted() -> None:
    assert (numbers.count(2000.4), numbers.percent(0.05), numbers.tenths(0.094)) == ("2,000", "5%", "9.4%")
    assert (numbers.whole(-7.1), numbers.score(None)) == ("−7", "–")


def test_words_in_backticks_are_code_and_the_rest_is_escaped() -> None:
    assert numbers.coded("a < `b <` c") == "a &lt; <code>b &lt;</code> c"
