"""Assessments of a replay, and what was planted in it -> lines for the terminal; their times are the stream's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from examples.opinion_monitoring.arrivals import Planted
from examples.opinion_monitoring.outcomes import find_assessment, find_cause, tally
from examples.opinion_monitoring.source import StreamText
from examples.opinion_monitoring.stream import Assessments, StreamParams, TopicAssessment


def describe_alert(
    assessment: TopicAssessment, history: Sequence[Assessments], plants: Sequence[Planted], stream_params: StreamParams
) -> str:
    """Say what an alert of the last window says, and what was planted that explains it."""
    plant = find_cause(len(history) - 1, assessment.topic, history, plants, stream_params.mostly)
    cause = _describe_plant(plant, assessment.topic)
    return f"{_when(assessment, stream_params)}: {_figures(assessment)}; planted: {cause}"


def describe_missed(
    history: Sequence[Assessments],
    plants: Sequence[Planted],
    angry: Mapping[str, Sequence[StreamText]],
    negative: Mapping[str, float],
    stream_params: StreamParams,
) -> Iterator[str]:
    """Say of each surge that was not found in its first window what it looked like to the model.

    Args:
        history: the assessments of all windows.
        plants: what was planted.
        angry: the texts that surges are made of, by topic.
        negative: how probably each text is, to the model.
        stream_params: how the stream is monitored.
    """
    for plant in (candidate for candidate in plants if candidate.kind == "surge"):
        first = find_assessment(history, plant.first, plant.topic)
        if first.verdict == "surge":
            continue
        texts = angry[plant.topic]
        share = sum(negative[text.text] for text in texts) / len(texts)
        yield (
            f"missed: {_when(first, stream_params)}: {_figures(first)}, so {first.verdict}; {_later(plant, history)}; "
            f"the model gives the {len(texts)} negative texts it is made of a mean probability of {share:.2f}"
        )


def summarize(history: Sequence[Assessments], plants: Sequence[Planted], stream_params: StreamParams) -> str:
    """Say what became of what was planted."""
    sums = tally(history, plants, stream_params.mostly)
    return (
        f"{sums.found} of {sums.planted} planted surges found in the window they began in; "
        f"{sums.false} false alerts in {sums.windows:,} windows"
    )


def _when(assessment: TopicAssessment, stream_params: StreamParams) -> str:
    start = assessment.start.astimezone(ZoneInfo(stream_params.timezone))
    return f"{start:%Y-%m-%d %H:%M} {stream_params.timezone}  {assessment.topic}"


def _figures(assessment: TopicAssessment) -> str:
    return (
        f"{assessment.count.negative:.1f} negative of {assessment.count.all} "
        f"(expected {assessment.expected:.1f}, alarm from {assessment.limit:.1f}; usual share {assessment.share:.2f})"
    )


def _describe_plant(plant: Planted | None, topic: str) -> str:
    if plant is None:
        return "nothing that explains it, a false alert"
    description = f"a {plant.kind}" if plant.topic == topic else f"part of a {plant.kind} of {plant.topic}"
    return f"{description}, mostly negative as ever" if plant.kind == "burst" else description


def _later(plant: Planted, history: Sequence[Assessments]) -> str:
    for offset in range(1, plant.windows):
        if find_assessment(history, plant.first + offset, plant.topic).verdict == "surge":
            return f"found in window {offset + 1} of {plant.windows}"
    return "never found"
