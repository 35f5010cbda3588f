"""A JSON value and one path per column -> rows.

A path is keys and indices joined by dots; ``*`` stands for every child. Columns share the stars they have in common,
so ``{text: train.*.0, label: train.*.1}`` pairs the two of each item, and ``{title: data.*.title, text:
data.*.parts.*.text}`` gives every part its own title.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from satiety.ingest.values import Broken, Refused

Steps = tuple[str, ...]


def split_path(path: str | int) -> Steps:
    """Return a path's steps; the empty path is the value itself."""
    return tuple(str(path).split(".")) if str(path) else ()


def check_paths(paths: Mapping[str, Steps]) -> None:
    """Raise ValueError where two columns run over different lists, so that their items cannot be paired."""
    starred = {steps[: len(steps) - steps[::-1].index("*")]: name for name, steps in paths.items() if "*" in steps}
    longest = max(starred, key=len, default=())
    for steps, name in starred.items():
        if longest[: len(steps)] != steps:
            lists = f"{'.'.join(longest)}, {'.'.join(steps)}"
            raise ValueError(f"columns {starred[longest]!r} and {name!r} run over different lists: {lists}")


def walk(value: Any, paths: Mapping[str, Steps], place: str = "") -> Iterator[tuple[str, dict[str, Any] | Refused]]:
    """Yield (place, the columns' values, or why there are none) of every row in the value."""
    if isinstance(value, Broken):
        yield place, Refused("an object has the same key twice")
        return
    bound: dict[str, Any] = {name: value for name, steps in paths.items() if not steps}
    heads: dict[str, dict[str, Steps]] = {}
    for name, steps in paths.items():
        if steps:
            heads.setdefault(steps[0], {})[name] = steps[1:]
    spine = next(
        (head for head, inner in heads.items() if head == "*" or any("*" in steps for steps in inner.values())), None
    )
    for head, inner in heads.items():
        if head != spine:
            bound |= {name: _follow(value, (head, *steps)) for name, steps in inner.items()}
    if spine is None:
        refused = next((found for found in bound.values() if isinstance(found, Refused)), None)
        yield place, refused or bound
        return
    for key, child in _children(value, spine):
        for where, found in walk(child, heads[spine], f"{place}.{key}" if place else key):
            broken = next((v for v in bound.values() if isinstance(v, Refused)), None)
            yield where, found if isinstance(found, Refused) else broken or bound | found


def _children(value: Any, step: str) -> Iterator[tuple[str, Any]]:
    if step != "*":
        found = _follow(value, (step,))
        if not isinstance(found, Refused):
            yield step, found
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(index), child) for index, child in enumerate(value))


def _follow(value: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(value, Broken):
            return Refused("an object has the same key twice")
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return Refused(f"there is no {step!r} in it")
    return value
