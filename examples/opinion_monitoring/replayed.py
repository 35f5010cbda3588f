"""What was planted, and what the watch said -> what was found, how soon, and what was a false alert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from examples.opinion_monitoring.arrivals import Planted, arrivals
from examples.opinion_monitoring.source import Replay, Text
from examples.opinion_monitoring.stream import Opinion, Reading, Watch, Watching, windows

Readings = tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one replay."""

    planted: int
    """Surges."""
    found: int
    """Of them, in the window in which they begin."""
    traffic: int
    """Of them, taken for more traffic in that window."""
    bursts: int
    """Of a topic whose texts are mostly negative anyway: more of them is a surge, too."""
    told: int
    """Of these bursts, in any of their windows."""
    false: int
    """Other alerts, where no surge of texts about their topic was planted: in growth, in other bursts, in nothing."""
    windows: int
    """That were judged."""


def readings(
    texts: Sequence[Text],
    negative: Mapping[str, float],
    watch: Watching,
    params: Replay,
    plants: Sequence[Planted],
) -> Iterator[Readings]:
    """Yield what each window of a replay says; ``negative`` is how probably a text is, to the model."""
    coming = arrivals(texts, watch, params, plants)
    opinions = (Opinion(one.time, one.text.topics, negative[one.text.text]) for one in coming)
    judge = Watch(watch)
    for window in windows(opinions, timedelta(minutes=watch.minutes)):
        yield judge.judge(window)


def tally(told: Sequence[Readings], plants: Sequence[Planted], mostly: float) -> Tally:
    """Hold what was said against what was planted; ``mostly`` as in the params of the watch."""
    surges = [one for one in plants if one.kind == "surge"]
    bad = [one for one in plants if one.kind == "burst" and _explains(one, told, mostly)]
    first = [reading(told, one.first, one.topic).verdict for one in surges]
    alerts = [(place, one.topic) for place, window in enumerate(told) for one in window if one.begins]
    causes = [cause(place, topic, told, plants, mostly) for place, topic in alerts]
    return Tally(
        planted=len(surges),
        found=first.count("surge"),
        traffic=first.count("more traffic"),
        bursts=len(bad),
        told=sum(one in causes for one in bad),
        false=causes.count(None),
        windows=sum(window[0].verdict != "too little history" for window in told),
    )


def cause(place: int, topic: str, told: Sequence[Readings], plants: Sequence[Planted], mostly: float) -> Planted | None:
    """Return what was planted that explains an alert on a topic in a window; of a false alert, nothing."""
    of_it = (one for one in plants if one.covers(place) and topic in {one.topic, *one.also})
    return next((one for one in of_it if _explains(one, told, mostly)), None)


def reading(told: Sequence[Readings], place: int, topic: str) -> Reading:
    """Return what a window says of a topic."""
    return next(one for one in told[place] if one.topic == topic)


def _explains(plant: Planted, told: Sequence[Readings], mostly: float) -> bool:
    if plant.kind == "burst":
        return reading(told, plant.first, plant.topic).share > mostly
    return plant.kind == "surge"
