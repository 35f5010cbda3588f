"""History of champions with interrupted and unrecorded moves; a rolled-back model is not promoted again."""

from dataclasses import replace
from typing import Any

from satiety.promotion.moves import Move, find_previous, find_reversal, find_unreported, select_effective


def move(second: int, before: str | None, after: str, kind: Any = "promote", *, done: bool = True) -> Move:
    digests = {"before": before and f"d{before}", "after": f"d{after}"}
    time = f"2026-01-01T00:00:{second:02}.000000+00:00"
    return Move(time, kind, "ada@desk", before, after, "it is better", {}, digests, {}, done)


def steps(moves: list[Move]) -> list[tuple[str | None, str | None, str]]:
    return [(one.before, one.after, one.kind) for one in moves]


def test_an_interrupted_move_counts_if_the_alias_moved() -> None:
    written = [move(1, None, "1"), move(2, "1", "2", done=False)]
    assert steps(select_effective(written, "2"))[-1] == ("1", "2", "promote")
    assert steps(select_effective(written, "1")) == [(None, "1", "promote")]
    early = [move(1, None, "1", done=False), move(2, None, "1")]
    assert steps(select_effective(early, "1")) == [(None, "1", "promote")]


def test_moves_made_elsewhere_fill_the_gaps() -> None:
    written = [move(2, "4", "5"), move(1, None, "1")]
    assert steps(select_effective(written, "7")) == [
        (None, "1", "promote"),
        ("1", "4", "elsewhere"),
        ("4", "5", "promote"),
        ("5", "7", "elsewhere"),
    ]
    assert steps(select_effective([], "3")) == [(None, "3", "elsewhere")]
    assert select_effective([], None) == []


def test_the_champion_before_is_the_one_before_what_was_taken_back() -> None:
    line = [move(1, None, "1"), move(2, "1", "2"), move(3, "2", "3")]
    assert find_previous(line) == "2"
    back = [*line, move(4, "3", "2", "rollback")]
    assert find_previous(back) == "1"
    assert find_previous([*back, move(5, "2", "1", "rollback")]) is None
    assert find_previous([*back, move(5, "2", "4")]) == "2"
    assert find_previous([]) is None


def test_a_reversal_holds_until_the_model_is_champion_again() -> None:
    line = [move(1, None, "1"), move(2, "1", "2"), move(3, "2", "1", "rollback")]
    found = find_reversal(line, "d2")
    assert found is not None
    assert found.who == "ada@desk"
    assert find_reversal(line, "d1") is None
    forward = [*line, move(4, "1", "2", "rollback")]
    assert find_reversal(forward, "d2") is None
    assert find_reversal(forward, "d1") is None


def test_only_the_last_promotion_can_be_unreported() -> None:
    cut = replace(move(2, "1", "2"), told=False)
    assert find_unreported([move(1, None, "1"), cut], "2") == cut
    assert find_unreported([move(1, None, "1"), cut], "1") is None
    assert find_unreported([cut, move(3, "2", "2")], "2") is None
    assert find_unreported([replace(cut, kind="rollback")], "2") is None
    assert find_unreported([], "2") is None
