"""How often a test set was looked at, kept with the registered model: a tag for each pair of models compared on it.

The tag is written before the looks are counted, so two that look at once may both count both, and spend too little,
never too much. A comparison that is made again is the same look.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from satiety.answers import dump
from satiety.records import Example

PREFIX = "satiety.look."
FRESH = "fresh"
"""What all fresh test sets go by: each has most of the one before in it, so they share one alpha."""
SHOWN = 16
"""Digits of a digest in a tag's name."""


def set_digest(gold: Sequence[Example]) -> str:
    """Return what tells this test set from others: its ids and their answers."""
    lines = sorted(json.dumps([example.id, dump(example.answer)], ensure_ascii=False) for example in gold)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def taken(tags: Mapping[str, str], test: str) -> int:
    """Return how many looks at this test set there were."""
    return sum(name.startswith(f"{PREFIX}{test[:SHOWN]}.") for name in tags)


def take(client: Any, name: str, test: str, old: str | None, new: str) -> int:
    """Note that two packages are compared on a test set; return the number of this look, the first being 1.

    Args:
        client: MLflow's.
        name: of the registered model.
        test: digest of the test set, or `FRESH`.
        old: digest of the champion's package; None where there is no champion.
        new: digest of the challenger's.
    """
    pair = hashlib.sha256(f"{old} {new}".encode()).hexdigest()[:SHOWN]
    tag = f"{PREFIX}{test[:SHOWN]}.{pair}"
    noted = json.loads(client.get_registered_model(name).tags.get(tag, "{}"))
    if "look" in noted:
        return int(noted["look"])
    client.set_registered_model_tag(name, tag, "{}")
    number = taken(client.get_registered_model(name).tags, test)
    client.set_registered_model_tag(name, tag, json.dumps({"look": number, "old": old, "new": new}))
    return number
