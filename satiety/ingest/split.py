"""Labelled examples -> who is in test, dev and train, and whose label stays hidden.

Test is chosen first, by a hash of the seed and the text: it stays where it is when data is added. Then the budget is
spent on dev and train. All are stratified, and texts of one group (near-duplicates, or the user's own) never
straddle. Labels that were added later are of train, all of them, and move nobody else.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

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
    """Those of test, dev and train, in that order, each in order of id."""
    hidden: list[Document]
    """The rest: their labels are taken off."""
    rejected: list[Rejected]
    """What would leak: texts close to one held out, of a source bound elsewhere; spare rows of a bound source."""


def group_up(examples: Sequence[Example], similarity: float) -> list[Example]:
    """Name everyone's group: the id of its first member, by near-duplication and by the user's own groups, joined."""
    root = {example.id: example.id for example in examples}

    def find(own: str) -> str:
        while root[own] != own:
            root[own] = root[root[own]]
            own = root[own]
        return own

    first: dict[str, str] = {}
    for example, twin in zip(examples, groups([e.text for e in examples], similarity), strict=True):
        for other in (examples[twin].id, first.setdefault(example.group, example.id) if example.group else example.id):
            a, b = find(example.id), find(other)
            root[max(a, b)] = min(a, b)
    return [replace(example, group=find(example.id)) for example in examples]


def divide(
    examples: Sequence[Example],
    bound: Mapping[str, Bound],
    stratum: Stratum,
    *,
    seed: int,
    test: int,
    budget: int,
    dev: float,
) -> Divided:
    """Divide grouped examples; those whose source is in ``bound`` may only go there.

    Raises:
        DataError: there are not enough labelled texts, or their groups are too large.
    """
    pools: dict[Bound | None, list[Example]] = {None: [], "test": [], "dev": [], "train": [], "added": []}
    for example in sorted(examples, key=lambda e: e.id):
        pools[bound.get(example.source)].append(example)
    wanted = _wanted(pools, test, budget, dev)
    chosen: dict[str, Split] = {}
    held: dict[str, str] = {}
    for split, leave in LEAVE.items():
        own = pools[split] or pools[None] if split != "train" else [*pools["train"], *pools[None]]
        pool = [e for e in own if e.id not in chosen and e.group not in held]
        taken = _take(pool if split != "train" else _alone(pool), stratum, seed, wanted[split], leave, split)
        chosen |= dict.fromkeys(taken, split)
        held |= {e.group: e.id for e in pool if e.id in taken and split != "train"}
    chosen |= {e.id: "train" for e in pools["added"] if e.group not in held}
    return _placed(pools, chosen, held)


def _placed(
    pools: Mapping[Bound | None, Sequence[Example]], chosen: Mapping[str, Split], held: Mapping[str, str]
) -> Divided:
    """Put everyone where they belong; ``held`` names, by group, a text of test or dev."""
    splits: dict[Split, list[Example]] = {"test": [], "dev": [], "train": []}
    hidden: list[Document] = []
    rejected: list[Rejected] = []
    for own, pool in pools.items():
        for example in pool:
            if example.id in chosen:
                split = chosen[example.id]
                splits[split].append(replace(example, split=split))
            elif example.group in held:
                rejected.append(reject(example, "straddles", "close to a text held out", held[example.group]))
            elif own in ("test", "dev"):
                rejected.append(reject(example, "spare", f"its source is for {own}, which is full"))
            else:
                hidden.append(_hide(example))
    return Divided([e for part in splits.values() for e in sorted(part, key=lambda e: e.id)], hidden, rejected)


def share_out(counts: Mapping[str, int], total: int, leave: int) -> dict[str, int]:
    """Return how many of ``total`` each stratum gives: in proportion, at least one where that can be.

    A stratum keeps back ``leave`` of its own as long as the others can fill the total.
    """
    while leave and sum(max(0, n - leave) for n in counts.values()) < total:
        leave -= 1
    room = {name: max(0, n - leave) for name, n in sorted(counts.items())}
    whole = sum(room.values())
    share = {name: total * n / whole for name, n in room.items()}
    least = 1 if total >= sum(n > 0 for n in room.values()) else 0
    given = {name: min(n, max(least, int(share[name]))) for name, n in room.items()}
    while sum(given.values()) < min(total, whole):
        given[max((n for n in room if given[n] < room[n]), key=lambda n: share[n] - given[n])] += 1
    while sum(given.values()) > total:
        given[max((n for n in room if given[n] > least), key=lambda n: given[n] - share[n])] -= 1
    return given


def _take(pool: Sequence[Example], stratum: Stratum, seed: int, total: int, leave: int, split: str) -> set[str]:
    """Choose groups in order of their hash: first what the strata ask for, then whatever fills up.

    Where no whole group fits the last gap, a part of the smallest does; the rest of it is for no split.
    """
    members: dict[str, list[Example]] = defaultdict(list)
    for example in pool:
        members[example.group].append(example)
    ordered = sorted(members.values(), key=lambda group: min(_rank(seed, e.id) for e in group))
    wanted = Counter(share_out(Counter(map(stratum, pool)), total, leave))
    taken: set[str] = set()
    for group in ordered:
        asked = Counter(map(stratum, group))
        if all(wanted[name] >= n for name, n in asked.items()):
            wanted -= asked
            taken |= {e.id for e in group}
    for group in ordered:
        if len(taken) + len(group) <= total and group[0].id not in taken:
            taken |= {e.id for e in group}
    untaken = (group for group in sorted(ordered, key=len) if group[0].id not in taken)
    taken |= {e.id for e in next(untaken, [])[: total - len(taken)]}
    if len(taken) < total:
        raise DataError(
            f"ingest: {split} asks for {total:,} texts, but {len(taken):,} are left: the others belong together with "
            "texts held out before; lower ingest.test or ingest.budget, raise ingest.near_group, or add labelled data"
        )
    return taken


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


def _alone(examples: Sequence[Example]) -> list[Example]:
    """Return the examples, each a group of its own: those of train may be parted, the rest only joins the corpus."""
    return [replace(example, group=example.id) for example in examples]


def _rank(seed: int, own: str) -> str:
    return hashlib.sha256(f"{seed}:{own}".encode()).hexdigest()


def _hide(example: Example) -> Document:
    return Document(example.id, example.text, example.language, origin="unlabelled", source=example.source)
