"""Recorded moves of the champion's alias -> previous champions, reversals, and moves made outside Satiety.

A move is recorded before the alias moves and confirmed afterwards. If the process is killed in between, the alias
shows whether the unconfirmed move took place.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["promote", "rollback", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Move:
    """One move of the alias."""

    time: str
    """ISO 8601, UTC, with microseconds."""
    kind: Kind
    """``elsewhere``: the alias was moved outside Satiety."""
    author: str
    before: str | None
    """Number of the version that was champion; None if there was none."""
    after: str | None
    """Number of the new champion."""
    reason: str
    scores: Mapping[str, Any]
    """Metric, level, old, new and difference, each with its interval; empty if nothing was compared."""
    digests: Mapping[str, str | None]
    """Package digests: before, after."""
    data: Mapping[str, str]
    """SHA-256 of the new champion's training and test data, by name; ``revision`` is the git commit of the code."""
    confirmed: bool
    """Whether the move is confirmed."""
    reported: bool = True
    """Whether a report contains it; an unreported move appears in the report of the next `promote`."""


def select_effective(moves: Sequence[Move], champion: str | None) -> list[Move]:
    """Return the moves that took place, in order, with the moves made elsewhere between them.

    Args:
        moves: as recorded.
        champion: the version that has the alias now.
    """
    ordered_moves, effective_moves = sorted(moves, key=lambda move: move.time), list[Move]()
    for move in ordered_moves:
        if not move.confirmed and not (move is ordered_moves[-1] and move.after == champion):
            continue  # the alias did not move
        effective_moves += _find_gap(effective_moves, move.before, move.time)
        effective_moves.append(replace(move, confirmed=True))
    return effective_moves + list(_find_gap(effective_moves, champion, ""))


def _find_gap(effective_moves: Sequence[Move], champion: str | None, time: str) -> Iterator[Move]:
    """Yield the unrecorded move that made this version champion, if there is one."""
    last = effective_moves[-1].after if effective_moves else None
    if champion != last:
        yield Move(time, "elsewhere", "unknown", last, champion, "moved outside Satiety", {}, {}, {}, True)


def find_unreported(moves: Sequence[Move], version: str) -> Move | None:
    """Return the promotion that made this version champion, if no report contains it yet."""
    latest = moves[-1] if moves else None
    return latest if latest and latest.kind == "promote" and latest.after == version and not latest.reported else None


def find_previous(moves: Sequence[Move]) -> str | None:
    """Return the champion before the current one; a rollback undoes all moves after its target version."""
    champions: list[str | None] = []
    for move in moves:
        if move.kind == "rollback" and move.after in champions:
            champions = champions[: len(champions) - champions[::-1].index(move.after)]
        else:
            champions.append(move.after)
    return champions[-2] if len(champions) > 1 else None


def is_reversal(move: Move) -> bool:
    """Return whether a move is a rollback to an older version."""
    return move.kind == "rollback" and move.before is not None and int(move.after or 0) < int(move.before)


def find_reversal(moves: Sequence[Move], digest: str) -> Move | None:
    """Return the rollback that removed this package, unless the package became champion again."""
    reversal = None
    for move in moves:
        if move.digests.get("after") == digest:
            reversal = None
        elif is_reversal(move) and move.digests.get("before") == digest:
            reversal = move
    return reversal
