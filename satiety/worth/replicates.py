"""A pool of labels -> one random order of it per chain, such that every beginning has the classes in proportion.

The first n of a chain are its subset at budget n: subsets are nested and stratified, and every lever set sees the same.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satiety.core.records import Example

FIRST_CURVE_REPLICATE = 1_000_000
"""Number of the first of the curve's chains, so that more chains for levers never change them."""


def order_pool(
    pool: Sequence[Example], stratum: Callable[[Example], str], seed: int, number: int
) -> tuple[Example, ...]:
    """Return the pool in the order of a chain.

    The j-th of a class of m stands at (j + u) / m of the way, u being the chain's own draw for the class: so classes
    come in turn, each as often as it is in the pool. A chain of odd number is the one before it, the other way round.
    """
    rng = random.Random(f"{seed}/{number // 2}")  # no secret
    classes: dict[str, list[Example]] = defaultdict(list)
    for example in sorted(pool, key=lambda labelled: labelled.id):
        classes[stratum(example)].append(example)
    placed: list[tuple[float, str, Example]] = []
    for name in sorted(classes):
        members, shift = rng.sample(classes[name], len(classes[name])), rng.random()
        placed += [((j + shift) / len(members), name, example) for j, example in enumerate(members)]
    order = tuple(example for _, _, example in sorted(placed, key=lambda entry: entry[:2]))
    return order[::-1] if number % 2 else order


def list_budgets(pool: int, steps: int) -> tuple[int, ...]:
    """Return ``steps`` budgets: 0, and the pool halved again and again; fewer where halves would have no label left."""
    halves = (round(pool / 2**i) for i in range(steps - 1))
    return (0, *sorted({half for half in halves if half > 0}))
