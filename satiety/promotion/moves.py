"""The moves of a champion's alias -> who was champion before whom, who was taken back, what nobody wrote down.

A move is written down before the alias goes, and confirmed after it. So whatever is killed in between, the alias
itself tells whether a move that nobody confirmed was made.
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
    """``elsewhere``: the alias was found moved, and no command of ours did it."""
    who: str
    before: str | None
    """Number of the version that was champion."""
    after: str | None
    """Number of the one that is."""
    why: str
    scores: Mapping[str, Any]
    """Metric, level, old, new and difference, each with its interval; empty where nothing was compared."""
    digests: Mapping[str, str | None]
    """Of the packages: before, after."""
    data: Mapping[str, str]
    """SHA-256 of what the new champion was trained and tested on, by name; ``revision`` is the code's."""
    done: bool
    """Whether the alias is known to have gone."""
    told: bool = True
    """Whether a report says so. One that was cut off before is told by the next run of `promote`."""


def select_effective(moves: Sequence[Move], champion: str | None) -> list[Move]:
    """Return the moves that were made, in order, and between them those that were made elsewhere.

    Args:
        moves: as they were written down.
        champion: the version that the alias is on now.
    """
    ordered_moves, effective_moves = sorted(moves, key=lambda move: move.time), list[Move]()
    for move in ordered_moves:
        if not move.done and not (move is ordered_moves[-1] and move.after == champion):
            continue  # the alias never went
        effective_moves += _find_gap(effective_moves, move.before, move.time)
        effective_moves.append(replace(move, done=True))
    return effective_moves + list(_find_gap(effective_moves, champion, ""))


def _find_gap(effective_moves: Sequence[Move], champion: str | None, time: str) -> Iterator[Move]:
    """Yield what must have happened elsewhere, for this version to be champion."""
    last = effective_moves[-1].after if effective_moves else None
    if champion != last:
        yield Move(time, "elsewhere", "unknown", last, champion, "moved by no command of Satiety", {}, {}, {}, True)


def find_unreported(moves: Sequence[Move], version: str) -> Move | None:
    """Return the promotion that made this version champion, where no report says so yet."""
    latest = moves[-1] if moves else None
    return latest if latest and latest.kind == "promote" and latest.after == version and not latest.told else None


def find_previous(moves: Sequence[Move]) -> str | None:
    """Return the champion before the present one: a rollback takes back what came after the version it went to."""
    champions: list[str | None] = []
    for move in moves:
        if move.kind == "rollback" and move.after in champions:
            champions = champions[: len(champions) - champions[::-1].index(move.after)]
        else:
            champions.append(move.after)
    return champions[-2] if len(champions) > 1 else None


def is_reversal(move: Move) -> bool:
    """Return whether a move takes its old champion back: it went to an older version."""
    return move.kind == "rollback" and move.before is not None and int(move.after or 0) < int(move.before)


def find_reversal(moves: Sequence[Move], digest: str) -> Move | None:
    """Return the rollback that took this package off, unless it became champion again since."""
    reversal = None
    for move in moves:
        if move.digests.get("after") == digest:
            reversal = None
        elif is_reversal(move) and move.digests.get("before") == digest:
            reversal = move
    return reversal
