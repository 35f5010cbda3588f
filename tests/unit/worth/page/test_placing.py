"""Boxes, room, and how wide a text is."""

from hypothesis import given
from hypothesis import strategies as st

from satiety.worth.page.placing import Box, Room, along, width, wrap

BOUNDS = Box(0, 0, 100, 100)


def test_boxes_meet_where_they_share_more_than_an_edge() -> None:
    assert Box(0, 0, 10, 10).meets(Box(9, 9, 20, 20))
    assert not Box(0, 0, 10, 10).meets(Box(10, 0, 20, 10))
    assert not Box(0, 0, 10, 10).meets(Box(0, 11, 10, 20))


def test_room_gives_the_first_free_place_within_its_bounds() -> None:
    room = Room(BOUNDS, [Box(0, 0, 50, 50)])
    places = [Box(10, 10, 20, 20), Box(95, 60, 105, 70), Box(60, 60, 70, 70)]
    assert room.first(places) == places[2]
    assert room.first(places[:2]) is None


def test_a_line_is_covered_without_gaps() -> None:
    boxes = along([(0, 0), (40, 30), (80, 30)], thick=1)
    for x, y in [(0, 0), (20, 15), (40, 30), (61, 30), (80, 30)]:
        assert any(box.left <= x <= box.right and box.top <= y <= box.bottom for box in boxes)
    assert not [box for box in boxes if box.meets(Box(30, 0, 40, 10))]
    assert along([(1, 1)]) == []


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=60), st.integers(20, 300))
def test_wrapping_loses_nothing_but_the_spaces_it_breaks_at(text: str, room: int) -> None:
    lines = wrap(text, room, 13)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width(line, 13) <= room or len(line) == 1 for line in lines)


def test_wrapping_keeps_what_holds_together() -> None:
    assert wrap("at 60 = 93 labels [61,\u00a0140]", 120, 13) == ["at 60 = 93 labels", "[61,\u00a0140]"]


def test_a_chinese_character_is_as_wide_as_its_font() -> None:
    assert width("标注", 15) == 30
