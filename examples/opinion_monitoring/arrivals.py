"""Texts without a time -> a stream with days, weeks, bursts, and planted surges whose time and topic are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import numpy as np

from examples.opinion_monitoring.source import Replay, StreamText
from examples.opinion_monitoring.stream import StreamParams

if TYPE_CHECKING:
    from satiety.problems.base import Floats

Kind = Literal["surge", "burst", "growth"]
"""A surge of negative texts; a burst of a topic, or growth of the whole stream, with negative ones as usual."""
KINDS: tuple[Kind, ...] = ("surge", "burst", "growth")
WEEK, MINUTES = 7, 1440


@dataclass(frozen=True, slots=True)
class Planted:
    """What was put into the stream."""

    kind: Kind
    topic: str
    """Empty for growth."""
    first: int
    """Window in which it begins, from 0."""
    windows: int
    related_topics: frozenset[str] = frozenset()
    """Other topics that enough of its texts are about to surge with it: of hotels, rooms and breakfasts."""

    def covers(self, window: int) -> bool:
        return self.first <= window < self.first + self.windows


@dataclass(frozen=True, slots=True)
class Arrival:
    """A text that comes."""

    time: datetime
    text: StreamText


def draw_plants(texts: Sequence[StreamText], stream_params: StreamParams, params: Replay) -> list[Planted]:
    """Return what is planted, in order of time: anywhere after learning, never two at once; topics in turn."""
    pools = angry(texts, stream_params)
    able = [name for name in stream_params.topics if len(pools.get(name, [])) >= params.distinct]
    draw = np.random.default_rng([params.seed, 1])
    day = MINUTES // stream_params.minutes
    kinds = [kind for kind in KINDS for _ in range(params.planted if able else 0)]
    first, last = stream_params.model.learning * WEEK * day, params.weeks * WEEK * day
    room = (last - first) // max(1, len(kinds))
    topics = [name for _ in range(len(kinds)) for name in draw.permutation(able)]
    draw.shuffle(kinds)
    plants = [
        Planted(
            kind=kind,
            topic="" if kind == "growth" else str(topics.pop()),
            first=first + i * room + int(draw.integers(max(1, room - 2 * params.windows))),
            windows=params.windows,
        )
        for i, kind in enumerate(kinds)
    ]
    return _add_related_topics(plants, texts, stream_params, params)


def _add_related_topics(
    plants: Sequence[Planted], texts: Sequence[StreamText], stream_params: StreamParams, params: Replay
) -> list[Planted]:
    """Return the same, each knowing the other topics of which its texts bring ``least`` a window or more."""
    pools, bad = _pools(texts), angry(texts, stream_params)
    extra_rate = params.size * params.pace / len(pools)

    def find_related(plant: Planted) -> frozenset[str]:
        pool = (bad if plant.kind == "surge" else pools).get(plant.topic, [])
        negative = [text for text in pool if text.label in stream_params.negative]
        count = Counter(topic for text in negative for topic in text.topics if topic != plant.topic)
        return frozenset(topic for topic, n in count.items() if extra_rate * n / len(pool) >= stream_params.least)

    return [replace(plant, related_topics=find_related(plant)) for plant in plants]


def iterate_arrivals(
    texts: Sequence[StreamText], stream_params: StreamParams, params: Replay, plants: Sequence[Planted]
) -> Iterator[Arrival]:
    """Yield the stream, in order of time.

    Every topic has the same mean pace, its own busiest hour, and a pace that varies as a gamma; its texts are drawn
    with replacement. A surge's are drawn from those that a person calls negative.
    """
    draw, length = np.random.default_rng([params.seed, 2]), timedelta(minutes=stream_params.minutes)
    pools, bad = _pools(texts), angry(texts, stream_params)
    pace, mean = _pace(len(pools), stream_params, params, draw), params.pace / len(pools)
    for window in range(len(pace)):
        active = [plant for plant in plants if plant.covers(window)]
        coming: list[StreamText] = []
        for place, topic in enumerate(sorted(pools)):
            busy = sum(plant.kind == "growth" or (plant.kind, plant.topic) == ("burst", topic) for plant in active)
            surplus = params.size * mean * sum((plant.kind, plant.topic) == ("surge", topic) for plant in active)
            coming += _draw_texts(pools[topic], draw.poisson(pace[window, place] * (1 + params.size * busy)), draw)
            coming += _draw_texts(bad.get(topic, []), draw.poisson(surplus), draw)
        offsets = np.sort(draw.random(len(coming)))
        order = draw.permutation(len(coming))
        for i, offset in zip(order, offsets, strict=True):
            yield Arrival(params.begins + (window + float(offset)) * length, coming[i])
    yield Arrival(params.begins + len(pace) * length, texts[0])  # so that the last window ends


def angry(texts: Iterable[StreamText], stream_params: StreamParams) -> dict[str, list[StreamText]]:
    """Return the texts that a person calls negative, by the first of their topics: what surges are made of."""
    return _pools(text for text in texts if text.label in stream_params.negative)


def _pools(texts: Iterable[StreamText]) -> dict[str, list[StreamText]]:
    """Return texts by the first of their topics; those of none under the empty name."""
    pools: dict[str, list[StreamText]] = {}
    for text in texts:
        pools.setdefault(text.topics[0] if text.topics else "", []).append(text)
    return pools


def _pace(topics: int, stream_params: StreamParams, params: Replay, draw: np.random.Generator) -> Floats:
    """Return how many texts each topic should have in each window, shape (windows, topics)."""
    day = MINUTES // stream_params.minutes
    window = np.arange(params.weeks * WEEK * day)[:, None]
    began = params.begins.astimezone(ZoneInfo(stream_params.timezone))
    hours = (began.hour + began.minute / 60 + window * 24 / day) % 24
    weekday = (began.weekday() + (began.hour * 60 + began.minute + window * stream_params.minutes) // MINUTES) % WEEK
    busiest = draw.uniform(8, 22, topics)
    rhythm = np.exp(params.day * np.cos((hours - busiest) * 2 * np.pi / 24)) * np.where(weekday < 5, 1, params.weekend)
    chance = draw.gamma(1 / params.burst, params.burst, rhythm.shape) if params.burst else 1.0
    pace: Floats = params.pace / topics * rhythm / rhythm.mean(axis=0) * chance
    return pace


def _draw_texts(pool: Sequence[StreamText], count: int, draw: np.random.Generator) -> list[StreamText]:
    return [pool[i] for i in draw.integers(len(pool), size=count)] if pool else []
