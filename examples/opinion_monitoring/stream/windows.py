"""Texts in time -> how many negative and other ones there were, window by window and topic by topic, in one pass.

A text counts as far as it is probably negative: a model that is not sure of one text may well be of a hundred.
Answers alone, 0 or 1, hide that, and of a topic it knows little of they are hardly ever "negative".
Source: Bella et al. 2010, IEEE ICDM, "Quantification via probability estimators" (probability average).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from satiety.core.errors import DataError

FIRST = datetime.min.replace(tzinfo=UTC)
"""From which windows are counted: they begin at whole hours, whenever counting began."""
MOST = 100_000
"""Empty windows in a row: a longer silence is a wrong clock."""
SLACK = 1e-6
"""By which a sum of probabilities may miss 0 or 1."""


@dataclass(frozen=True, slots=True)
class ScoredText:
    """A text: its time, its topics, and the probability that it is negative."""

    time: datetime
    """With a time zone."""
    topics: tuple[str, ...]
    negative: float
    """Probability that it is; of an answer without one, 0 or 1."""


@dataclass(frozen=True, slots=True)
class Count:
    """Texts of a topic, or of all."""

    negative: float = 0
    """Sum of the probabilities."""
    all: int = 0
    variance: float = 0
    """Sum of p · (1 − p): by how much the negative ones may vary beside their expectation; of answers alone, 0."""

    @property
    def other(self) -> float:
        return self.all - self.negative

    def plus(self, negative: float) -> Count:
        """Return the count with one text more."""
        return Count(self.negative + negative, self.all + 1, self.variance + negative * (1 - negative))


@dataclass(frozen=True, slots=True)
class CountWindow:
    """Counts of the texts from ``start`` on, for the length of a window."""

    start: datetime
    """UTC."""
    whole: Count
    """Each text once, those of no topic too."""
    topics: Mapping[str, Count] = field(default_factory=dict)
    """A text of two topics counts in both; a topic without texts is missing."""


class WindowCounter:
    """Counts the texts of the open window; memory is that of its counts."""

    def __init__(self, length: timedelta) -> None:
        self.length, self._start = length, FIRST
        self._open = False
        self._topics: dict[str, Count] = {}
        self._whole = Count()

    def add(self, opinion: ScoredText) -> Iterator[CountWindow]:
        """Count a text; yield the windows that ended before it, empty ones too.

        A text that comes late is counted when it comes: no window changes once it is yielded.

        Raises:
            DataError: its time has no zone or lies further ahead than a stream can be silent; its probability is none.
        """
        if not -SLACK <= opinion.negative <= 1 + SLACK:
            raise DataError(f"stream: {opinion.negative} is no probability of being negative; they are from 0 to 1")
        if opinion.time.tzinfo is None:
            raise DataError(f"stream: {opinion.time.isoformat()} has no time zone; write +00:00 behind times of UTC")
        yield from self.until(opinion.time)
        negative = min(max(opinion.negative, 0), 1)
        self._whole = self._whole.plus(negative)
        for topic in opinion.topics:
            self._topics[topic] = self._topics.get(topic, Count()).plus(negative)

    def until(self, time: datetime) -> Iterator[CountWindow]:
        """Yield the windows that have ended by then."""
        begins = FIRST + (time - FIRST) // self.length * self.length
        if not self._open:
            self._open, self._start = True, begins
        if begins - self._start > MOST * self.length:
            raise DataError(
                f"stream: from {self._start.isoformat()} to {time.isoformat()} nothing came; is a clock wrong?"
            )
        while self._start < begins:
            yield self._close()

    def _close(self) -> CountWindow:
        window = CountWindow(self._start, self._whole, self._topics)
        self._topics, self._whole, self._start = {}, Count(), self._start + self.length
        return window


def windows(opinions: Iterable[ScoredText], length: timedelta) -> Iterator[CountWindow]:
    """Yield every window that has ended; what is in the last one is not known yet.

    Raises:
        DataError: see :meth:`WindowCounter.add`.
    """
    counter = WindowCounter(length)
    for opinion in opinions:
        yield from counter.add(opinion)
