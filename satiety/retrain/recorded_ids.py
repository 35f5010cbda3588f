"""Ids of the texts and corrections that a retraining has used; the next one counts the new ones by id, not by time."""

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
    """Ids of the contents of the traffic log."""

    corrections: frozenset[str] = frozenset()
    """Ids of correction events; a second correction of the same answer has its own id."""
    texts: frozenset[str] = frozenset()
    """Ids of answered texts."""


def identify_correction(correction: Feedback) -> str:
    """Return the id of a correction event: 16 hex digits of the SHA-256 of its fields."""
    return hashlib.sha256(json.dumps(astuple(correction)).encode()).hexdigest()[:16]


def collect_ids(answers: Iterable[Served], corrections: Iterable[Feedback]) -> RecordedIds:
    """Return the ids of these answered texts and corrections."""
    return RecordedIds(
        frozenset(map(identify_correction, corrections)), frozenset(content_id(row.named_inputs) for row in answers)
    )


def read_recorded_ids(path: Path) -> RecordedIds | None:
    """Return the ids; None if the file is missing or damaged. A damaged file is moved aside."""
    ids = read_state(path, {"corrections": list, "texts": list})
    return RecordedIds(frozenset(map(str, ids["corrections"])), frozenset(map(str, ids["texts"]))) if ids else None


def write_recorded_ids(path: Path, ids: RecordedIds) -> None:
    """Write the ids; they replace those of earlier retrainings."""
    write_text(path, json.dumps({"corrections": sorted(ids.corrections), "texts": sorted(ids.texts)}) + "\n")
