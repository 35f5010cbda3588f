"""`satiety rollback`: replace the champion by an earlier version."""

from pathlib import Path

from satiety.core.errors import ParamsError
from satiety.package import Register
from satiety.package.contents import MANIFEST, read_digest
from satiety.promotion.moves import is_reversal

MAX_CHARACTERS = 5000
"""Maximum length of a reason: that of a tag in MLflow."""


def roll_back(folder: Path, version: str | None, reason: str) -> str:
    """Make the previous champion, or a given version, the champion; return a message.

    Raises:
        ParamsError: the reason is empty or too long, or params.yaml has no model name.
        ModelError: the version does not exist, is the champion already, or its package is damaged.
        TrackingError: MLflow does not respond.
    """
    from tasks.rollback import roll_back as move_alias

    if not 0 < len(reason.strip()) <= MAX_CHARACTERS:
        count = len(reason.strip())
        raise ParamsError(f"rollback: --why has {count:,} characters; give a reason of 1 to {MAX_CHARACTERS:,}")
    move = move_alias(Register.load(folder / "params.yaml").name, version, reason.strip())
    note = f" Version {move.before} is not promoted automatically again; undo: satiety rollback {move.before} --why …"
    message = f"Version {move.after} is champion; its package is verified.{note if is_reversal(move) else ''}"
    return f"{message}{_describe_package(folder, str(move.after), move.digests['after'])}"


def _describe_package(folder: Path, version: str, digest: str | None) -> str:
    """Return a warning if the package in the folder, which `satiety predict` uses, is a different model."""
    from tasks.paths import find_paths

    (package,) = find_paths("package", folder=folder)
    if not (package / MANIFEST).is_file() or read_digest(package) == digest:
        return ""
    return (
        f"\n{package} is a different model, which `satiety predict` still uses: check out the dvc.lock of "
        f"version {version} (`git log --all -- dvc.lock`), then `dvc checkout {package}`"
    )
