"""Simulated streams with days, weeks and bursts; and params for watching them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from examples.opinion_monitoring.stream import Count, CountWindow, StreamParams, SurgeDetector, TopicAssessment

MONDAY, HOUR, WEEK = datetime(2026, 1, 5, tzinfo=UTC), timedelta(hours=1), 168


def params(topics: int = 1, *, rate: float = 0.001, **changes: Any) -> StreamParams:
    """Return params for topics ``t0``, ``t1``, …"""
    model = {"history": 6, "learning": 2, "strength": 10, "memory": 72, "outlier": 0.001}
    fields = {
        "topics": {f"t{i}": ["x"] for i in range(topics)},
        "negative": ["negative"],
        "timezone": "UTC",
        "minutes": 60,
        "rate": rate,
        "share": 0.01,
        "mostly": 0.5,
        "least": 5,
        "confidence_level": 0.95,
        "model": model | changes.pop("model", {}),
    }
    return StreamParams.model_validate(fields | changes)


def draw_stream(topics: int, weeks: int, seed: int, burst: float = 0.05, swing: float = 0.8) -> tuple[Any, Any]:
    """Return negative and other texts, shape (windows, topics).

    Every topic has its own pace (2 to 20 a window), busiest hour and share of negative texts (.2 to .7); Saturdays and
    Sundays have .6 of it; its pace varies as a gamma of variance ``burst``, and the negative texts' once more.
    """
    draw, windows = np.random.default_rng(seed), weeks * WEEK
    hour, day = np.arange(windows)[:, None] % 24, np.arange(windows)[:, None] // 24 % 7
    pace, share, busiest = (draw.uniform(*ends, topics) for ends in ((2, 20), (0.2, 0.7), (0, 24)))
    rhythm = np.exp(swing * np.cos((hour - busiest) * np.pi / 12)) * np.where(day < 5, 1, 0.6)
    pace_noise, share_noise = draw.gamma(1 / burst, burst, (2, windows, topics))
    mean = pace * rhythm * pace_noise
    return draw.poisson(mean * share * share_noise), draw.poisson(mean * (1 - share))


def judge_stream(negative: Any, neutral: Any, stream_params: StreamParams) -> Iterator[tuple[TopicAssessment, ...]]:
    """Yield the assessments of each window."""
    detector = SurgeDetector(stream_params)
    for i, (negative_counts, neutral_counts) in enumerate(zip(negative.tolist(), neutral.tolist(), strict=True)):
        topics = {
            f"t{k}": Count(num_negative, num_negative + num_neutral)
            for k, (num_negative, num_neutral) in enumerate(zip(negative_counts, neutral_counts, strict=True))
        }
        yield detector.assess(
            CountWindow(
                MONDAY + i * HOUR, Count(sum(negative_counts), sum(negative_counts) + sum(neutral_counts)), topics
            )
        )
