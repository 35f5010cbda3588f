"""Examples and documents -> one of each text, and which ones went for which twin.

What stays does not depend on the order of rows or files: records are taken by id, and labelled ones before raw ones,
those of test before the rest and added ones last, so that a test once frozen stays whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from satiety.answers import Answer
from satiety.ingest.clean import reject
from satiety.inputs import texts_of
from satiety.neardup import similarity, twins
from satiety.records import Bound, Document, Example, Rejected
from satiety.words import normalise

Policy = Literal["drop", "majority"]
Merge = Callable[[Sequence[Answer]], Answer | None]
_ORDER = {"test": 0, "dev": 1, "added": 3}
"""Who stays; in between are all others."""
R = TypeVar("R", Example, Document)


def settle_conflicts(
    examples: Sequence[Example], policy: Policy, merge: Merge = lambda _: None
) -> tuple[list[Example], list[Rejected]]:
    """Return the examples whose text has one answer, and the rest: those of a text with two.

    With ``majority`` the answer that more than half of a text's rows give stays.

    Args:
        examples: of which several may have one text.
        policy: for those that differ in their answers.
        merge: makes one answer of several that are all right (``Problem.merge``), or none.
    """
    by_text: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_text[example.id].append(example)
    kept: list[Example] = []
    rejected: list[Rejected] = []
    for same in by_text.values():
        answers = Counter(example.answer for example in same)
        answer, count = answers.most_common(1)[0]
        if len(answers) == 1:
            kept += same
            continue
        if (one := merge([example.answer for example in same if example.answer])) is not None:
            kept += [replace(example, answer=one) for example in same]
            continue
        wins = policy == "majority" and count * 2 > len(same)
        kept += [e for e in same if wins and e.answer == answer]
        detail = _quoted(answers)
        rejected += [reject(e, "conflict", detail) for e in same if not wins or e.answer != answer]
    return kept, rejected


def drop_twins(
    examples: Sequence[Example], documents: Sequence[Document], bound: Mapping[str, Bound], threshold: float
) -> tuple[list[Example], list[Document], list[Rejected]]:
    """Return the examples and documents that repeat no other, in order of id, and those that do."""
    ordered = sorted(examples, key=lambda e: (_ORDER.get(bound.get(e.source, ""), 2), e.id, e.text, e.source))
    raw = sorted(documents, key=lambda d: (d.id, d.text, d.source))
    records: list[Example | Document] = [*ordered, *raw]
    by_id = {example.id: example for example in reversed(ordered)}
    kept: list[Example | Document] = []
    rejected: list[Rejected] = []
    for record, verdict in zip(records, twins(((r.id, r.text) for r in records), threshold), strict=True):
        if verdict.twin is None or not _alike(record, by_id.get(verdict.twin), threshold):
            kept.append(record)
        elif verdict.exact:
            rejected.append(reject(record, "duplicate", "the same text", verdict.twin))
        else:
            rejected.append(reject(record, "near_duplicate", f"similarity of {threshold} or more", verdict.twin))
    return _only(kept, Example), _only(kept, Document), rejected


def _alike(record: Example | Document, twin: Example | None, threshold: float) -> bool:
    """Return whether each text repeats that of the twin: two questions on one context are two examples."""
    if not isinstance(record, Example) or twin is None or len(record.inputs) == 1:
        return True
    pairs = zip(texts_of(record.inputs), texts_of(twin.inputs), strict=False)
    return all(a == b or similarity(a, b) >= threshold for a, b in (map(normalise, pair) for pair in pairs))


def _only(records: Sequence[Example | Document], kind: type[R]) -> list[R]:
    return sorted((record for record in records if isinstance(record, kind)), key=lambda record: record.id)


def _quoted(answers: Counter[Answer | None]) -> str:
    shown = [f"{str(answer)[:80] or 'nothing'} ×{count}" for answer, count in answers.most_common(5)]
    return "the same text is labelled: " + ", ".join(shown)
