"""Split labelled examples into test, dev and train; remove the labels beyond the budget.

Test is sampled first, by a hash of the seed and of the sampling unit: a single text, or a user-defined group. So it
stays stable when data is added, and near-duplicates do not change a text's probability. Texts similar to a sampled one,
but not sampled themselves, are rejected: near-duplicates stay in the same split. Then the budget is spent on dev and
train. Texts of ``extra`` sources all go to train and leave the other splits unchanged.

A test needs labels beyond the budget. Where its size is ``auto`` and they are too few for one, there is none.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from satiety.core.errors import DataError
from satiety.core.records import Destination, Document, Example, Rejection, Split
from satiety.ingest.clean import reject
from satiety.text.deduplication import group_similar

Stratum = Callable[[Example], str]
RESERVE: Mapping[Split, int] = {"test": 2, "dev": 1, "train": 0}
"""Split, in order of sampling -> examples of a stratum reserved for the later splits."""
AUTO_TEST = 2000
"""Test texts where ``ingest.test`` is ``auto`` and there are enough."""
MIN_TEST = 200
"""Fewest texts of a test drawn by ``auto``. The 95 % interval of a share is then up to 14 points wide; out of fold, the
labels of the budget are measured as well and train, too."""
TestSize = int | Literal["auto"]


@dataclass(frozen=True, slots=True)
class Partition:
    """Every labelled example, assigned to a split, the corpus or the rejections."""

    examples: list[Example]
    """Examples of test, dev and train, in that order, each by id. Examples of a split that are linked, by similarity or
    by user-defined groups, form a group named after its smallest id."""
    hidden: list[Document]
    """Examples beyond the budget, without their labels."""
    rejected: list[Rejection]
    """Texts similar to a held-out one, and surplus rows of a source with a fixed split."""


@dataclass(frozen=True, slots=True)
class Linkage:
    """Links between labelled texts, by id."""

    units: Mapping[str, str]
    """Sampling unit of a text: the user-defined group, or the text itself."""
    clusters: Mapping[str, str]
    """Single-linkage cluster of near-duplicates of a text."""

    def keys(self, example: Example) -> tuple[tuple[str, str], tuple[str, str]]:
        """Return the keys that an example shares with the examples linked to it."""
        return ("unit", self.units[example.id]), ("cluster", self.clusters[example.id])


@dataclass(frozen=True, slots=True)
class HeldOutIndex:
    """Texts of test and dev, by their link keys."""

    by_key: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, example: Example, linkage: Linkage) -> None:
        """Add a held-out example."""
        for key in linkage.keys(example):
            self.by_key.setdefault(key, example.id)

    def find_linked(self, example: Example, linkage: Linkage) -> str | None:
        """Return the id of a held-out text linked to this example, or None."""
        return next((self.by_key[key] for key in linkage.keys(example) if key in self.by_key), None)


def link(examples: Sequence[Example], similarity: float) -> Linkage:
    """Link examples by user-defined groups and by similarity.

    Args:
        examples: unique texts.
        similarity: Jaccard similarity of character 5-grams from which two texts are linked.
    """
    clusters = group_similar([example.text for example in examples], similarity)
    return Linkage(
        {example.id: f"group {example.group}" if example.group else example.id for example in examples},
        {example.id: examples[representative].id for example, representative in zip(examples, clusters, strict=True)},
    )


def divide(
    examples: Sequence[Example],
    linkage: Linkage,
    bindings: Mapping[str, Destination],
    stratum: Stratum,
    *,
    seed: int,
    test: TestSize,
    budget: int,
    dev: float,
) -> Partition:
    """Split examples; those whose source is in ``bindings`` can only go to that split.

    Args:
        examples: unique examples.
        linkage: links between the examples.
        bindings: source -> its fixed split.
        stratum: stratum of an example.
        seed: random seed.
        test: number of test examples; ``auto``: see `AUTO_TEST` and `MIN_TEST`.
        budget: number of labels for train and dev.
        dev: share of the budget for dev.

    Raises:
        DataError: there are too few labelled texts, or too many are similar to each other.
    """
    pools: dict[Destination | None, list[Example]] = {None: [], "test": [], "dev": [], "train": [], "extra": []}
    for example in sorted(examples, key=lambda e: e.id):
        pools[bindings.get(example.source)].append(example)
    sizes = _compute_sizes(pools, test, budget, dev)
    assignment, held_out = _assign(pools, linkage, stratum, seed, sizes)

    # Near-duplicates of test texts cannot train: a test of all that the budget leaves may cost labels of the budget.
    while test == "auto" and sizes["test"] and not pools["test"] and (lack := _count_missing(assignment, sizes)):
        sizes = {**sizes, "test": _round_down(sizes["test"] - lack)}
        assignment, held_out = _assign(pools, linkage, stratum, seed, sizes)

    counts = Counter(assignment.values())
    for split, size in sizes.items():
        _check_enough(split, counts[split], size)
    assignment |= {e.id: "train" for e in pools["extra"] if held_out.find_linked(e, linkage) is None}
    return _build_partition(pools, assignment, held_out, linkage)


def _assign(
    pools: Mapping[Destination | None, Sequence[Example]],
    linkage: Linkage,
    stratum: Stratum,
    seed: int,
    sizes: Mapping[Split, int],
) -> tuple[dict[str, Split], HeldOutIndex]:
    """Return the split of each sampled text by id, and the texts of test and dev; a split may lack texts."""
    assignment, held_out = dict[str, Split](), HeldOutIndex()
    singletons = {example.id: example.id for pool in pools.values() for example in pool}
    for split, reserve in RESERVE.items():
        candidates = pools[split] or pools[None] if split != "train" else [*pools["train"], *pools[None]]
        pool = [e for e in candidates if e.id not in assignment and held_out.find_linked(e, linkage) is None]
        # Groups may be divided between train and the corpus.
        units = linkage.units if split != "train" else singletons
        sample = _draw(pool, units, stratum, seed, sizes[split], reserve)
        assignment |= dict.fromkeys(sample, split)
        for example in pool if split != "train" else ():
            if example.id in sample:
                held_out.add(example, linkage)
    return assignment, held_out


def _count_missing(assignment: Mapping[str, Split], sizes: Mapping[Split, int]) -> int:
    """Return the number of texts that train and dev lack."""
    counts = Counter(assignment.values())
    return sum(max(0, sizes[split] - counts[split]) for split in ("train", "dev"))


def _round_down(size: int) -> int:
    """Return the size of a test drawn by ``auto``: 0 where it is too small to measure with."""
    return min(size, AUTO_TEST) if size >= MIN_TEST else 0


def _build_partition(
    pools: Mapping[Destination | None, Sequence[Example]],
    assignment: Mapping[str, Split],
    held_out: HeldOutIndex,
    linkage: Linkage,
) -> Partition:
    """Build the partition from the assigned splits."""
    splits: dict[Split, list[Example]] = {"test": [], "dev": [], "train": []}
    hidden: list[Document] = []
    rejected: list[Rejection] = []
    for purpose, pool in pools.items():
        for example in pool:
            if example.id in assignment:
                split = assignment[example.id]
                splits[split].append(replace(example, split=split))
            elif (linked := held_out.find_linked(example, linkage)) is not None:
                rejected.append(reject(example, "straddles", "similar to a held-out text", linked))
            elif purpose in ("test", "dev"):
                rejected.append(reject(example, "spare", f"its source is reserved for {purpose}, which is complete"))
            else:
                hidden.append(Document(example.id, example.text, example.language, "unlabelled", example.source))
    sorted_splits = {split: sorted(part, key=lambda e: e.id) for split, part in splits.items()}
    return Partition([e for part in sorted_splits.values() for e in assign_groups(part, linkage)], hidden, rejected)


def assign_groups(examples: Sequence[Example], linkage: Linkage) -> Iterator[Example]:
    """Yield examples with their group: the connected component of linked examples, named after its first id."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    node_ids: dict[tuple[str, str], int] = {}
    edges = [
        (i, node_ids.setdefault(t, len(node_ids))) for i, example in enumerate(examples) for t in linkage.keys(example)
    ]
    if not edges:
        return
    rows, columns = np.array(edges).T
    size = len(examples) + len(node_ids)
    graph = coo_array((np.ones(len(edges)), (rows, columns + len(examples))), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    names: dict[int, str] = {}
    for example, label in zip(examples, labels.tolist(), strict=False):  # nodes: examples, then link keys
        yield replace(example, group=names.setdefault(label, example.id))


def allocate(counts: Mapping[str, int], total: int, reserve: int) -> dict[str, int]:
    """Return the sample size per stratum: proportional, by largest remainder, at least one if ``total`` allows.

    Every stratum reserves ``reserve`` examples for later splits as long as the others suffice for the total.
    """
    while reserve and sum(max(0, n - reserve) for n in counts.values()) < total:
        reserve -= 1
    capacity = {name: max(0, n - reserve) for name, n in sorted(counts.items())}
    total_capacity = sum(capacity.values())
    quotas = {name: total * n / max(1, total_capacity) for name, n in capacity.items()}
    minimum = 1 if total >= sum(n > 0 for n in capacity.values()) else 0
    allocation = {name: min(n, max(minimum, int(quotas[name]))) for name, n in capacity.items()}
    while sum(allocation.values()) < min(total, total_capacity):
        allocation[
            max((n for n in capacity if allocation[n] < capacity[n]), key=lambda n: quotas[n] - allocation[n])
        ] += 1
    while sum(allocation.values()) > total:
        allocation[max((n for n in capacity if allocation[n] > minimum), key=lambda n: allocation[n] - quotas[n])] -= 1
    return allocation


def _draw(
    pool: Sequence[Example], units: Mapping[str, str], stratum: Stratum, seed: int, total: int, reserve: int
) -> Collection[str]:
    """Choose the ids of ``total`` texts, fewer where there are fewer, by the hashes of their units.

    A unit of several texts is in with the chance that every text has, total / pool, whatever its size. Single texts
    take the places that this leaves, stratum by stratum, those of the smallest hashes first; where they are too few,
    further units do, the last of them in part.
    """
    members: dict[str, list[Example]] = defaultdict(list)
    for example in pool:
        members[units[example.id]].append(example)
    ranks = {name: _hash_to_unit(seed, name) for name in members}
    ranked = sorted(members, key=lambda name: ranks[name])
    group_names = [name for name in ranked if len(members[name]) > 1]
    singles = [members[name][0] for name in ranked if len(members[name]) == 1]
    share = total / max(1, len(pool))

    sample = [e.id for name in group_names if ranks[name] < share for e in members[name]][:total]
    places = Counter(allocate(Counter(map(stratum, singles)), total - len(sample), reserve))
    for example in singles:
        if places[stratum(example)] > 0:
            places[stratum(example)] -= 1
            sample.append(example.id)
    remainder = [e.id for name in group_names if ranks[name] >= share for e in members[name]]
    return {*sample, *remainder[: total - len(sample)]}


def _hash_to_unit(seed: int, unit: str) -> float:
    """Return a pseudo-random number in [0, 1), fixed by seed and unit."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{unit}".encode()).digest()[:8], "big") / 2**64


def _check_enough(split: Split, count: int, size: int) -> None:
    if count < size:
        raise DataError(
            f"ingest: {split} needs {size:,} texts, but only {count:,} are available; the others are similar to "
            "held-out texts; lower ingest.test or ingest.budget, raise ingest.group_similarity, or add labelled data"
        )


def _compute_sizes(
    pools: Mapping[Destination | None, Sequence[Example]], test: TestSize, budget: int, dev: float
) -> dict[Split, int]:
    """Return the size of every split; a test or dev source below the requested size is used completely."""
    dev_size = min(budget - 1, max(1, round(budget * dev))) if dev else 0
    budget_sizes = {"dev": min(dev_size, len(pools["dev"]) or dev_size), "train": budget - dev_size}
    available = len(pools[None]) + len(pools["train"])
    if test == "auto":
        needed = sum(n for split, n in budget_sizes.items() if split == "train" or not pools["dev"])
        spare = min(len(pools[None]), available - needed)
        test = AUTO_TEST if pools["test"] else _round_down(spare)
    sizes: dict[Split, int] = {
        "test": min(test, len(pools["test"]) or test),
        "dev": budget_sizes["dev"],
        "train": budget_sizes["train"],
    }
    free = {split: n for split, n in sizes.items() if n and (split == "train" or not pools[split])}
    if available < sum(free.values()):
        parts = " + ".join(f"{split} {n:,}" for split, n in free.items())
        names = "ingest.test or ingest.budget" if free.get("test") else "ingest.budget"
        raise DataError(
            f"ingest: {available:,} labelled texts remain after cleaning, but {parts} = {sum(free.values()):,} are "
            f"needed; lower {names}, or add labelled data"
        )
    return sizes
