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


def effective(moves: Sequence[Move], held: str | None) -> list[Move]:
    """Return the moves that were made, in order, and between them those that were made elsewhere.

    Args:
        moves: as they were written down.
        held: the version that the alias is on now.
    """
    written, found = sorted(moves, key=lambda one: one.time), list[Move]()
    for one in written:
        if not one.done and not (one is written[-1] and one.after == held):
            continue  # the alias never went
        found += _gap(found, one.before, one.time)
        found.append(replace(one, done=True))
    return found + list(_gap(found, held, ""))


def _gap(found: Sequence[Move], before: str | None, time: str) -> Iterator[Move]:
    """Yield what must have happened elsewhere, for this version to be champion."""
    last = found[-1].after if found else None
    if before != last:
        yield Move(time, "elsewhere", "unknown", last, before, "moved by no command of Satiety", {}, {}, {}, True)


def untold(moves: Sequence[Move], version: str) -> Move | None:
    """Return the promotion that made this version champion, where no report says so yet."""
    last = moves[-1] if moves else None
    return last if last and last.kind == "promote" and last.after == version and not last.told else None


def previous(moves: Sequence[Move]) -> str | None:
    """Return the champion before the present one: a rollback takes back what came after the version it went to."""
    line: list[str | None] = []
    for one in moves:
        if one.kind == "rollback" and one.after in line:
            line = line[: len(line) - line[::-1].index(one.after)]
        else:
            line.append(one.after)
    return line[-2] if len(line) > 1 else None


def takes_back(one: Move) -> bool:
    """Return whether a move takes its old champion back: it went to an older version."""
    return one.kind == "rollback" and one.before is not None and int(one.after or 0) < int(one.before)


def taken_back(moves: Sequence[Move], digest: str) -> Move | None:
    """Return the rollback that took this package off, unless it became champion again since."""
    found = None
    for one in moves:
        if one.digests.get("after") == digest:
            found = None
        elif takes_back(one) and one.digests.get("before") == digest:
            found = one
    return found
