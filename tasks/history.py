"""The moves of the alias `champion`, each a tag of the registered model: written before it goes, confirmed after, told.

A tag of its own for each, so that two who write at once lose nothing, in a database and behind a server alike.
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

from satiety.core.settings import Settings, project_root
from satiety.core.state import prepare_state
from satiety.package.card import Facts
from satiety.promotion.moves import Move, select_effective

CHAMPION = "champion"
PREFIX = "satiety.move."
MAX_CHARACTERS = 20_000
"""Characters of a reason that are kept."""


def find_champion(client: Any, name: str) -> str | None:
    """Return the number of the version that is champion."""
    version = client.get_registered_model(name).aliases.get(CHAMPION)
    return str(version) if version else None


def read_moves(client: Any, name: str) -> list[Move]:
    """Return every move that was made, in order, those that others made included."""
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
    """Return a move that is to be made now, by whoever runs this.

    Args:
        kind: ``promote`` or ``rollback``.
        from_version: number of the version that is champion; None where none is.
        to_version: number of the one that will be.
        reason: in words.
        facts: of the one that will be.
        digests: of the packages ``from_version`` and ``to_version``.
        scores: what they reached, with intervals; empty where nothing was compared.
    """
    timestamp = datetime.now(UTC).isoformat(timespec="microseconds")
    data_digests = {**facts.data, "revision": facts.revision}
    is_reported = kind != "promote"  # by a report, that is; a rollback is told on the spot
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
        done=False,
        told=is_reported,
    )


def apply_move(client: Any, name: str, record: Move) -> None:
    """Write the move down, move the alias, confirm it. Killed in between, the alias tells what came of it."""
    confirm_last_move(client, name)
    stamp = datetime.fromisoformat(record.time).strftime("%Y%m%dT%H%M%S.%fZ")
    tag = f"{PREFIX}{stamp}-{uuid.uuid4().hex[:8]}"
    _write_record(client, name, tag, record)
    client.set_registered_model_alias(name, CHAMPION, record.after)
    _write_record(client, name, tag, replace(record, done=True))


@contextmanager
def lock_champion() -> Iterator[None]:
    """Let nobody else of this project move the alias within the block."""
    with FileLock(prepare_state(project_root()) / "champion.lock"):
        yield


def identify_actor() -> str:
    """Return who acts: ``ada@host``, and the flow where one does it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    key = Settings().parent_run
    flow = f", flow {key.split('-', 1)[1].rpartition('-')[0]}" if key else ""
    return f"{user}@{socket.gethostname()}{flow}"


def confirm_last_move(client: Any, name: str) -> None:
    """Confirm the last move where it was cut off after the alias went. Nothing is taken away: it may be another's."""
    records = _read_records(client, name)
    tag = max(records, default=None)
    if tag and not records[tag].done and records[tag].after == find_champion(client, name):
        _write_record(client, name, tag, replace(records[tag], done=True))


def mark_reported(client: Any, name: str, version: str) -> None:
    """Note that the promotion of this version stands in a report now."""
    for tag, record in _read_records(client, name).items():
        if record.after == version and not record.told:
            _write_record(client, name, tag, replace(record, told=True))


def _read_records(client: Any, name: str) -> dict[str, Move]:
    tags = client.get_registered_model(name).tags
    return {tag: Move(**json.loads(value)) for tag, value in sorted(tags.items()) if tag.startswith(PREFIX)}


def _write_record(client: Any, name: str, tag: str, record: Move) -> None:
    client.set_registered_model_tag(name, tag, json.dumps(asdict(record), ensure_ascii=False))
