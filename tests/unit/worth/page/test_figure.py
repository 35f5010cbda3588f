"""The picture: its points, its arrows, and that nothing covers anything."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.worth.page import page
from satiety.worth.page.aim import Aim, aim
from satiety.worth.page.arrows import arrows, focus
from satiety.worth.page.curve import plain
from satiety.worth.page.placing import Box, Room
from satiety.worth.page.scale import FRAMES, Frame, Scale, scale
from satiety.worth.page.voice import Voice
from tests.unit.worth.page import sample
from tests.unit.worth.page.drawing import drawings, of, text

VOICE = Voice("en", 15, 240)
WIDE = FRAMES[-1]
every_frame = pytest.mark.parametrize("frame", FRAMES, ids=[frame.name for frame in FRAMES])
SAMPLES = {"report": sample.report, "bare": sample.bare, "hostile": sample.hostile}
every_report = pytest.mark.parametrize("report", [make() for make in SAMPLES.values()], ids=SAMPLES)


def aimed(report: dict[str, Any], frame: Frame) -> tuple[Scale, list[Aim]]:
    found = arrows(report, VOICE)
    made = scale(frame, report, [score for one in found for score in (one.score, one.low, one.high)])
    room = Room(Box(made.left, frame.top - 4, made.right, made.floor), plain(made, report)[1])
    return made, aim(found, made, room)


def drawing(report: dict[str, Any], frame: Frame = WIDE) -> ET.Element:
    return drawings(page(report, "en"))[frame.name]


@every_frame
@every_report
class TestEveryDrawing:
    def test_has_a_point_for_every_budget(self, report: dict[str, Any], frame: Frame) -> None:
        assert len(of(drawing(report, frame), "point")) == len(report["budgets"])

    def test_has_the_headline_and_says_what_it_shows(self, report: dict[str, Any], frame: Frame) -> None:
        drawn = drawing(report, frame)
        (main,) = of(drawn, "main")
        assert main.get("data-budget") == "60"
        assert drawn.get("role") == "img"
        (title,), (says,) = drawn.findall("title"), drawn.findall("desc")
        assert drawn.get("aria-labelledby") == title.get("id")
        assert "118 labels [82, 214] (worth it)" in text(says).replace("\u00a0", " ")

    def test_no_two_arrows_overlap(self, report: dict[str, Any], frame: Frame) -> None:
        _, aims = aimed(report, frame)
        reaches = [reach(one) for one in aims]
        assert not [pair for pair in combinations(reaches, 2) if pair[0].meets(pair[1])]

    def test_no_name_covers_an_arrow_or_a_name(self, report: dict[str, Any], frame: Frame) -> None:
        _, aims = aimed(report, frame)
        labels = [one.label for one in aims]
        assert not [pair for pair in combinations(labels, 2) if pair[0].meets(pair[1])]
        assert not [label for label in labels for one in aims if label.meets(reach(one))]

    def test_arrows_are_numbered_from_the_left(self, report: dict[str, Any], frame: Frame) -> None:
        _, aims = aimed(report, frame)
        assert [one.number for one in aims] == list(range(1, len(aims) + 1))
        assert [one.arrow.budget for one in aims] == sorted(one.arrow.budget for one in aims)


MEASURED = st.sampled_from([0, 15, 30, 60, 120, 240])
WORTH = st.one_of(st.none(), st.just(0.0), st.floats(15, 240))


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    name = st.lists(
        st.sampled_from(["augment", "pretrain", "self_training", "retrieve"]), min_size=1, max_size=4, unique=True
    )
    score, off = draw(st.floats(0.3, 0.8)), draw(st.floats(-0.1, 0.1))
    return {
        "lever": "+".join(sorted(draw(name))),
        "budget": draw(MEASURED),
        "score": score,
        "gain": {"value": off, "low": off - draw(st.floats(0, 0.2)), "high": off + draw(st.floats(0, 0.2))},
        "labels": {name: draw(WORTH) for name in ("value", "low", "high")},
        "verdict": draw(st.sampled_from(["worth it", "not worth it here", "harmful", "inconclusive"])),
    }


@given(st.lists(rows(), max_size=16))
@settings(max_examples=60)
def test_whatever_was_measured_nothing_overlaps(levers: list[dict[str, Any]]) -> None:
    report = sample.report() | {"levers": levers}
    for frame in FRAMES:
        _, aims = aimed(report, frame)
        reaches, labels = [reach(one) for one in aims], [one.label for one in aims]
        for one, other in combinations([*reaches, *labels], 2):
            assert not one.meets(other)
        assert all(place.left >= 0 and place.right <= frame.width for place in reaches)
        assert len(aims) >= (frame is FRAMES[0] and bool(levers))
    assert drawing(report) is not None


def reach(one: Aim) -> Box:
    ends = (one.x, one.begin, one.end, *([one.tip] if one.shaft else []))
    return Box(min(ends), one.y - 4, max(ends), one.y + 4)


def test_an_arrow_ends_on_the_curve() -> None:
    """The line that is drawn passes through the tip of every arrow whose worth is a number."""
    drawn = drawing(sample.report())
    (line,) = (one for one in of(drawn, "plain") if "broken" not in one.get("class", ""))
    points = [tuple(map(float, pair.split())) for pair in line.get("d", "M").lstrip("M").split("L")]
    made, aims = aimed(sample.report(), WIDE)
    bounded = [one for one in aims if one.arrow.worth["value"]]
    assert len(bounded) >= 6
    for one in bounded:
        left = max(point for point in points if point[0] <= one.tip)
        right = min(point for point in points if point[0] >= one.tip)
        share = (one.tip - left[0]) / ((right[0] - left[0]) or 1)
        assert left[1] + share * (right[1] - left[1]) == pytest.approx(one.y, abs=2.5)
    assert made.x(60) < made.x(118)


def test_what_lies_beyond_the_range_points_past_the_last_budget() -> None:
    made, aims = aimed(sample.report(), WIDE)
    (far,) = (one for one in aims if one.arrow.worth["value"] is None)
    assert far.open
    assert far.tip > made.x(240)
    assert "more than 240 labels" in far.arrow.text
    drawn = drawing(sample.report())
    assert len(of(drawn, "open")) == 1


def test_an_arrow_that_harms_points_left() -> None:
    _, aims = aimed(sample.report(), WIDE)
    (harmful,) = (one for one in aims if one.arrow.verdict == "harmful")
    assert harmful.tip < harmful.x
    assert not harmful.arrow.helps


def test_wide_names_arrows_where_they_are_and_narrow_numbers_them() -> None:
    wide, narrow = drawing(sample.report()), drawing(sample.report(), FRAMES[0])
    named = {re.sub(r"\s", " ", text(one)) for one in of(wide, "said")}
    assert "pseudo + retrieve at 60 = 118 labels [82, 214]" in named
    assert len(of(narrow, "entry")) == len(of(narrow, "arrow"))
    assert not of(wide, "entry")


def test_candidates_are_the_best_everywhere_and_singles_at_the_focus() -> None:
    found = [(one.lever, one.budget) for one in arrows(sample.report(), VOICE)]
    best = [("self_training+retrieve", n) for n in (0, 15, 30, 120, 240)]
    assert found == [("self_training+retrieve", 60), ("self_training", 60), ("retrieve", 60), ("augment", 60), *best]
    assert [one.main for one in arrows(sample.report(), VOICE)] == [True, *[False] * 8]


def test_the_headline_may_name_what_it_is_about() -> None:
    report = sample.report()
    report["headline"] |= {"budget": 30, "lever": "self_training"}
    assert focus(report) == 30
    main = arrows(report, VOICE)[0]
    assert (main.lever, main.budget) == ("self_training", 30)


def test_a_lever_without_a_score_is_not_drawn() -> None:
    report = sample.report()
    report["levers"][0]["score"] = None
    assert ("self_training", 0) not in [(one.lever, one.budget) for one in arrows(report, VOICE)]


def test_whiskers_show_the_gain_on_plains_score() -> None:
    main = arrows(sample.report(), VOICE)[0]
    assert (main.low, main.high) == pytest.approx((0.531 + 0.025, 0.531 + 0.055))


def test_what_found_no_room_is_counted() -> None:
    text = page(sample.report(), "en")
    drawn = len(of(drawing(sample.report()), "arrow"))
    left = len(arrows(sample.report(), VOICE)) - drawn
    assert f"{left} of them found no room" in text


def test_the_zero_is_broken_off_only_where_it_was_measured() -> None:
    assert of(drawing(sample.report()), "broken")
    assert not of(drawing(sample.bare()), "broken")


def test_without_a_fit_nothing_is_dashed() -> None:
    drawn = drawing(sample.bare())
    assert not of(drawn, "fit")
    assert not of(drawn, "zone")
    assert of(drawing(sample.report()), "fit")
