"""The whole of ingest: params -> examples, documents, the settled problem, and an account of what was done."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from satiety.errors import DataError
from satiety.ingest import Ingest
from satiety.ingest.duplicates import drop_twins, settle_conflicts
from satiety.ingest.language import languages
from satiety.ingest.load import Loaded, load
from satiety.ingest.split import Divided, divide, tie
from satiety.problems.base import Problem
from satiety.records import Document, Example, Rejected

SPARED = 0.05
"""Share of the labelled texts that may be lost to closeness with dev or test before that is a warning."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Harvest:
    """What ingest made of the sources."""

    read: int
    """Rows read; every one is below."""
    problem: Problem
    """With its label set fixed."""
    examples: list[Example]
    documents: list[Document]
    rejected: list[Rejected]
    account: Mapping[str, Any]
    """Counts for the report."""


def harvest(params: Ingest, raw: Path) -> Harvest:
    """Read the sources, clean and divide them.

    Raises:
        AssetError: a source is missing, unpinned, or changed.
        DataError: a file is not readable, or there are not enough labelled texts.
    """
    loaded = load(params.labelled, params.corpus, params.problem, params.limits, params.mask, raw)
    single, conflicting = settle_conflicts(loaded.examples, params.conflicts, params.problem.merge)
    unique, documents, twins = drop_twins(single, loaded.documents, loaded.bound, params.near_duplicate)
    rejected = [*loaded.rejected, *conflicting, *twins]
    if not unique:
        raise DataError(f"ingest: no labelled text is left of {len(loaded.examples):,}: {_reasons(rejected)}")
    problem = params.problem.settle(unique)
    told = languages([e.text for e in unique] + [d.text for d in documents])
    unique = [replace(e, language=code) for e, code in zip(unique, told, strict=False)]
    documents = [replace(d, language=code) for d, code in zip(documents, told[len(unique) :], strict=True)]
    divided = divide(
        unique, tie(unique, min(params.near_group, params.near_duplicate)), loaded.bound, problem.stratum,
        seed=params.seed, test=params.test, budget=params.budget, dev=params.dev,
    )  # fmt: skip
    _warn_of_straddlers(divided, len(unique))
    documents = sorted([*documents, *divided.hidden], key=lambda document: document.id)
    rejected += divided.rejected
    account = _account(loaded, problem, divided, documents, rejected)
    return Harvest(loaded.read, problem, divided.examples, documents, rejected, account)


def _account(
    loaded: Loaded, problem: Problem, divided: Divided, documents: Sequence[Document], rejected: Sequence[Rejected]
) -> dict[str, Any]:
    labels = {
        split: Counter(problem.stratum(e) for e in divided.examples if e.split == split)
        for split in ("train", "dev", "test")
    }
    unmeasured = sorted(set(labels["train"]) - set(labels["test"]))
    if unmeasured:
        log.warning("too rare to be in test: %s", ", ".join(name or "(nothing)" for name in unmeasured[:20]))
    return {
        "splits": {split: counts.total() for split, counts in labels.items()},
        "strata": {split: dict(sorted(counts.items())) for split, counts in labels.items()},
        "unmeasured": len(unmeasured),
        "corpus": len(documents),
        "hidden": len(divided.hidden),
        "groups": len({example.group for example in divided.examples}),
        "rejected": dict(sorted(Counter(record.reason for record in rejected).items())),
        "masked": dict(sorted(loaded.masked.items())),
        "repairs": dict(sorted(loaded.repairs.items())),
        "languages": {
            "labelled": dict(Counter(e.language for e in divided.examples).most_common()),
            "corpus": dict(Counter(d.language for d in documents).most_common()),
        },
    }


def _warn_of_straddlers(divided: Divided, labelled: int) -> None:
    straddlers = sum(record.reason == "straddles" for record in divided.rejected)
    if straddlers > SPARED * labelled:
        log.warning(
            "%s of %s labelled texts are close to a text of dev or test, so nothing is learned from them; where they "
            "are too many, raise ingest.near_group, or lower ingest.test",
            f"{straddlers:,}",
            f"{labelled:,}",
        )


def _reasons(rejected: Sequence[Rejected]) -> str:
    counts = Counter(record.reason for record in rejected).most_common(5)
    first = {record.reason: f"{record.source}: {record.detail}" for record in reversed(rejected)}
    return "; ".join(f"{count:,} {reason} (such as {first[reason][:200]})" for reason, count in counts)
