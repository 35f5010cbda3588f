"""What was planted, and what the detector reported -> what was found, how soon, and what was a false alert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from examples.opinion_monitoring.arrivals import Planted, iterate_arrivals
from examples.opinion_monitoring.source import Replay, StreamText
from examples.opinion_monitoring.stream import (
    Assessments,
    ScoredText,
    StreamParams,
    SurgeDetector,
    TopicAssessment,
    windows,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one replay."""

    planted: int
    """Surges."""
    found: int
    """Of them, in the window in which they begin."""
    traffic: int
    """Of them, taken for more traffic in that window."""
    bursts: int
    """Of a topic whose texts are mostly negative anyway: more of them is a surge, too."""
    alerted: int
    """Of these bursts, in any of their windows."""
    false: int
    """Other alerts, where no surge of texts about their topic was planted: in growth, in other bursts, in nothing."""
    windows: int
    """That were judged."""


def iterate_assessments(
    texts: Sequence[StreamText],
    negative: Mapping[str, float],
    stream_params: StreamParams,
    params: Replay,
    plants: Sequence[Planted],
) -> Iterator[Assessments]:
    """Yield the assessments of each window of a replay.

    Args:
        texts: what arrivals are drawn from.
        negative: probability of being negative by the model, by text.
        stream_params: how the stream is monitored.
        params: how the stream is made.
        plants: what is planted in it.
    """
    coming = iterate_arrivals(texts, stream_params, params, plants)
    opinions = (ScoredText(arrival.time, arrival.text.topics, negative[arrival.text.text]) for arrival in coming)
    detector = SurgeDetector(stream_params)
    for window in windows(opinions, timedelta(minutes=stream_params.minutes)):
        yield detector.assess(window)


def tally(history: Sequence[Assessments], plants: Sequence[Planted], mostly: float) -> Tally:
    """Compare what was reported with what was planted; ``mostly`` is a parameter of the stream."""
    surges = [plant for plant in plants if plant.kind == "surge"]
    bad = [plant for plant in plants if plant.kind == "burst" and _explains(plant, history, mostly)]
    first = [find_assessment(history, plant.first, plant.topic).verdict for plant in surges]
    alerts = [(place, entry.topic) for place, window in enumerate(history) for entry in window if entry.begins]
    causes = [find_cause(place, topic, history, plants, mostly) for place, topic in alerts]
    return Tally(
        planted=len(surges),
        found=first.count("surge"),
        traffic=first.count("more traffic"),
        bursts=len(bad),
        alerted=sum(plant in causes for plant in bad),
        false=causes.count(None),
        windows=sum(window[0].verdict != "too little history" for window in history),
    )


def find_cause(
    place: int, topic: str, history: Sequence[Assessments], plants: Sequence[Planted], mostly: float
) -> Planted | None:
    """Return what was planted that explains an alert on a topic in a window; of a false alert, nothing."""
    candidates = (plant for plant in plants if plant.covers(place) and topic in {plant.topic, *plant.related_topics})
    return next((plant for plant in candidates if _explains(plant, history, mostly)), None)


def find_assessment(history: Sequence[Assessments], place: int, topic: str) -> TopicAssessment:
    """Return the assessment of a topic in a window."""
    return next(entry for entry in history[place] if entry.topic == topic)


def _explains(plant: Planted, history: Sequence[Assessments], mostly: float) -> bool:
    if plant.kind == "burst":
        return find_assessment(history, plant.first, plant.topic).share > mostly
    return plant.kind == "surge"
