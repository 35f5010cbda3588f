"""Rollback: make an earlier version champion after its package has been verified."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from satiety.core.errors import ModelError
from satiety.promotion.moves import Move, find_previous, is_reversal
from tasks import history, tracking
from tasks.fetch import fetch_package
from tasks.pages import update_descriptions
from tasks.register import DIGEST_TAG

DAMAGED = "restore its files, or choose another version"
OUTDATED = "only that version can load it; choose another version"
"""Advice for a version that cannot become champion."""


def roll_back(name: str, version: str | None, reason: str) -> Move:
    """Make the previous champion, or a given version, champion; the replaced one is not promoted again automatically.

    Args:
        name: name of the registered model.
        version: version number; None selects the previous champion.
        reason: text for the history.

    Raises:
        ModelError: the version does not exist, is the champion already, or its package is damaged or made by an
            earlier version of satiety; or there is no previous champion.
        TrackingError: MLflow does not respond.
    """
    client = tracking.connect()
    with tracking.translate_errors(), TemporaryDirectory(prefix="satiety-") as scratch, history.lock_champion():
        champion = _find_champion(client, name)
        target = _find_target(client, name, champion, version)
        package = fetch_package(target, Path(scratch), "the rollback target", DAMAGED, OUTDATED)
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
        update_descriptions(client, package, str(target.version))
    return move


def _find_champion(client: Any, name: str) -> str | None:
    if not client.search_registered_models(f"name = '{name}'"):
        raise ModelError(f"rollback: no model {name!r} is registered in MLflow; check register.name in params.yaml")
    return history.find_champion(client, name)


def _find_target(client: Any, name: str, champion: str | None, version: str | None) -> Any:
    versions = {
        str(model_version.version): model_version for model_version in client.search_model_versions(f"name = '{name}'")
    }
    number = version or find_previous(history.read_moves(client, name))
    if number is None:
        raise ModelError(f"rollback: {name} has no champion before {champion or 'now'}; give a version number")
    if number not in versions:
        numbers = ", ".join(sorted(versions, key=int)) or "none"
        raise ModelError(f"rollback: {name} has no version {number}; existing versions: {numbers}")
    if number == champion:
        raise ModelError(f"rollback: {name} version {number} is the champion already")
    return versions[number]
