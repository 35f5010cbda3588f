"""What a retraining saw of the record, by id. The next one counts what is not among it, whatever a clock says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from satiety.core.files import write_text
from satiety.core.inputs import content_id
from satiety.core.records import Feedback, Served
from satiety.core.state_files import read_state


@dataclass(frozen=True, slots=True)
class RecordedIds:
    """Ids of what was on record."""

    corrections: frozenset[str] = frozenset()
    """A correction of a correction is another one, and has an id of its own."""
    texts: frozenset[str] = frozenset()
    """Of texts that were answered."""


def identify_correction(correction: Feedback) -> str:
    """Return the id of a correction as an event: 16 hex digits of a digest of all that it says."""
    return hashlib.sha256(json.dumps(astuple(correction)).encode()).hexdigest()[:16]


def collect_ids(answers: Iterable[Served], corrections: Iterable[Feedback]) -> RecordedIds:
    """Return the ids of all that is on record now."""
    return RecordedIds(
        frozenset(map(identify_correction, corrections)), frozenset(content_id(row.named_inputs) for row in answers)
    )


def read_recorded_ids(path: Path) -> RecordedIds | None:
    """Return what ``write_seen`` wrote; None where there is no such file, or a damaged one, which is put aside."""
    ids = read_state(path, {"corrections": list, "texts": list})
    return RecordedIds(frozenset(map(str, ids["corrections"])), frozenset(map(str, ids["texts"]))) if ids else None


def write_recorded_ids(path: Path, ids: RecordedIds) -> None:
    """Write the ids, in the place of those of an earlier retraining: what left the record is forgotten."""
    write_text(path, json.dumps({"corrections": sorted(ids.corrections), "texts": sorted(ids.texts)}) + "\n")
