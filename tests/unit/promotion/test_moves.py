"""History of champions with interrupted and unrecorded moves; a rolled-back model is not promoted again."""

from dataclasses import replace
from typing import Any

from satiety.promotion.moves import Move, find_previous, find_reversal, find_unreported, select_effective


def make_move(
    second: int, champion_before: str | None, champion_after: str, kind: Any = "promote", *, is_reported: bool = True
) -> Move:
    digests = {"before": champion_before and f"d{champion_before}", "after": f"d{champion_after}"}
    time = f"2026-01-01T00:00:{second:02}.000000+00:00"
    return Move(time, kind, "ada@desk", champion_before, champion_after, "it is better", {}, digests, {}, is_reported)


def list_steps(moves: list[Move]) -> list[tuple[str | None, str | None, str]]:
    return [(move.before, move.after, move.kind) for move in moves]


def test_an_interrupted_move_counts_if_the_alias_moved() -> None:
    moves = [make_move(1, None, "1"), make_move(2, "1", "2", is_reported=False)]
    assert list_steps(select_effective(moves, "2"))[-1] == ("1", "2", "promote")
    assert list_steps(select_effective(moves, "1")) == [(None, "1", "promote")]
    interrupted = [make_move(1, None, "1", is_reported=False), make_move(2, None, "1")]
    assert list_steps(select_effective(interrupted, "1")) == [(None, "1", "promote")]


def test_moves_made_elsewhere_fill_the_gaps() -> None:
    moves = [make_move(2, "4", "5"), make_move(1, None, "1")]
    assert list_steps(select_effective(moves, "7")) == [
        (None, "1", "promote"),
        ("1", "4", "elsewhere"),
        ("4", "5", "promote"),
        ("5", "7", "elsewhere"),
    ]
    assert list_steps(select_effective([], "3")) == [(None, "3", "elsewhere")]
    assert select_effective([], None) == []


def test_the_previous_champion_precedes_the_rolled_back_one() -> None:
    history = [make_move(1, None, "1"), make_move(2, "1", "2"), make_move(3, "2", "3")]
    assert find_previous(history) == "2"
    rolled_back = [*history, make_move(4, "3", "2", "rollback")]
    assert find_previous(rolled_back) == "1"
    assert find_previous([*rolled_back, make_move(5, "2", "1", "rollback")]) is None
    assert find_previous([*rolled_back, make_move(5, "2", "4")]) == "2"
    assert find_previous([]) is None


def test_a_reversal_holds_until_the_model_is_champion_again() -> None:
    history = [make_move(1, None, "1"), make_move(2, "1", "2"), make_move(3, "2", "1", "rollback")]
    reversal = find_reversal(history, "d2")
    assert reversal is not None
    assert reversal.author == "ada@desk"
    assert find_reversal(history, "d1") is None
    restored = [*history, make_move(4, "1", "2", "rollback")]
    assert find_reversal(restored, "d2") is None
    assert find_reversal(restored, "d1") is None


def test_only_the_last_promotion_can_be_unreported() -> None:
    unreported = replace(make_move(2, "1", "2"), reported=False)
    assert find_unreported([make_move(1, None, "1"), unreported], "2") == unreported
    assert find_unreported([make_move(1, None, "1"), unreported], "1") is None
    assert find_unreported([unreported, make_move(3, "2", "2")], "2") is None
    assert find_unreported([replace(unreported, kind="rollback")], "2") is None
    assert find_unreported([], "2") is None
