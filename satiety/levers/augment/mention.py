"""Mention replacement: a mention gives way to another one of the same type in the labelled examples.

Source: Dai & Adel 2020, "An Analysis of Simple Data Augmentation for Named Entity Recognition", arXiv:2010.11683,
section 3. Copies stay in the fold of the example whose text they have, not of the one whose mention they borrow.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from satiety.levers.augment.base import AUGMENTERS, Augmenter, Passage
from satiety.levers.augment.word_edits import assemble
from satiety.problems.base import Rewrite

if TYPE_CHECKING:
    from satiety.problems.base import Problem

    Donors = Mapping[tuple[str, str], Sequence[str]]
    """(language, type) -> distinct mentions, in alphabetical order."""


@AUGMENTERS.register("mention")
class MentionReplacement(Augmenter):
    """Replace mentions, such as names of people, by others of the same type and language in the training examples."""

    reads_labels: ClassVar = True

    probability: float = Field(gt=0, le=1, default=0.5)
    """Probability of replacing a mention. The paper chooses it for each data set."""
    copies: int = Field(ge=1, le=100, default=3)
    """Maximum number of copies of each text; a copy without a replacement is dropped."""

    def refusals(self, problem: Problem) -> list[str]:
        if problem.has_mentions:
            return []
        return [f"'mention' needs a problem whose answers are spans of a text, not {problem.kind!r}"]

    def augment(self, passages: Sequence[Passage]) -> Iterator[list[Rewrite]]:
        donors = _collect_donors(passages)
        for passage in passages:
            rng = random.Random(passage.seed)
            rewrites = [self._rewrite(passage, donors, rng) for _ in range(self.copies)]
            yield [rewrite for rewrite in rewrites if rewrite is not None]

    def _rewrite(self, passage: Passage, donors: Donors, rng: random.Random) -> Rewrite | None:
        """Return the text with other mentions; None where none is replaced."""
        substitutes: dict[tuple[int, int], str] = {}
        position = 0
        for start, end, kind in passage.mentions:
            mention = passage.text[start:end].strip()
            others = [text for text in donors[passage.language, kind] if text != mention]
            if start >= position and others and rng.random() < self.probability:
                substitutes[start, end] = rng.choice(others)
                position = end
        return replace_parts(passage.text, substitutes) if substitutes else None


def replace_parts(text: str, substitutes: Mapping[tuple[int, int], str]) -> Rewrite:
    """Return the text with parts replaced, and where each of them is now.

    Args:
        text: the text.
        substitutes: (start, end) -> new text without white space at its ends; in order, without overlap.
    """
    parts: list[tuple[int, int] | str] = []
    replacements: list[tuple[int, int, int, int]] = []
    position, length = 0, 0
    for (start, end), substitute in substitutes.items():
        parts += [(position, start), substitute]
        length += start - position
        replacements.append((start, end, length, length + len(substitute)))
        position, length = end, length + len(substitute)
    rewrite = assemble(text, [*parts, (position, len(text))])

    # the rewrite has no white space at its beginning
    head = text[: replacements[0][0]]
    margin = len(head) - len(head.lstrip())
    moved = tuple((start, end, first - margin, last - margin) for start, end, first, last in replacements)
    return Rewrite(rewrite.text, rewrite.alignment, moved)


def _collect_donors(passages: Sequence[Passage]) -> Donors:
    """Return the mentions of each language and type; their frequency does not count."""
    mentions: dict[tuple[str, str], set[str]] = defaultdict(set)
    for passage in passages:
        for start, end, kind in passage.mentions:
            mentions[passage.language, kind].add(passage.text[start:end].strip())
    return {key: sorted(filter(None, texts)) for key, texts in mentions.items()}
