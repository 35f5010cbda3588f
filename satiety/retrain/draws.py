"""The record of answers -> a random sample of answered texts for people to label, and whose labels may promote.

What people say of answers by themselves is about wrong ones, and tells nothing of the rest. Labels of a sample that
chance drew do, if all of it is labelled: who leaves out what is hard to tell leaves out what models get wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from satiety.core.inputs import content_id
from satiety.core.records import LabelRequest, Served

COMPLETE = 0.95
"""Share of a draw that must be labelled before its labels count as random."""


@dataclass(frozen=True, slots=True)
class Draw:
    """How far a draw is labelled."""

    name: str
    size: int
    labelled: int

    @property
    def is_complete(self) -> bool:
        """Whether so many of its texts are labelled that the rest hardly matters."""
        return self.labelled >= COMPLETE * self.size


def sample_answers(answers: Sequence[Served], drawn_ids: Collection[str], count: int, rng: Random) -> list[Served]:
    """Return answers to ``count`` texts, fewer where there are fewer: each text once, and none that was drawn before.

    Args:
        answers: in order of arrival; of equal texts the last one counts.
        drawn_ids: ids of answers that earlier draws have.
        count: how many.
        rng: decides.
    """
    latest = {content_id(row.named_inputs): row for row in answers}
    drawn_texts = {content_id(row.named_inputs) for row in answers if row.id in drawn_ids}
    candidates = [row for text, row in sorted(latest.items()) if text not in drawn_texts]
    return rng.sample(candidates, min(count, len(candidates)))


def count_draws(drawn_rows: Iterable[LabelRequest], labelled: Collection[str]) -> list[Draw]:
    """Return every draw, with how many of its answers have a label."""
    rows = list(drawn_rows)
    sizes = Counter(row.draw for row in rows)
    counts = Counter(row.draw for row in rows if row.id in labelled)
    return [Draw(name, size, counts[name]) for name, size in sizes.items()]


def collect_random_ids(drawn_rows: Iterable[LabelRequest], labelled: Collection[str]) -> frozenset[str]:
    """Return the ids of the answers whose labels count as random: those of draws that are complete."""
    rows = list(drawn_rows)
    complete = {draw.name for draw in count_draws(rows, labelled) if draw.is_complete}
    return frozenset(row.id for row in rows if row.draw in complete)
