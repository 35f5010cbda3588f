"""Readings of a replay, and what was planted in it -> lines for the terminal; their times are the stream's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from examples.opinion_monitoring.arrivals import Planted
from examples.opinion_monitoring.replayed import Readings, cause, reading, tally
from examples.opinion_monitoring.source import Text
from examples.opinion_monitoring.stream import Reading, Watching


def alert(one: Reading, told: Sequence[Readings], plants: Sequence[Planted], watch: Watching) -> str:
    """Say what an alert of the last window says, and what was planted that explains it."""
    why = cause(len(told) - 1, one.topic, told, plants, watch.mostly)
    return f"{_when(one, watch)}: {_figures(one)}; planted: {_planted(why, one.topic)}"


def missed(
    told: Sequence[Readings],
    plants: Sequence[Planted],
    angry: Mapping[str, Sequence[Text]],
    negative: Mapping[str, float],
    watch: Watching,
) -> Iterator[str]:
    """Say of each surge that was not found in its first window what it looked like to the model.

    Args:
        told: what was said, of all windows.
        plants: what was planted.
        angry: the texts that surges are made of, by topic.
        negative: how probably each text is, to the model.
        watch: how the stream is watched.
    """
    for plant in (one for one in plants if one.kind == "surge"):
        first = reading(told, plant.first, plant.topic)
        if first.verdict == "surge":
            continue
        made = angry[plant.topic]
        share = sum(negative[one.text] for one in made) / len(made)
        yield (
            f"missed: {_when(first, watch)}: {_figures(first)}, so {first.verdict}; {_later(plant, told)}; "
            f"the model gives the {len(made)} negative texts it is made of a mean probability of {share:.2f}"
        )


def summary(told: Sequence[Readings], plants: Sequence[Planted], watch: Watching) -> str:
    """Say what became of what was planted."""
    sums = tally(told, plants, watch.mostly)
    return (
        f"{sums.found} of {sums.planted} planted surges found in the window they began in; "
        f"{sums.false} false alerts in {sums.windows:,} windows"
    )


def _when(one: Reading, watch: Watching) -> str:
    return f"{one.start.astimezone(ZoneInfo(watch.timezone)):%Y-%m-%d %H:%M} {watch.timezone}  {one.topic}"


def _figures(one: Reading) -> str:
    return (
        f"{one.count.negative:.1f} negative of {one.count.all} "
        f"(expected {one.expected:.1f}, alarm from {one.limit:.1f}; usual share {one.share:.2f})"
    )


def _planted(why: Planted | None, topic: str) -> str:
    if why is None:
        return "nothing that explains it, a false alert"
    what = f"a {why.kind}" if why.topic == topic else f"part of a {why.kind} of {why.topic}"
    return f"{what}, mostly negative as ever" if why.kind == "burst" else what


def _later(plant: Planted, told: Sequence[Readings]) -> str:
    for after in range(1, plant.windows):
        if reading(told, plant.first + after, plant.topic).verdict == "surge":
            return f"found in window {after + 1} of {plant.windows}"
    return "never found"
