"""Traffic log -> random sample of answered texts to label, and the samples whose labels may promote a model.

People mostly correct wrong answers, so volunteered corrections are a biased sample. Labels of a random sample are
unbiased if the whole sample is labelled: texts that people skip are hard, and models get hard texts wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from satiety.core.inputs import content_id
from satiety.core.records import LabelRequest, Served

COMPLETE = 0.95
"""Share of a draw that must be labelled before its labels count as a random sample."""


@dataclass(frozen=True, slots=True)
class Draw:
    """A random sample of answers and its labelling progress."""

    name: str
    size: int
    labelled: int

    @property
    def is_complete(self) -> bool:
        """Whether at least the share ``COMPLETE`` of its texts is labelled."""
        return self.labelled >= COMPLETE * self.size


def sample_answers(answers: Sequence[Served], drawn_ids: Collection[str], count: int, rng: Random) -> list[Served]:
    """Return answers to at most ``count`` distinct texts, none of which was drawn before.

    Args:
        answers: in order of arrival; the last answer to a text counts.
        drawn_ids: ids of the answers in earlier draws.
        count: sample size.
        rng: source of randomness.
    """
    latest = {content_id(row.named_inputs): row for row in answers}
    drawn_texts = {content_id(row.named_inputs) for row in answers if row.id in drawn_ids}
    candidates = [row for text, row in sorted(latest.items()) if text not in drawn_texts]
    return rng.sample(candidates, min(count, len(candidates)))


def count_draws(drawn_rows: Iterable[LabelRequest], labelled: Collection[str]) -> list[Draw]:
    """Return every draw with its size and its number of labelled answers."""
    rows = list(drawn_rows)
    sizes = Counter(row.draw for row in rows)
    counts = Counter(row.draw for row in rows if row.id in labelled)
    return [Draw(name, size, counts[name]) for name, size in sizes.items()]


def collect_random_ids(drawn_rows: Iterable[LabelRequest], labelled: Collection[str]) -> frozenset[str]:
    """Return the ids of the answers in complete draws, whose labels count as a random sample."""
    rows = list(drawn_rows)
    complete = {draw.name for draw in count_draws(rows, labelled) if draw.is_complete}
    return frozenset(row.id for row in rows if row.draw in complete)
