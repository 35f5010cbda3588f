"""The champion -> the one before it, or another version, once its package is known to be whole."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from satiety.core.errors import ModelError
from satiety.promotion.moves import Move, find_previous, is_reversal
from tasks import history, tracking
from tasks.fetch import fetch
from tasks.pages import describe
from tasks.register import DIGEST_TAG

DAMAGED = "restore its files, or name another version"
OUTDATED = "which alone can answer with it; name another version"
"""What to do about a version that cannot become champion."""


def roll_back(name: str, version: str | None, reason: str) -> Move:
    """Make a former champion, or the version named, champion; keep what was taken back from coming again by itself.

    Args:
        name: of the registered model.
        version: its number; None takes the champion before the present one.
        reason: in words, for the history.

    Raises:
        ModelError: there is no such version, or none before; it is champion already; its package is not whole, or of
            an earlier version of satiety.
        TrackingError: MLflow does not answer.
    """
    client = tracking.connect()
    with tracking.translate_errors(), TemporaryDirectory(prefix="satiety-") as scratch, history.lock_champion():
        champion = _find_champion(client, name)
        target = _find_target(client, name, champion, version)
        package = fetch(target, Path(scratch), "which was to be champion", DAMAGED, OUTDATED)
        champion_tags = client.get_model_version(name, champion).tags if champion else {}
        move = history.build_move(
            "rollback",
            champion,
            str(target.version),
            reason,
            facts=package.facts(),
            digests={"before": champion_tags.get(DIGEST_TAG), "after": package.digest},
            scores={},
        )
        history.apply_move(client, name, move)
        if champion and is_reversal(move):
            client.set_model_version_tag(name, champion, "satiety.decision", "taken back")
            client.set_model_version_tag(name, champion, "satiety.reason", reason)
        describe(client, package, str(target.version))
    return move


def _find_champion(client: Any, name: str) -> str | None:
    if not client.search_registered_models(f"name = '{name}'"):
        raise ModelError(f"rollback: MLflow knows no model {name!r}; is params.yaml's register.name the right one?")
    return history.find_champion(client, name)


def _find_target(client: Any, name: str, champion: str | None, version: str | None) -> Any:
    versions = {
        str(model_version.version): model_version for model_version in client.search_model_versions(f"name = '{name}'")
    }
    number = version or find_previous(history.read_moves(client, name))
    if number is None:
        raise ModelError(f"rollback: {name} has had no champion before {champion or 'now'}; name a version of it")
    if number not in versions:
        numbers = ", ".join(sorted(versions, key=int)) or "none"
        raise ModelError(f"rollback: {name} has no version {number}; there is: {numbers}")
    if number == champion:
        raise ModelError(f"rollback: {name} version {number} is the champion already")
    return versions[number]
