"""The champion -> the one before it, or another version, once its package is known to be whole."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from satiety.errors import ModelError
from satiety.promotion.moves import Move, previous, takes_back
from tasks import history, tracking
from tasks.fetch import fetch
from tasks.pages import describe
from tasks.register import DIGEST_TAG

DAMAGED = "restore its files, or name another version"
OUTDATED = "which alone can answer with it; name another version"
"""What to do about a version that cannot become champion."""


def roll_back(name: str, version: str | None, why: str) -> Move:
    """Make a former champion, or the version named, champion; keep what was taken back from coming again by itself.

    Args:
        name: of the registered model.
        version: its number; None takes the champion before the present one.
        why: in words, for the history.

    Raises:
        ModelError: there is no such version, or none before; it is champion already; its package is not whole, or of
            an earlier version of satiety.
        TrackingError: MLflow does not answer.
    """
    client = tracking.connect()
    with tracking.reached(), TemporaryDirectory(prefix="satiety-") as scratch, history.deciding():
        held = _champion(client, name)
        target = _target(client, name, held, version)
        package = fetch(target, Path(scratch), "which was to be champion", DAMAGED, OUTDATED)
        gone = client.get_model_version(name, held).tags if held else {}
        one = history.begun(
            "rollback",
            held,
            str(target.version),
            why,
            facts=package.facts(),
            digests={"before": gone.get(DIGEST_TAG), "after": package.digest},
            scores={},
        )
        history.move(client, name, one)
        if held and takes_back(one):
            client.set_model_version_tag(name, held, "satiety.decision", "taken back")
            client.set_model_version_tag(name, held, "satiety.reason", why)
        describe(client, package, str(target.version))
    return one


def _champion(client: Any, name: str) -> str | None:
    if not client.search_registered_models(f"name = '{name}'"):
        raise ModelError(f"rollback: MLflow knows no model {name!r}; is params.yaml's register.name the right one?")
    return history.held(client, name)


def _target(client: Any, name: str, held: str | None, version: str | None) -> Any:
    there = {str(one.version): one for one in client.search_model_versions(f"name = '{name}'")}
    wanted = version or previous(history.moves(client, name))
    if wanted is None:
        raise ModelError(f"rollback: {name} has had no champion before {held or 'now'}; name a version of it")
    if wanted not in there:
        numbers = ", ".join(sorted(there, key=int)) or "none"
        raise ModelError(f"rollback: {name} has no version {wanted}; there is: {numbers}")
    if wanted == held:
        raise ModelError(f"rollback: {name} version {wanted} is the champion already")
    return there[wanted]
