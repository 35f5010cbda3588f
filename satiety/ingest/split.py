"""Labelled examples -> who is in test, dev and train, and whose label stays hidden.

Test is drawn first, by a hash of the seed and of what is drawn together: a text alone, or a group that the user names.
So it stays where it is when data is added, and a text's chance does not depend on how many others are like it. What is
close to a drawn text, but was not drawn itself, is for no split: near-duplicates never straddle. Then the budget is
spent on dev and train. Labels that were added later are of train, all of them, and move nobody else.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from satiety.core.errors import DataError
from satiety.core.records import Destination, Document, Example, Rejection, Split
from satiety.ingest.clean import reject
from satiety.text.deduplication import group_similar

Stratum = Callable[[Example], str]
RESERVE: Mapping[Split, int] = {"test": 2, "dev": 1, "train": 0}
"""In order of choice: how many examples of a stratum are left for the splits that come after."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Every labelled example, in its place."""

    examples: list[Example]
    """Those of test, dev and train, in that order, each in order of id. Of one group are those of a split that are tied
    to each other, by near-duplication or by the user's groups; it is called after its smallest id."""
    hidden: list[Document]
    """The rest: their labels are taken off."""
    rejected: list[Rejection]
    """What would leak: texts close to one held out; spare rows of a bound source."""


@dataclass(frozen=True, slots=True)
class Linkage:
    """What ties labelled texts to each other, by their id."""

    units: Mapping[str, str]
    """What is drawn together: the user's group, or the text alone."""
    clusters: Mapping[str, str]
    """Which chain of near-duplicates a text belongs to."""

    def keys(self, example: Example) -> tuple[tuple[str, str], tuple[str, str]]:
        """Return what an example shares with those it is close to."""
        return ("unit", self.units[example.id]), ("cluster", self.clusters[example.id])


@dataclass(frozen=True, slots=True)
class HeldOutIndex:
    """Texts of test and dev, by what ties others to them."""

    by_key: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, example: Example, linkage: Linkage) -> None:
        """Hold an example out."""
        for key in linkage.keys(example):
            self.by_key.setdefault(key, example.id)

    def find_linked(self, example: Example, linkage: Linkage) -> str | None:
        """Return the id of a text held out that this one is close to, or None."""
        return next((self.by_key[key] for key in linkage.keys(example) if key in self.by_key), None)


def link(examples: Sequence[Example], similarity: float) -> Linkage:
    """Find what ties examples to each other: the groups that the user named, and near-duplication.

    Args:
        examples: each text once.
        similarity: Jaccard similarity of character 5-grams from which two texts are close.
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
    test: int,
    budget: int,
    dev: float,
) -> Partition:
    """Divide examples; those whose source is in ``bindings`` may only go there.

    Raises:
        DataError: there are not enough labelled texts, or too many are close to each other.
    """
    pools: dict[Destination | None, list[Example]] = {None: [], "test": [], "dev": [], "train": [], "added": []}
    for example in sorted(examples, key=lambda e: e.id):
        pools[bindings.get(example.source)].append(example)
    sizes = _compute_sizes(pools, test, budget, dev)
    assignment, held_out = dict[str, Split](), HeldOutIndex()
    singletons = {example.id: example.id for example in examples}
    for split, reserve in RESERVE.items():
        candidates = pools[split] or pools[None] if split != "train" else [*pools["train"], *pools[None]]
        pool = [e for e in candidates if e.id not in assignment and held_out.find_linked(e, linkage) is None]
        units = (
            linkage.units if split != "train" else singletons
        )  # groups of train may be parted: the rest joins the corpus
        sample = _draw(pool, units, stratum, seed, sizes[split], reserve)
        _check_enough(split, len(sample), sizes[split])
        assignment |= dict.fromkeys(sample, split)
        for example in pool if split != "train" else ():
            if example.id in sample:
                held_out.add(example, linkage)
    assignment |= {e.id: "train" for e in pools["added"] if held_out.find_linked(e, linkage) is None}
    return _build_partition(pools, assignment, held_out, linkage)


def _build_partition(
    pools: Mapping[Destination | None, Sequence[Example]],
    assignment: Mapping[str, Split],
    held_out: HeldOutIndex,
    linkage: Linkage,
) -> Partition:
    """Put everyone where they belong."""
    splits: dict[Split, list[Example]] = {"test": [], "dev": [], "train": []}
    hidden: list[Document] = []
    rejected: list[Rejection] = []
    for purpose, pool in pools.items():
        for example in pool:
            if example.id in assignment:
                split = assignment[example.id]
                splits[split].append(replace(example, split=split))
            elif (linked := held_out.find_linked(example, linkage)) is not None:
                rejected.append(reject(example, "straddles", "close to a text held out", linked))
            elif purpose in ("test", "dev"):
                rejected.append(reject(example, "spare", f"its source is for {purpose}, which is full"))
            else:
                hidden.append(Document(example.id, example.text, example.language, "unlabelled", example.source))
    sorted_splits = {split: sorted(part, key=lambda e: e.id) for split, part in splits.items()}
    return Partition([e for part in sorted_splits.values() for e in assign_groups(part, linkage)], hidden, rejected)


def assign_groups(examples: Sequence[Example], linkage: Linkage) -> Iterator[Example]:
    """Yield examples, each in a group with all that it is tied to among them, by however long a chain."""
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
    for example, label in zip(examples, labels.tolist(), strict=False):  # behind the examples come their ties
        yield replace(example, group=names.setdefault(label, example.id))


def allocate(counts: Mapping[str, int], total: int, reserve: int) -> dict[str, int]:
    """Return how many of ``total`` each stratum gives: in proportion, at least one where that can be.

    A stratum keeps back ``reserve`` of its own as long as the others can fill the total.
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
    ranks = {name: _rank(seed, name) for name in members}
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


def _rank(seed: int, unit: str) -> float:
    """Return a number in [0, 1) that is a unit's own."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{unit}".encode()).digest()[:8], "big") / 2**64


def _check_enough(split: Split, count: int, size: int) -> None:
    if count < size:
        raise DataError(
            f"ingest: {split} asks for {size:,} texts, but {count:,} are left: the others belong together with texts "
            "held out before; lower ingest.test or ingest.budget, raise ingest.group_similarity, or add labelled data"
        )


def _compute_sizes(
    pools: Mapping[Destination | None, Sequence[Example]], test: int, budget: int, dev: float
) -> dict[Split, int]:
    """Return the size of every split; a bound test source that is smaller than ``test`` is taken whole."""
    dev_size = min(budget - 1, max(1, round(budget * dev)))
    sizes: dict[Split, int] = {
        "test": min(test, len(pools["test"]) or test),
        "dev": min(dev_size, len(pools["dev"]) or dev_size),
        "train": budget - dev_size,
    }
    free = {split: n for split, n in sizes.items() if split == "train" or not pools[split]}
    available = len(pools[None]) + len(pools["train"])
    if available < sum(free.values()):
        parts = " + ".join(f"{split} {n:,}" for split, n in free.items())
        raise DataError(
            f"ingest: {available:,} labelled texts are left after cleaning, but {parts} = {sum(free.values()):,} are "
            "asked for; lower ingest.test or ingest.budget, or add labelled data"
        )
    return sizes
