"""What is replayed, and how: the two blocks of the example's params; labelled texts, and which topic has which."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, Field, SerializeAsAny

from examples.opinion_monitoring.stream import StreamParams, Topics
from satiety.core.records import Example
from satiety.core.section import MAX_COUNT, Section, Seed
from satiety.ingest import LabelledSource
from satiety.ingest.base import Limits
from satiety.problems.base import PROBLEMS, Problem
from satiety.text.masking import Kind

RAW = Path("data/raw")


class Opinion(StreamParams, Section):
    """The block `opinion`."""


class Replay(Section):
    """Texts without a time -> a stream."""

    seed: Seed
    problem: SerializeAsAny[Annotated[Problem, PROBLEMS.choice()]]
    labelled: list[LabelledSource] = Field(min_length=1)
    """Where the texts come from; their labels only say which texts a surge is made of."""
    mask: list[Kind]
    limits: Limits
    texts: int = Field(ge=1, le=MAX_COUNT)
    """Of a topic, that are answered and drawn from, again and again."""
    begins: AwareDatetime
    """Where the first window starts."""
    weeks: int = Field(ge=3, le=520)
    pace: float = Field(gt=0, le=1e5)
    """Texts of a mean window; every topic, and what is of none, has as many."""
    day: float = Field(ge=0, le=3)
    """How far the log of the pace swings with the time of day."""
    weekend: float = Field(gt=0, le=10)
    """Pace of Saturdays and Sundays, in that of other days."""
    burst: float = Field(ge=0, le=10)
    """Variance of a topic's pace from window to window, its mean squared."""
    planted: int = Field(ge=0, le=1000)
    """Surges, and as many bursts of one topic and growths of the whole stream, which are no surges."""
    distinct: int = Field(ge=1, le=MAX_COUNT)
    """Negative texts that a topic needs to have a surge planted; a few over and over would be no test."""
    size: float = Field(gt=0, le=1000)
    """Negative texts that come on top in each window of a surge, in all texts of the topic's mean window."""
    windows: int = Field(ge=1, le=1000)
    """That each lasts."""


@dataclass(frozen=True, slots=True)
class StreamText:
    """A text that may come, and what it is about."""

    text: str
    topics: tuple[str, ...]
    label: str
    """What a person said of it."""


def load(params: Replay, topics: Topics) -> list[StreamText]:
    """Return the texts to draw from: of each topic, and of none, as many as the params say."""
    from satiety.ingest.load import load as read

    examples = read(params.labelled, [], params.problem, params.limits, params.mask, RAW).examples
    return list(_sample_texts(examples, topics, params))


def _sample_texts(examples: list[Example], topics: Topics, params: Replay) -> Iterator[StreamText]:
    unique = {example.text: example for example in examples if example.answer is not None}
    order = sorted(unique)
    random.Random(params.seed).shuffle(order)
    counts: dict[str, int] = {}
    for text in order:
        text_topics = topics.about(text)
        first = text_topics[0] if text_topics else ""
        if counts.setdefault(first, 0) < params.texts:
            counts[first] += 1
            yield StreamText(text, text_topics, str(unique[text].answer))
