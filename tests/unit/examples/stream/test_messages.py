"""Messages on the terminal: times, the explanation of an alert, and why a planted surge was missed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from examples.opinion_monitoring import replay
from examples.opinion_monitoring.arrivals import Planted
from examples.opinion_monitoring.messages import describe_alert, describe_missed, summarize
from examples.opinion_monitoring.source import StreamText
from examples.opinion_monitoring.stream import Assessments, Count, TopicAssessment
from examples.opinion_monitoring.stream.page import Board
from tests.unit.examples.stream.simulated import params

AFTERNOON, STREAM_PARAMS = datetime(2026, 5, 22, 16, tzinfo=UTC), params(3, timezone="America/New_York")
SHARES = (0.8, 0.3, 0.3)
"""Usual ones, of t0, t1 and t2."""
PLANTS = [
    Planted("burst", "t0", first=0, windows=2, related_topics=frozenset({"t1"})),
    Planted("burst", "t1", first=2, windows=2),
    Planted("growth", "", first=4, windows=1),
    Planted("surge", "t2", first=5, windows=3, related_topics=frozenset({"t1"})),
]


def build_windows(*alerts: tuple[int, int]) -> list[Assessments]:
    """Return nine windows, in which there are alerts: window, topic."""
    return [
        tuple(
            TopicAssessment(
                start=AFTERNOON + timedelta(hours=place),
                topic=f"t{topic}",
                count=Count(5, 165),
                expected=0.6,
                limit=7,
                share=share,
                growth=1.0,
                p=0.1,
                verdict="surge" if (place, topic) in alerts else "as expected",
                begins=(place, topic) in alerts,
            )
            for topic, share in enumerate(SHARES)
        )
        for place in range(9)
    ]


def describe_alerts(windows: list[Assessments]) -> Iterator[str]:
    for place, window in enumerate(windows):
        yield from (
            describe_alert(assessment, windows[: place + 1], PLANTS, STREAM_PARAMS)
            for assessment in window
            if assessment.begins
        )


@pytest.mark.parametrize(
    ("place", "topic", "planted"),
    [
        (0, 0, "a burst, mostly negative as ever"),
        (1, 1, "part of a burst of t0, mostly negative as ever"),
        (1, 2, "nothing that explains it, a false alert"),
        (2, 1, "nothing that explains it, a false alert"),
        (4, 0, "nothing that explains it, a false alert"),
        (7, 1, "part of a surge of t2"),
        (7, 2, "a surge"),
        (8, 2, "nothing that explains it, a false alert"),
    ],
)
def test_an_alert_and_the_summary_agree_on_what_explains_it(place: int, topic: int, planted: str) -> None:
    windows = build_windows((place, topic))
    (line,) = describe_alerts(windows)
    assert line.endswith(f"; planted: {planted}")
    assert f"; {int('false' in planted)} false alerts in 9 windows" in summarize(windows, PLANTS, STREAM_PARAMS)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_terminal_and_page_show_the_same_time_and_time_zone(language: replay.Language) -> None:
    windows, board = build_windows((0, 0)), Board(STREAM_PARAMS, max_windows=20, seconds=2)
    (line,) = describe_alerts(windows)
    assert line.startswith("2026-05-22 12:00 America/New_York  t0: 5.0 negative of 165 (")
    board.add(windows[0])
    page = board.page(language)
    assert '<td class="number">05-22 12:00</td>' in page
    assert "2026-05-22 12:00" in page
    assert page.count("America/New_York") == 3, "once for the last window, twice for the alerts"


@pytest.mark.parametrize(("alerts", "later"), [((), "never found"), (((7, 2),), "found in window 3 of 3")])
def test_message_of_a_missed_surge_has_the_probability_of_its_texts(
    alerts: tuple[tuple[int, int], ...], later: str
) -> None:
    angry = {"t2": [StreamText(f"bad {i}", ("t2",), "negative") for i in range(20)]}
    (line,) = describe_missed(
        build_windows(*alerts), PLANTS, angry, {f"bad {i}": 0.1 + 0.02 * (i % 2) for i in range(20)}, STREAM_PARAMS
    )
    assert line == (
        "missed: 2026-05-22 17:00 America/New_York  t2: 5.0 negative of 165 (expected 0.6, alarm from 7.0; usual "
        f"share 0.30), so as expected; {later}; the model gives the 20 negative texts it is made of a mean probability "
        "of 0.11"
    )


def test_detected_surge_has_no_message_of_a_miss() -> None:
    assert list(describe_missed(build_windows((5, 2)), PLANTS, {}, {}, STREAM_PARAMS)) == []


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--speed", "-1", r"--speed: 0, or windows a second, 0.0001 or more \(it is -1\)"),
        ("--speed", "nan", r"--speed: .* \(it is nan\)"),
        ("--speed", "inf", r"--speed: .* \(it is inf\)"),
        ("--speed", "1e-300", r"--speed: .* \(it is 1e-300\)"),
        ("--port", "99999", "port 99999 of 127.0.0.1: ports are 0 to 65535; choose another"),
        ("--port", "-1", "port -1 of 127.0.0.1: ports are 0 to 65535; choose another"),
    ],
)
def test_invalid_option_is_one_message_before_any_work(
    option: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object) -> None:
        raise AssertionError("texts are read")

    monkeypatch.setattr(replay, "load", load)
    monkeypatch.setattr(sys, "argv", ["replay", option, value])
    with pytest.raises(SystemExit, match=f"^{message}$"):
        replay.main()
