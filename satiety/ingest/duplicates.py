"""Examples and documents -> one of each text, and which ones went for which twin.

What stays does not depend on the order of rows or files: records are taken by id, and labelled ones before raw ones,
those of test before the rest and added ones last, so that a test once frozen stays whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from satiety.ingest.clean import reject
from satiety.neardup import twins
from satiety.records import Bound, Document, Example, Rejected, Span

Policy = Literal["drop", "majority"]
_ORDER = {"test": 0, "dev": 1, "added": 3}
"""Who stays; in between are all others."""
R = TypeVar("R", Example, Document)


def settle_conflicts(examples: Sequence[Example], policy: Policy) -> tuple[list[Example], list[Rejected]]:
    """Return the examples whose text has one answer, and the rest: those of a text with two.

    With ``majority`` the answer that more than half of a text's rows give stays.
    """
    by_text: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        by_text[example.id].append(example)
    kept: list[Example] = []
    rejected: list[Rejected] = []
    for same in by_text.values():
        answers = Counter((example.label, example.spans) for example in same)
        answer, count = answers.most_common(1)[0]
        if len(answers) == 1:
            kept += same
            continue
        wins = policy == "majority" and count * 2 > len(same)
        kept += [e for e in same if wins and (e.label, e.spans) == answer]
        detail = _quoted(answers)
        rejected += [reject(e, "conflict", detail) for e in same if not wins or (e.label, e.spans) != answer]
    return kept, rejected


def drop_twins(
    examples: Sequence[Example], documents: Sequence[Document], bound: Mapping[str, Bound], threshold: float
) -> tuple[list[Example], list[Document], list[Rejected]]:
    """Return the examples and documents that repeat no other, in order of id, and those that do."""
    ordered = sorted(examples, key=lambda e: (_ORDER.get(bound.get(e.source, ""), 2), e.id, e.text, e.source))
    raw = sorted(documents, key=lambda d: (d.id, d.text, d.source))
    records: list[Example | Document] = [*ordered, *raw]
    kept: list[Example | Document] = []
    rejected: list[Rejected] = []
    for record, verdict in zip(records, twins(((r.id, r.text) for r in records), threshold), strict=True):
        if verdict.twin is None:
            kept.append(record)
        elif verdict.exact:
            rejected.append(reject(record, "duplicate", "the same text", verdict.twin))
        else:
            rejected.append(reject(record, "near_duplicate", f"similarity of {threshold} or more", verdict.twin))
    return _only(kept, Example), _only(kept, Document), rejected


def _only(records: Sequence[Example | Document], kind: type[R]) -> list[R]:
    return sorted((record for record in records if isinstance(record, kind)), key=lambda record: record.id)


def _quoted(answers: Counter[tuple[str | None, tuple[Span, ...]]]) -> str:
    shown = [
        f"{f'{len(spans)} spans' if label is None else label} ×{count}"
        for (label, spans), count in answers.most_common(5)
    ]
    return "the same text is labelled: " + ", ".join(shown)
