"""Readings of a replay, and what was planted in it -> lines for the terminal; their times are the stream's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from examples.opinion_monitoring.arrivals import Planted
from examples.opinion_monitoring.outcomes import Readings, find_cause, find_reading, tally
from examples.opinion_monitoring.source import StreamText
from examples.opinion_monitoring.stream import Reading, Watching


def describe_alert(reading: Reading, history: Sequence[Readings], plants: Sequence[Planted], watch: Watching) -> str:
    """Say what an alert of the last window says, and what was planted that explains it."""
    plant = find_cause(len(history) - 1, reading.topic, history, plants, watch.mostly)
    return f"{_when(reading, watch)}: {_figures(reading)}; planted: {_describe_plant(plant, reading.topic)}"


def describe_missed(
    history: Sequence[Readings],
    plants: Sequence[Planted],
    angry: Mapping[str, Sequence[StreamText]],
    negative: Mapping[str, float],
    watch: Watching,
) -> Iterator[str]:
    """Say of each surge that was not found in its first window what it looked like to the model.

    Args:
        history: the readings of all windows.
        plants: what was planted.
        angry: the texts that surges are made of, by topic.
        negative: how probably each text is, to the model.
        watch: how the stream is watched.
    """
    for plant in (candidate for candidate in plants if candidate.kind == "surge"):
        first = find_reading(history, plant.first, plant.topic)
        if first.verdict == "surge":
            continue
        texts = angry[plant.topic]
        share = sum(negative[text.text] for text in texts) / len(texts)
        yield (
            f"missed: {_when(first, watch)}: {_figures(first)}, so {first.verdict}; {_later(plant, history)}; "
            f"the model gives the {len(texts)} negative texts it is made of a mean probability of {share:.2f}"
        )


def summarize(history: Sequence[Readings], plants: Sequence[Planted], watch: Watching) -> str:
    """Say what became of what was planted."""
    sums = tally(history, plants, watch.mostly)
    return (
        f"{sums.found} of {sums.planted} planted surges found in the window they began in; "
        f"{sums.false} false alerts in {sums.windows:,} windows"
    )


def _when(reading: Reading, watch: Watching) -> str:
    return f"{reading.start.astimezone(ZoneInfo(watch.timezone)):%Y-%m-%d %H:%M} {watch.timezone}  {reading.topic}"


def _figures(reading: Reading) -> str:
    return (
        f"{reading.count.negative:.1f} negative of {reading.count.all} "
        f"(expected {reading.expected:.1f}, alarm from {reading.limit:.1f}; usual share {reading.share:.2f})"
    )


def _describe_plant(plant: Planted | None, topic: str) -> str:
    if plant is None:
        return "nothing that explains it, a false alert"
    description = f"a {plant.kind}" if plant.topic == topic else f"part of a {plant.kind} of {plant.topic}"
    return f"{description}, mostly negative as ever" if plant.kind == "burst" else description


def _later(plant: Planted, history: Sequence[Readings]) -> str:
    for offset in range(1, plant.windows):
        if find_reading(history, plant.first + offset, plant.topic).verdict == "surge":
            return f"found in window {offset + 1} of {plant.windows}"
    return "never found"
