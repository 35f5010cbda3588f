"""Texts in time: topics by whole words in both languages, windows in one pass, invalid params."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.opinion_monitoring.source import Opinion as Block
from examples.opinion_monitoring.stream import Count, ScoredText, Topics, WindowCounter, windows
from satiety.core.errors import DataError, ParamsError
from tests.unit.examples.stream.simulated import params

NOON, HOUR = datetime(2026, 3, 2, 12, tzinfo=UTC), timedelta(hours=1)
TOPICS = Topics.of({"apple": ["apple", "#AAPL"], "driverless": ["self-driving car"], "酒店": ["酒店", "前台"]})


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("My Apple. Again!", ("apple",)),
        ("pineapple juice, apples", ()),
        ("buy #aapl now", ("apple",)),
        ("a Self - Driving  car by apple", ("apple", "driverless")),
        ("这家酒店的前台很热情", ("酒店",)),
        ("酒很好喝，店也不错", ()),
        ("在酒店用apple电脑", ("apple", "酒店")),
        ("", ()),
    ],
)
def test_a_topic_is_found_by_whole_words(text: str, topics: tuple[str, ...]) -> None:
    assert TOPICS.about(text) == topics


def build_text(minutes: float, *topics: str, negative: bool = True) -> ScoredText:
    return ScoredText(NOON + timedelta(minutes=minutes), topics, negative)


def test_windows_are_counted_by_topic_and_include_empty_ones() -> None:
    texts = [
        build_text(5, "a"),
        build_text(30, "a", "b", negative=False),
        build_text(59.9),
        build_text(180, "b"),
        build_text(240),
    ]
    counted_windows = list(windows(texts, HOUR))
    assert [window.start for window in counted_windows] == [NOON + i * HOUR for i in range(4)]
    assert counted_windows[0].whole == Count(2, 3)
    assert dict(counted_windows[0].topics) == {"a": Count(1, 2), "b": Count(0, 1)}
    assert counted_windows[1].whole == counted_windows[2].whole == Count()
    assert dict(counted_windows[3].topics) == {"b": Count(1, 1)}


def test_a_text_counts_as_far_as_it_is_probably_negative() -> None:
    texts = [ScoredText(NOON, ("a",), p) for p in (0.25, 0.5, 1.0)]
    (window,) = windows([*texts, build_text(60)], HOUR)
    assert window.topics["a"] == window.whole == Count(1.75, 3, variance=0.1875 + 0.25)
    assert window.whole.other == 1.25


def test_windows_begin_at_whole_hours_of_utc_whatever_the_text_s_own_zone() -> None:
    shanghai = datetime.fromisoformat("2026-03-02T20:10:00+08:00")
    (window,) = windows([ScoredText(shanghai, (), True), build_text(60)], HOUR)
    assert window.start == NOON


def test_a_late_text_is_counted_when_it_comes() -> None:
    counted_windows = list(windows([build_text(0), build_text(61), build_text(2, "late"), build_text(121)], HOUR))
    assert [window.whole.all for window in counted_windows] == [1, 2]
    assert "late" in counted_windows[1].topics


def test_a_window_can_be_closed_by_the_clock() -> None:
    counter = WindowCounter(HOUR)
    assert not list(counter.add(build_text(3)))
    assert [window.whole.all for window in counter.until(NOON + HOUR)] == [1]


def test_invalid_times_are_refused() -> None:
    with pytest.raises(DataError, match="2026-03-02T12:00:00 has no time zone; write \\+00:00"):
        list(windows([ScoredText(NOON.replace(tzinfo=None), (), True)], HOUR))
    with pytest.raises(DataError, match="nothing came; is a clock wrong"):
        list(windows([build_text(0), ScoredText(NOON.replace(year=2126), (), True)], HOUR))


@pytest.mark.parametrize("probability", [-0.1, 1.1, 95.0, float("nan"), float("inf")])
def test_invalid_probability_is_refused(probability: float) -> None:
    with pytest.raises(
        DataError, match=f"stream: {probability} is no probability of being negative; they are from 0 to 1"
    ):
        list(windows([ScoredText(NOON, ("a",), probability)], HOUR))


def test_probability_may_exceed_one_by_a_rounding_error() -> None:
    (window,) = windows([ScoredText(NOON, ("a",), 1 + 1e-7), build_text(60)], HOUR)
    assert window.whole == Count(1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minutes": 7}, "a day .1440 minutes. must be whole windows .got 7."),
        ({"timezone": "Mars/Olympus"}, "no such time zone; names are those of the IANA database"),
        ({"timezone": "../etc/passwd"}, "no such time zone"),
        ({"topics": {"a": []}}, "topic 'a' needs a name, and words that are not empty"),
        ({"topics": {"a": [" "]}}, "topic 'a' needs a name, and words"),
        ({"topics": {}}, "should have at least 1 item"),
        ({"rate": 0}, "opinion.rate: Input should be greater than 0"),
        ({"model": {"history": 2, "learning": 3}}, "`history` .2. must be `learning` .3. or more weeks"),
        ({"mood": 1}, "opinion.mood: unknown field"),
    ],
)
def test_invalid_params_are_named(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    fields = params().model_dump()
    model = fields["model"] | changes.pop("model", {})
    file = tmp_path / "opinion.yaml"
    file.write_text(yaml.safe_dump({"opinion": fields | {"model": model} | changes}), encoding="utf-8")
    with pytest.raises(ParamsError, match=message):
        Block.load(file)
