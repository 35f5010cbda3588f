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

from satiety.package.card import Facts
from satiety.promotion.moves import Move, effective
from satiety.settings import Settings, project_root
from satiety.state import prepare_state
from tasks import tracking

CHAMPION = "champion"
PREFIX = "satiety.move."
LONGEST = 20_000
"""Characters of a reason that are kept."""


def held(client: Any, name: str) -> str | None:
    """Return the number of the version that is champion."""
    found = client.get_registered_model(name).aliases.get(CHAMPION)
    return str(found) if found else None


def moves(client: Any, name: str) -> list[Move]:
    """Return every move that was made, in order, those that others made included."""
    return effective(list(_written(client, name).values()), held(client, name))


def begun(
    kind: Any,
    before: Any,
    after: Any,
    why: str,
    *,
    facts: Facts,
    digests: Mapping[str, str | None],
    scores: Mapping[str, Any],
) -> Move:
    """Return a move that is to be made now, by whoever runs this.

    Args:
        kind: ``promote`` or ``rollback``.
        before: number of the version that is champion; None where none is.
        after: number of the one that will be.
        why: in words.
        facts: of the one that will be.
        digests: of the packages ``before`` and ``after``.
        scores: what they reached, with intervals; empty where nothing was compared.
    """
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    data = {**facts.data, "revision": facts.revision}
    told = kind != "promote"  # by a report, that is; a rollback is told on the spot
    return Move(now, kind, who(), before, after, why[:LONGEST], scores, digests, data, done=False, told=told)


def move(client: Any, name: str, one: Move) -> None:
    """Write the move down, move the alias, confirm it. Killed in between, the alias tells what came of it."""
    settle(client, name)
    stamp = datetime.fromisoformat(one.time).strftime("%Y%m%dT%H%M%S.%fZ")
    tag = f"{PREFIX}{stamp}-{uuid.uuid4().hex[:8]}"
    _write(client, name, tag, one)
    client.set_registered_model_alias(name, CHAMPION, one.after)
    _write(client, name, tag, replace(one, done=True))


@contextmanager
def deciding() -> Iterator[None]:
    """Let nobody else of this project move the alias within the block."""
    with tracking.locked(prepare_state(project_root()) / "champion.lock"):
        yield


def who() -> str:
    """Return who acts: ``ada@host``, and the flow where one does it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    key = Settings().parent_run
    flow = f", flow {key.split('-', 1)[1].rpartition('-')[0]}" if key else ""
    return f"{user}@{socket.gethostname()}{flow}"


def settle(client: Any, name: str) -> None:
    """Confirm the last move where it was cut off after the alias went. Nothing is taken away: it may be another's."""
    written = _written(client, name)
    tag = max(written, default=None)
    if tag and not written[tag].done and written[tag].after == held(client, name):
        _write(client, name, tag, replace(written[tag], done=True))


def tell(client: Any, name: str, version: str) -> None:
    """Note that the promotion of this version stands in a report now."""
    for tag, record in _written(client, name).items():
        if record.after == version and not record.told:
            _write(client, name, tag, replace(record, told=True))


def _written(client: Any, name: str) -> dict[str, Move]:
    tags = client.get_registered_model(name).tags
    return {tag: Move(**json.loads(value)) for tag, value in sorted(tags.items()) if tag.startswith(PREFIX)}


def _write(client: Any, name: str, tag: str, one: Move) -> None:
    client.set_registered_model_tag(name, tag, json.dumps(asdict(one), ensure_ascii=False))
