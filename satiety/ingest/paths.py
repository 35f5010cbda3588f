"""Extract rows from a JSON value, given one path per column.

A path is keys and indices joined by dots; ``*`` matches every child. Columns share the stars of their common prefix:
``{text: train.*.0, label: train.*.1}`` pairs the values of each item, and ``{title: data.*.title, text:
data.*.parts.*.text}`` repeats the title for every part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from satiety.ingest.values import DuplicateKeys, JsonError

Steps = tuple[str, ...]


def split_path(path: str | int) -> Steps:
    """Return the steps of a path; the empty path refers to the whole value."""
    return tuple(str(path).split(".")) if str(path) else ()


def check_starred_steps(paths: Mapping[str, Steps]) -> None:
    """Raise ValueError if two columns iterate over different lists, so that their items cannot be paired."""
    starred = {steps[: len(steps) - steps[::-1].index("*")]: name for name, steps in paths.items() if "*" in steps}
    longest = max(starred, key=len, default=())
    for steps, name in starred.items():
        if longest[: len(steps)] != steps:
            lists = f"{'.'.join(longest)}, {'.'.join(steps)}"
            raise ValueError(f"columns {starred[longest]!r} and {name!r} iterate over different lists: {lists}")


def walk(value: Any, paths: Mapping[str, Steps], place: str = "") -> Iterator[tuple[str, dict[str, Any] | JsonError]]:
    """Yield (path, values by column or an error) for every row in the value."""
    if isinstance(value, DuplicateKeys):
        yield place, JsonError("duplicate key in an object")
        return
    plan = _plan(tuple(paths.items()))
    values = {name: _resolve(value, steps) for name, steps in plan.resolved.items()}
    if plan.spine is None:
        error = next((cell for cell in values.values() if isinstance(cell, JsonError)), None)
        yield place, error or values
        return
    failure = next((cell for cell in values.values() if isinstance(cell, JsonError)), None)
    for key, child in _iterate_children(value, plan.spine):
        for row_place, row in walk(child, plan.inner, f"{place}.{key}" if place else key):
            yield row_place, row if isinstance(row, JsonError) else failure or values | row


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the paths of one level are followed."""

    resolved: Mapping[str, Steps]
    """Paths of columns that have one value for all rows below."""
    spine: str | None
    """The step that leads to the rows: a star, or a key above one; None where the value is a row."""
    inner: Mapping[str, Steps]
    """What remains of the other paths after that step."""


@lru_cache(maxsize=1024)
def _plan(paths: tuple[tuple[str, Steps], ...]) -> _Plan:
    """Return the plan for paths; cached, as every value of a level has the same."""
    spine = next((steps[0] for _, steps in paths if "*" in steps), None)
    inner = {name: steps[1:] for name, steps in paths if steps and steps[0] == spine}
    return _Plan({name: steps for name, steps in paths if name not in inner}, spine, inner)


def _iterate_children(value: Any, step: str) -> Iterator[tuple[str, Any]]:
    if step != "*":
        child = _resolve(value, (step,))
        if not isinstance(child, JsonError):
            yield step, child
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(index), child) for index, child in enumerate(value))


def _resolve(value: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(value, DuplicateKeys):
            return JsonError("duplicate key in an object")
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return JsonError(f"no key or index {step!r}")
    return value
