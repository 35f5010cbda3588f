"""Interim analyses of each test set, as tags of the registered model: one tag per pair of models compared on it.

The tag is written before the tags are counted. Two simultaneous comparisons may therefore both be counted twice, so
they spend at most their share of alpha. A repeated comparison keeps its number.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from satiety.core.answers import dump
from satiety.core.records import Example

PREFIX = "satiety.comparison."
FRESH = "fresh"
"""Shared key of all fresh test sets: each contains most of the previous one, so they share one alpha."""
DIGEST_LENGTH = 16
"""Digits of a digest in the name of a tag."""


def digest_test_set(gold: Sequence[Example]) -> str:
    """Return the SHA-256 of a test set's ids and answers."""
    lines = sorted(json.dumps([example.id, dump(example.answer)], ensure_ascii=False) for example in gold)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def count_comparisons(tags: Mapping[str, str], test_digest: str) -> int:
    """Return the number of interim analyses made on this test set."""
    return sum(name.startswith(f"{PREFIX}{test_digest[:DIGEST_LENGTH]}.") for name in tags)


def record_comparison(
    client: Any, name: str, test_digest: str, champion_digest: str | None, challenger_digest: str
) -> int:
    """Record that two packages are compared on a test set; return the number of this interim analysis, from 1.

    Args:
        client: MLflow client.
        name: name of the registered model.
        test_digest: digest of the test set, or `FRESH`.
        champion_digest: digest of the champion's package; None without a champion.
        challenger_digest: digest of the challenger's package.
    """
    pair = hashlib.sha256(f"{champion_digest} {challenger_digest}".encode()).hexdigest()[:DIGEST_LENGTH]
    tag = f"{PREFIX}{test_digest[:DIGEST_LENGTH]}.{pair}"
    note = json.loads(client.get_registered_model(name).tags.get(tag, "{}"))
    if "comparison" in note:
        return int(note["comparison"])
    client.set_registered_model_tag(name, tag, "{}")
    number = count_comparisons(client.get_registered_model(name).tags, test_digest)
    client.set_registered_model_tag(
        name, tag, json.dumps({"comparison": number, "old": champion_digest, "new": challenger_digest})
    )
    return number
