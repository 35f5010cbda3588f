"""Windows -> surges: more negative texts of a topic than expected, and not only because of more traffic.

The expectation is the usual count of the topic at that time of the week and at its present level. It is multiplied by
the growth, if any, of the stream's other texts at the same time. A count is too high if it exceeds a limit, which at
most a share ``rate`` of windows without a surge exceeds for any topic (Bonferroni). It is a surge if the share of
negative texts is significantly above the topic's usual one, or if significantly most texts beyond expectation are
negative. Otherwise it is more traffic.

Sources: Farrington et al. 1996, Journal of the Royal Statistical Society A 159:547, and Noufaily et al. 2013,
Statistics in Medicine 32:1206: outbreaks as counts above the tail of an over-dispersed seasonal baseline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import numpy as np

from examples.opinion_monitoring.stream.baseline import Baseline, Expected
from examples.opinion_monitoring.stream.section import DAY
from examples.opinion_monitoring.stream.share import Shares, TopicCounts
from examples.opinion_monitoring.stream.tail import chance, find_limit
from examples.opinion_monitoring.stream.windows import Count, CountWindow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from examples.opinion_monitoring.stream.section import StreamParams
    from satiety.problems.base import Floats

KINDS = 3
"""Of a topic there are counted: negative texts, others, and texts elsewhere that are not negative."""
Verdict = Literal["too little history", "as expected", "more traffic", "surge"]


@dataclass(frozen=True, slots=True)
class TopicAssessment:
    """Assessment of a topic in one window."""

    start: datetime
    topic: str
    count: Count
    expected: float
    """Negative texts, growth elsewhere included."""
    limit: float
    """Negative texts from which on there is an alarm."""
    share: float
    """Of negative texts among the topic's, as is usual."""
    growth: float
    """Of what is said elsewhere; 1 where it did not grow."""
    p: float
    """Chance of so many negative texts or more."""
    verdict: Verdict
    begins: bool
    """Whether it is a surge, and the window before was none: an alert."""


Assessments = tuple[TopicAssessment, ...]
"""Of a window: an assessment of each topic, in order."""


def local(assessment: TopicAssessment, zone: ZoneInfo) -> TopicAssessment:
    """Return the assessment with its time as clocks show it there."""
    return replace(assessment, start=assessment.start.astimezone(zone))


class SurgeDetector:
    """Assesses the windows of a stream, each by those before it."""

    def __init__(self, params: StreamParams) -> None:
        self.params, self.topics = params, tuple(params.topics)
        self.zone, count = ZoneInfo(params.timezone), len(self.topics)
        self.baseline = Baseline(KINDS * count, DAY // params.minutes, params.model)
        self.shares = Shares(count, params.model.memory, params.model.strength)
        self._last: list[Verdict] = ["too little history"] * count

    def assess(self, window: CountWindow) -> Assessments:
        """Return an assessment per topic, in order; then learn from the window."""
        local, counts = window.start.astimezone(self.zone), [window.topics.get(name, Count()) for name in self.topics]
        topic_counts, count = TopicCounts.from_counts(counts), len(counts)
        elsewhere = np.maximum(0, window.whole.other - topic_counts.other)
        expected = self.baseline.forecast(local)
        negative, not_negative, background = (expected.part(i * count, count) for i in range(KINDS))
        strength = self.params.model.strength
        growth = np.maximum(1, (elsewhere + strength) / (background.mean + strength))
        growth_variance = (
            background.dispersion + 1 / (elsewhere + strength) + (strength / (background.mean + strength)) ** 2
        )
        dispersion = (
            negative.dispersion + (1 - 1 / growth) ** 2 * growth_variance
        )  # of the growth's excess, not of what is usual
        likely = Expected(negative.mean * growth, dispersion, negative.heaviness)
        bad = self._find_worse(topic_counts, likely.mean, not_negative.mean * growth)
        assessments = tuple(self._iterate_assessments(window.start, counts, growth, likely, bad))
        observed = np.concatenate([topic_counts.negative, topic_counts.other, elsewhere])
        self.baseline.learn(local, observed, np.concatenate([growth, growth, np.ones_like(growth)]))
        self._learn_shares(topic_counts, assessments)
        self._last = [assessment.verdict for assessment in assessments]
        return assessments

    def _learn_shares(self, topic_counts: TopicCounts, assessments: Assessments) -> None:
        """Learn the shares of what is no surge, and how they vary from what is likely."""
        calm = np.array([assessment.verdict != "surge" for assessment in assessments])
        chance = self.shares.chance(topic_counts.negative, topic_counts.all, self.shares.usual, topic_counts.hardness)
        likely = chance >= self.params.model.outlier
        self.shares.learn(topic_counts, calm, calm & likely & self.baseline.is_reliable)

    def _iterate_assessments(
        self, start: datetime, counts: list[Count], growth: Floats, likely: Expected, bad: NDArray[np.bool_]
    ) -> Iterator[TopicAssessment]:
        rate, usual = self.params.rate / len(self.topics), self.shares.usual
        p, limit = chance(TopicCounts.from_counts(counts).negative, likely), find_limit(likely, rate)
        for i, topic in enumerate(self.topics):
            verdict = self._verdict(counts[i], p[i] <= rate, bad[i])
            yield TopicAssessment(
                start=start,
                topic=topic,
                count=counts[i],
                expected=float(likely.mean[i]),
                limit=float(max(limit[i], self.params.least)),
                share=float(usual[i]),
                growth=float(growth[i]),
                p=float(p[i]),
                verdict=verdict,
                begins=verdict == "surge" and self._last[i] != "surge",
            )

    def _find_worse(self, topic_counts: TopicCounts, *expected: Floats) -> NDArray[np.bool_]:
        """Return of which topics all texts are too negative to be usual, or what is beyond expectation."""
        beyond = np.maximum(0, np.stack([topic_counts.negative, topic_counts.other]) - expected)
        whole = self.shares.chance(topic_counts.negative, topic_counts.all, self.shares.usual, topic_counts.hardness)
        excess = self.shares.chance(beyond[0], beyond.sum(axis=0), self.params.mostly, topic_counts.hardness)
        return np.minimum(whole, excess) <= self.params.share

    def _verdict(self, count: Count, many: bool, bad: bool) -> Verdict:
        if not self.baseline.is_ready:
            return "too little history"
        if not many or count.negative < self.params.least:
            return "as expected"
        return "surge" if bad else "more traffic"
