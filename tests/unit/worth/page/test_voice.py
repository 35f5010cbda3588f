"""How numbers are said."""

from typing import Any

import pytest

from satiety.worth.page.voice import GAP, Voice

ENGLISH, CHINESE = Voice("en", 15, 240), Voice("zh", 15, 240)


def reading(value: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high}


@pytest.mark.parametrize(
    ("worth", "english", "chinese"),
    [
        (reading(93.0, 61.2, 139.8), "93 labels [61, 140]", "93 条标注 [61, 140]"),
        (reading(93.0, 0.0, None), "93 labels [fewer than 15, more than 240]", "93 条标注 [不到 15, 超过 240]"),
        (reading(None, 150.0, None), "more than 240 labels [150, more than 240]", "超过 240 条标注 [150, 超过 240]"),
        (reading(None, None, None), "more than 240 labels", "超过 240 条标注"),
        (reading(0.0, 0.0, 0.0), "fewer than 15 labels", "不到 15 条标注"),
    ],
)
def test_a_worth(worth: dict[str, Any], english: str, chinese: str) -> None:
    assert ENGLISH.worth(worth).replace(GAP, " ") == english
    assert CHINESE.worth(worth).replace(GAP, " ") == chinese


def test_an_interval_holds_together() -> None:
    assert " " not in ENGLISH.interval("fewer than 15", "28")


@pytest.mark.parametrize(
    ("value", "said"), [(0.0312, "+0.031"), (-0.0312, "−0.031"), (0.0001, "0.000"), (-0.0004, "0.000"), (None, "–")]
)
def test_a_difference_has_a_sign(value: float | None, said: str) -> None:
    assert ENGLISH.signed(value) == said


def test_a_lever_set() -> None:
    assert ENGLISH.lever("self_training+retrieve") == "pseudo + retrieve"
    assert ENGLISH.lever("") == "plain"


def test_thousands() -> None:
    assert ENGLISH.budget(2000) == "2,000 labels"
