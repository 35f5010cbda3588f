"""How often a test set was looked at, kept with the registered model: a tag for each pair of models compared on it.

The tag is written before the looks are counted, so two that look at once may both count both, and spend too little,
never too much. A comparison that is made again is the same look.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from satiety.core.answers import dump
from satiety.core.records import Example

PREFIX = "satiety.look."
FRESH = "fresh"
"""What all fresh test sets go by: each has most of the one before in it, so they share one alpha."""
DIGEST_LENGTH = 16
"""Digits of a digest in a tag's name."""


def digest_test_set(gold: Sequence[Example]) -> str:
    """Return what tells this test set from others: its ids and their answers."""
    lines = sorted(json.dumps([example.id, dump(example.answer)], ensure_ascii=False) for example in gold)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def count_comparisons(tags: Mapping[str, str], test_digest: str) -> int:
    """Return how many looks at this test set there were."""
    return sum(name.startswith(f"{PREFIX}{test_digest[:DIGEST_LENGTH]}.") for name in tags)


def record_comparison(
    client: Any, name: str, test_digest: str, champion_digest: str | None, challenger_digest: str
) -> int:
    """Note that two packages are compared on a test set; return the number of this look, the first being 1.

    Args:
        client: MLflow's.
        name: of the registered model.
        test_digest: digest of the test set, or `FRESH`.
        champion_digest: digest of the champion's package; None where there is no champion.
        challenger_digest: digest of the challenger's.
    """
    pair = hashlib.sha256(f"{champion_digest} {challenger_digest}".encode()).hexdigest()[:DIGEST_LENGTH]
    tag = f"{PREFIX}{test_digest[:DIGEST_LENGTH]}.{pair}"
    note = json.loads(client.get_registered_model(name).tags.get(tag, "{}"))
    if "look" in note:
        return int(note["look"])
    client.set_registered_model_tag(name, tag, "{}")
    number = count_comparisons(client.get_registered_model(name).tags, test_digest)
    client.set_registered_model_tag(
        name, tag, json.dumps({"look": number, "old": champion_digest, "new": challenger_digest})
    )
    return number
