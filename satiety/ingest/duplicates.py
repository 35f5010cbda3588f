"""Resolve conflicting labels and drop duplicates.

The result is independent of the order of rows and files. Records are sorted by priority, then id: test first, then dev,
other labelled texts, extra ones, and raw documents last. So a frozen test set stays complete.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from satiety.core.answers import Answer
from satiety.core.inputs import texts_of
from satiety.core.normalization import normalise
from satiety.core.records import Destination, Document, Example, Rejection
from satiety.ingest.clean import reject
from satiety.text.deduplication import find_duplicates, jaccard

Policy = Literal["drop", "majority"]
Merge = Callable[[Sequence[Answer]], Answer | None]
_PRIORITY = {"test": 0, "dev": 1, "extra": 3}
"""Sort key by split: the duplicate with the lower one is kept; other labelled texts have 2."""
R = TypeVar("R", Example, Document)


def resolve_conflicts(
    examples: Sequence[Example], policy: Policy, merge: Merge = lambda _: None
) -> tuple[list[Example], list[Rejection]]:
    """Return the examples with a unique answer per text, and the rejected ones.

    Args:
        examples: examples, of which several may have the same text.
        policy: for texts with several answers: drop all, or keep the answer of more than half of the rows.
        merge: combines several correct answers into one (``Problem.merge``), or returns None.
    """
    by_text: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_text[example.id].append(example)
    consistent: list[Example] = []
    rejected: list[Rejection] = []
    for group in by_text.values():
        answers = Counter(example.answer for example in group)
        answer, count = answers.most_common(1)[0]
        if len(answers) == 1:
            consistent += group
            continue
        if (merged := merge([example.answer for example in group if example.answer])) is not None:
            consistent += [replace(example, answer=merged) for example in group]
            continue
        has_majority = policy == "majority" and count * 2 > len(group)
        consistent += [e for e in group if has_majority and e.answer == answer]
        quotes = [f"{str(option)[:80] or '(empty)'} ×{count}" for option, count in answers.most_common(5)]
        detail = "the same text has several answers: " + ", ".join(quotes)
        rejected += [reject(e, "conflict", detail) for e in group if not has_majority or e.answer != answer]
    return consistent, rejected


def drop_duplicates(
    examples: Sequence[Example], documents: Sequence[Document], bindings: Mapping[str, Destination], threshold: float
) -> tuple[list[Example], list[Document], list[Rejection]]:
    """Return the unique examples and documents, in order of id, and the rejected duplicates."""
    labelled = sorted(examples, key=lambda e: (_PRIORITY.get(bindings.get(e.source, ""), 2), e.id, e.text, e.source))
    raw = sorted(documents, key=lambda d: (d.id, d.text, d.source))
    records: list[Example | Document] = [*labelled, *raw]
    by_id = {example.id: example for example in reversed(labelled)}
    unique: list[Example | Document] = []
    rejected: list[Rejection] = []
    for record, duplicate in zip(records, find_duplicates(((r.id, r.text) for r in records), threshold), strict=True):
        if duplicate.twin is None or not _is_duplicate(record, by_id.get(duplicate.twin), threshold):
            unique.append(record)
        elif duplicate.exact:
            rejected.append(reject(record, "duplicate", "same text", duplicate.twin))
        else:
            rejected.append(reject(record, "near_duplicate", f"similarity at least {threshold}", duplicate.twin))
    return _select_kind(unique, Example), _select_kind(unique, Document), rejected


def _is_duplicate(record: Example | Document, twin: Example | None, threshold: float) -> bool:
    """Return whether every text duplicates the twin's: two questions on one context are two examples."""
    if not isinstance(record, Example) or twin is None or len(record.inputs) == 1:
        return True
    pairs = zip(texts_of(record.inputs), texts_of(twin.inputs), strict=False)
    return all(a == b or jaccard(a, b) >= threshold for a, b in (map(normalise, pair) for pair in pairs))


def _select_kind(records: Sequence[Example | Document], kind: type[R]) -> list[R]:
    return sorted((record for record in records if isinstance(record, kind)), key=lambda record: record.id)
