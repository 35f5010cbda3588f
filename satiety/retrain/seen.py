"""What a retraining saw of the record, by id. The next one counts what is not among it, whatever a clock says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from satiety.damaged import read_state
from satiety.files import write_text
from satiety.inputs import identify
from satiety.records import Feedback, Served


@dataclass(frozen=True, slots=True)
class Seen:
    """Ids of what was on record."""

    corrections: frozenset[str] = frozenset()
    """A correction of a correction is another one, and has an id of its own."""
    texts: frozenset[str] = frozenset()
    """Of texts that were answered."""


def identify_correction(correction: Feedback) -> str:
    """Return the id of a correction as an event: 16 hex digits of a digest of all that it says."""
    return hashlib.sha256(json.dumps(astuple(correction)).encode()).hexdigest()[:16]


def collect(answers: Iterable[Served], corrections: Iterable[Feedback]) -> Seen:
    """Return the ids of all that is on record now."""
    return Seen(frozenset(map(identify_correction, corrections)), frozenset(identify(row.asked) for row in answers))


def read_seen(path: Path) -> Seen | None:
    """Return what ``write_seen`` wrote; None where there is no such file, or a damaged one, which is put aside."""
    ids = read_state(path, {"corrections": list, "texts": list})
    return Seen(frozenset(map(str, ids["corrections"])), frozenset(map(str, ids["texts"]))) if ids else None


def write_seen(path: Path, seen: Seen) -> None:
    """Write the ids, in the place of those of an earlier retraining: what left the record is forgotten."""
    write_text(path, json.dumps({"corrections": sorted(seen.corrections), "texts": sorted(seen.texts)}) + "\n")
