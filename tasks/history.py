"""Promotion history: every move of the alias `champion`, recorded as a tag of the registered model.

A move is recorded before the alias moves, confirmed afterwards, and marked once a report contains it. Each move has
its own tag, so simultaneous writers cannot overwrite each other, with or without a server.
"""

import getpass
import json
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from filelock import FileLock

from satiety.core.errors import OutdatedError
from satiety.core.settings import Settings, project_root
from satiety.core.state import prepare_state
from satiety.package.card import Facts
from satiety.promotion.moves import Move, select_effective

CHAMPION = "champion"
PREFIX = "satiety.move."
MAX_CHARACTERS = 20_000
"""Maximum length of a recorded reason."""
FORMER_KEYS = {"who": "author", "why": "reason", "done": "confirmed", "told": "reported"}
"""Keys of a move that version 0.1 wrote -> their present names, for the error."""


def find_champion(client: Any, name: str) -> str | None:
    """Return the version number of the champion, or None."""
    version = client.get_registered_model(name).aliases.get(CHAMPION)
    return str(version) if version else None


def read_moves(client: Any, name: str) -> list[Move]:
    """Return all moves in order, including those made outside satiety."""
    return select_effective(list(_read_records(client, name).values()), find_champion(client, name))


def build_move(
    kind: Any,
    from_version: Any,
    to_version: Any,
    reason: str,
    *,
    facts: Facts,
    digests: Mapping[str, str | None],
    scores: Mapping[str, Any],
) -> Move:
    """Build the record of a move made now by the current user.

    Args:
        kind: ``promote`` or ``rollback``.
        from_version: number of the current champion's version, or None.
        to_version: number of the new champion's version.
        reason: text for the history.
        facts: facts of the new champion.
        digests: package digests, ``before`` and ``after``.
        scores: scores with intervals; empty if nothing was compared.
    """
    timestamp = datetime.now(UTC).isoformat(timespec="microseconds")
    data_digests = {**facts.data, "revision": facts.revision}
    return Move(
        timestamp,
        kind,
        identify_actor(),
        from_version,
        to_version,
        reason[:MAX_CHARACTERS],
        scores,
        digests,
        data_digests,
        confirmed=False,
        reported=kind != "promote",  # a rollback has no report
    )


def apply_move(client: Any, name: str, record: Move) -> None:
    """Record the move, move the alias, confirm the move. After a kill in between, the alias shows whether it moved."""
    confirm_last_move(client, name)
    stamp = datetime.fromisoformat(record.time).strftime("%Y%m%dT%H%M%S.%fZ")
    tag = f"{PREFIX}{stamp}-{uuid.uuid4().hex[:8]}"
    _write_record(client, name, tag, record)
    client.set_registered_model_alias(name, CHAMPION, record.after)
    _write_record(client, name, tag, replace(record, confirmed=True))


@contextmanager
def lock_champion() -> Iterator[None]:
    """Prevent other processes of this project from moving the alias within the block."""
    with FileLock(prepare_state(project_root()) / "champion.lock"):
        yield


def identify_actor() -> str:
    """Return the current user as ``ada@host``, followed by the flow that runs, if any."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    key = Settings().parent_run
    flow = f", flow {key.split('-', 1)[1].rpartition('-')[0]}" if key else ""
    return f"{user}@{socket.gethostname()}{flow}"


def confirm_last_move(client: Any, name: str) -> None:
    """Confirm the last move if its process was killed after the alias moved; other unconfirmed moves are kept."""
    records = _read_records(client, name)
    tag = max(records, default=None)
    if tag and not records[tag].confirmed and records[tag].after == find_champion(client, name):
        _write_record(client, name, tag, replace(records[tag], confirmed=True))


def mark_reported(client: Any, name: str, version: str) -> None:
    """Mark the promotion of this version as reported."""
    for tag, record in _read_records(client, name).items():
        if record.after == version and not record.reported:
            _write_record(client, name, tag, replace(record, reported=True))


def _read_records(client: Any, name: str) -> dict[str, Move]:
    tags = client.get_registered_model(name).tags
    return {tag: _parse_record(name, tag, value) for tag, value in sorted(tags.items()) if tag.startswith(PREFIX)}


def _parse_record(name: str, tag: str, value: str) -> Move:
    fields = json.loads(value)
    if former := [f"{key} to {FORMER_KEYS[key]}" for key in FORMER_KEYS if key in fields]:
        raise OutdatedError(
            f"{name}: an earlier version of satiety wrote the tag {tag}; in its value, rename {', '.join(former)}"
        )
    return Move(**fields)


def _write_record(client: Any, name: str, tag: str, record: Move) -> None:
    client.set_registered_model_tag(name, tag, json.dumps(asdict(record), ensure_ascii=False))
