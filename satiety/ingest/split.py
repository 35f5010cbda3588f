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

from satiety.errors import DataError
from satiety.ingest.clean import reject
from satiety.neardup import groups
from satiety.records import Bound, Document, Example, Rejected, Split

Stratum = Callable[[Example], str]
LEAVE: Mapping[Split, int] = {"test": 2, "dev": 1, "train": 0}
"""In order of choice: how many examples of a stratum are left for the splits that come after."""


@dataclass(frozen=True, slots=True)
class Divided:
    """Every labelled example, in its place."""

    examples: list[Example]
    """Those of test, dev and train, in that order, each in order of id. Of one group are those of a split that are tied
    to each other, by near-duplication or by the user's groups; it is called after its smallest id."""
    hidden: list[Document]
    """The rest: their labels are taken off."""
    rejected: list[Rejected]
    """What would leak: texts close to one held out; spare rows of a bound source."""


@dataclass(frozen=True, slots=True)
class Ties:
    """What ties labelled texts to each other, by their id."""

    units: Mapping[str, str]
    """What is drawn together: the user's group, or the text alone."""
    clusters: Mapping[str, str]
    """Which chain of near-duplicates a text belongs to."""

    def of(self, example: Example) -> tuple[tuple[str, str], tuple[str, str]]:
        """Return what an example shares with those it is close to."""
        return ("unit", self.units[example.id]), ("cluster", self.clusters[example.id])


@dataclass(frozen=True, slots=True)
class Held:
    """Texts of test and dev, by what ties others to them."""

    by_tie: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, example: Example, ties: Ties) -> None:
        """Hold an example out."""
        for tie in ties.of(example):
            self.by_tie.setdefault(tie, example.id)

    def near(self, example: Example, ties: Ties) -> str | None:
        """Return the id of a text held out that this one is close to, or None."""
        return next((self.by_tie[tie] for tie in ties.of(example) if tie in self.by_tie), None)


def tie(examples: Sequence[Example], similarity: float) -> Ties:
    """Find what ties examples to each other: the groups that the user named, and near-duplication.

    Args:
        examples: each text once.
        similarity: Jaccard similarity of character 5-grams from which two texts are close.
    """
    first = groups([example.text for example in examples], similarity)
    return Ties(
        {example.id: f"group {example.group}" if example.group else example.id for example in examples},
        {example.id: examples[place].id for example, place in zip(examples, first, strict=True)},
    )


def divide(
    examples: Sequence[Example],
    ties: Ties,
    bound: Mapping[str, Bound],
    stratum: Stratum,
    *,
    seed: int,
    test: int,
    budget: int,
    dev: float,
) -> Divided:
    """Divide examples; those whose source is in ``bound`` may only go there.

    Raises:
        DataError: there are not enough labelled texts, or too many are close to each other.
    """
    pools: dict[Bound | None, list[Example]] = {None: [], "test": [], "dev": [], "train": [], "added": []}
    for example in sorted(examples, key=lambda e: e.id):
        pools[bound.get(example.source)].append(example)
    wanted = _wanted(pools, test, budget, dev)
    chosen, held = dict[str, Split](), Held()
    alone = {example.id: example.id for example in examples}
    for split, leave in LEAVE.items():
        candidates = pools[split] or pools[None] if split != "train" else [*pools["train"], *pools[None]]
        pool = [e for e in candidates if e.id not in chosen and held.near(e, ties) is None]
        units = ties.units if split != "train" else alone  # groups of train may be parted: the rest joins the corpus
        drawn = _draw(pool, units, stratum, seed, wanted[split], leave)
        _check_enough(split, len(drawn), wanted[split])
        chosen |= dict.fromkeys(drawn, split)
        for example in pool if split != "train" else ():
            if example.id in drawn:
                held.add(example, ties)
    chosen |= {e.id: "train" for e in pools["added"] if held.near(e, ties) is None}
    return _placed(pools, chosen, held, ties)


def _placed(
    pools: Mapping[Bound | None, Sequence[Example]], chosen: Mapping[str, Split], held: Held, ties: Ties
) -> Divided:
    """Put everyone where they belong."""
    splits: dict[Split, list[Example]] = {"test": [], "dev": [], "train": []}
    hidden: list[Document] = []
    rejected: list[Rejected] = []
    for purpose, pool in pools.items():
        for example in pool:
            if example.id in chosen:
                split = chosen[example.id]
                splits[split].append(replace(example, split=split))
            elif (near := held.near(example, ties)) is not None:
                rejected.append(reject(example, "straddles", "close to a text held out", near))
            elif purpose in ("test", "dev"):
                rejected.append(reject(example, "spare", f"its source is for {purpose}, which is full"))
            else:
                hidden.append(Document(example.id, example.text, example.language, "unlabelled", example.source))
    ordered = {split: sorted(part, key=lambda e: e.id) for split, part in splits.items()}
    return Divided([e for part in ordered.values() for e in grouped(part, ties)], hidden, rejected)


def grouped(examples: Sequence[Example], ties: Ties) -> Iterator[Example]:
    """Yield examples, each in a group with all that it is tied to among them, by however long a chain."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number: dict[tuple[str, str], int] = {}
    edges = [(i, number.setdefault(t, len(number))) for i, example in enumerate(examples) for t in ties.of(example)]
    if not edges:
        return
    rows, columns = np.array(edges).T
    size = len(examples) + len(number)
    graph = coo_array((np.ones(len(edges)), (rows, columns + len(examples))), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    names: dict[int, str] = {}
    for example, label in zip(examples, labels.tolist(), strict=False):  # behind the examples come their ties
        yield replace(example, group=names.setdefault(label, example.id))


def share_out(counts: Mapping[str, int], total: int, leave: int) -> dict[str, int]:
    """Return how many of ``total`` each stratum gives: in proportion, at least one where that can be.

    A stratum keeps back ``leave`` of its own as long as the others can fill the total.
    """
    while leave and sum(max(0, n - leave) for n in counts.values()) < total:
        leave -= 1
    room = {name: max(0, n - leave) for name, n in sorted(counts.items())}
    whole = sum(room.values())
    share = {name: total * n / max(1, whole) for name, n in room.items()}
    least = 1 if total >= sum(n > 0 for n in room.values()) else 0
    given = {name: min(n, max(least, int(share[name]))) for name, n in room.items()}
    while sum(given.values()) < min(total, whole):
        given[max((n for n in room if given[n] < room[n]), key=lambda n: share[n] - given[n])] += 1
    while sum(given.values()) > total:
        given[max((n for n in room if given[n] > least), key=lambda n: given[n] - share[n])] -= 1
    return given


def _draw(
    pool: Sequence[Example], units: Mapping[str, str], stratum: Stratum, seed: int, total: int, leave: int
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
    ordered = sorted(members, key=lambda name: ranks[name])
    several = [name for name in ordered if len(members[name]) > 1]
    singles = [members[name][0] for name in ordered if len(members[name]) == 1]
    share = total / max(1, len(pool))

    drawn = [e.id for name in several if ranks[name] < share for e in members[name]][:total]
    places = Counter(share_out(Counter(map(stratum, singles)), total - len(drawn), leave))
    for example in singles:
        if places[stratum(example)] > 0:
            places[stratum(example)] -= 1
            drawn.append(example.id)
    further = [e.id for name in several if ranks[name] >= share for e in members[name]]
    return {*drawn, *further[: total - len(drawn)]}


def _rank(seed: int, unit: str) -> float:
    """Return a number in [0, 1) that is a unit's own."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{unit}".encode()).digest()[:8], "big") / 2**64


def _check_enough(split: Split, count: int, wanted: int) -> None:
    if count < wanted:
        raise DataError(
            f"ingest: {split} asks for {wanted:,} texts, but {count:,} are left: the others belong together with texts "
            "held out before; lower ingest.test or ingest.budget, raise ingest.near_group, or add labelled data"
        )


def _wanted(pools: Mapping[Bound | None, Sequence[Example]], test: int, budget: int, dev: float) -> dict[Split, int]:
    """Return the size of every split; a bound test source that is smaller than ``test`` is taken whole."""
    for_dev = min(budget - 1, max(1, round(budget * dev)))
    wanted: dict[Split, int] = {
        "test": min(test, len(pools["test"]) or test),
        "dev": min(for_dev, len(pools["dev"]) or for_dev),
        "train": budget - for_dev,
    }
    own = {split: n for split, n in wanted.items() if split == "train" or not pools[split]}
    there = len(pools[None]) + len(pools["train"])
    if there < sum(own.values()):
        parts = " + ".join(f"{split} {n:,}" for split, n in own.items())
        raise DataError(
            f"ingest: {there:,} labelled texts are left after cleaning, but {parts} = {sum(own.values()):,} are "
            "asked for; lower ingest.test or ingest.budget, or add labelled data"
        )
    return wanted
