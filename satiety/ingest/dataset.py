"""Build the dataset: params -> examples, documents, rejections, the problem with its label set, and a summary."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from satiety.core.errors import DataError
from satiety.core.records import Document, Example, Rejection
from satiety.ingest import Ingest
from satiety.ingest.duplicates import drop_duplicates, resolve_conflicts
from satiety.ingest.load import LoadedRecords, load
from satiety.ingest.split import Partition, divide, link
from satiety.problems.base import Problem
from satiety.text.language import detect_languages

MAX_STRADDLER_SHARE = 0.05
"""Largest share of labelled texts that may be dropped for similarity to dev or test without a warning."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Result of ingest."""

    row_count: int
    """Rows read: the total of examples, documents and rejections."""
    problem: Problem
    """The problem with its final label set."""
    examples: list[Example]
    documents: list[Document]
    rejected: list[Rejection]
    summary: Mapping[str, Any]
    """Counts for the report."""


def build_dataset(params: Ingest, raw: Path) -> IngestResult:
    """Read, clean and split the sources.

    Raises:
        AssetError: a source is missing, unpinned, or changed.
        DataError: a file is unreadable, or there are too few labelled texts.
    """
    loaded = load(params.labelled, params.corpus, params.problem, params.limits, params.mask, raw)
    consistent, conflicting = resolve_conflicts(loaded.examples, params.conflicts, params.problem.merge)
    unique, documents, twins = drop_duplicates(consistent, loaded.documents, loaded.bindings, params.dedup_threshold)
    rejected = [*loaded.rejected, *conflicting, *twins]
    if not unique:
        raise DataError(
            f"ingest: all {len(loaded.examples):,} labelled texts were rejected: {_format_reasons(rejected)}"
        )
    problem = params.problem.fit_labels(unique)
    codes = detect_languages([e.text for e in unique] + [d.text for d in documents])
    unique = [replace(e, language=code) for e, code in zip(unique, codes, strict=False)]
    documents = [replace(d, language=code) for d, code in zip(documents, codes[len(unique) :], strict=True)]
    partition = divide(
        unique, link(unique, min(params.group_similarity, params.dedup_threshold)), loaded.bindings, problem.stratum,
        seed=params.seed, test=params.test, budget=params.budget, dev=params.dev_share,
    )  # fmt: skip
    _warn_of_straddlers(partition, len(unique))
    documents = sorted([*documents, *partition.hidden], key=lambda document: document.id)
    rejected += partition.rejected
    summary = _build_summary(loaded, problem, partition, documents, rejected)
    return IngestResult(loaded.row_count, problem, partition.examples, documents, rejected, summary)


def _build_summary(
    loaded: LoadedRecords,
    problem: Problem,
    partition: Partition,
    documents: Sequence[Document],
    rejected: Sequence[Rejection],
) -> dict[str, Any]:
    labels = {
        split: Counter(problem.stratum(e) for e in partition.examples if e.split == split)
        for split in ("train", "dev", "test")
    }
    has_test = bool(labels["test"])
    unmeasured = sorted(set(labels["train"]) - set(labels["test"])) if has_test else []
    if not has_test:
        log.info("no test: `evaluate` scores every label by a model that has not seen it (ingest.test)")
    if unmeasured:
        log.warning("too few examples for the test split: %s", ", ".join(name or "(empty)" for name in unmeasured[:20]))
    return {
        "splits": {split: counts.total() for split, counts in labels.items()},
        "scored_on": "test" if has_test else "out_of_fold",
        "strata": {split: dict(sorted(counts.items())) for split, counts in labels.items()},
        "unmeasured": len(unmeasured),
        "corpus": len(documents),
        "hidden": len(partition.hidden),
        "groups": len({example.group for example in partition.examples}),
        "rejected": dict(sorted(Counter(record.reason for record in rejected).items())),
        "masked": dict(sorted(loaded.masked.items())),
        "repairs": dict(sorted(loaded.repairs.items())),
        "languages": {
            "labelled": dict(Counter(e.language for e in partition.examples).most_common()),
            "corpus": dict(Counter(d.language for d in documents).most_common()),
        },
    }


def _warn_of_straddlers(partition: Partition, labelled_count: int) -> None:
    straddlers = sum(record.reason == "straddles" for record in partition.rejected)
    if straddlers > MAX_STRADDLER_SHARE * labelled_count:
        log.warning(
            "%s of %s labelled texts are similar to a dev or test text and are excluded from training; raise "
            "ingest.group_similarity or lower ingest.test to keep more",
            f"{straddlers:,}",
            f"{labelled_count:,}",
        )


def _format_reasons(rejected: Sequence[Rejection]) -> str:
    counts = Counter(record.reason for record in rejected).most_common(5)
    samples = {record.reason: f"{record.source}: {record.detail}" for record in reversed(rejected)}
    return "; ".join(f"{count:,} {reason} (such as {samples[reason][:200]})" for reason, count in counts)
