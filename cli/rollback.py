"""`satiety rollback`: take the champion back, and say what that means."""

from pathlib import Path

from satiety.core.errors import ParamsError
from satiety.package import Register
from satiety.package.contents import MANIFEST, read_digest
from satiety.promotion.moves import is_reversal

MAX_CHARACTERS = 5000
"""Characters of a reason; MLflow keeps no tag of more."""


def roll_back(folder: Path, version: str | None, reason: str) -> str:
    """Make the champion before, or a version, champion; return what was done.

    Raises:
        ParamsError: no reason is given, or params.yaml names no model.
        ModelError: there is no such version, it is champion already, or its package is not whole.
        TrackingError: MLflow does not answer.
    """
    from tasks.rollback import roll_back as move_alias

    if not 0 < len(reason.strip()) <= MAX_CHARACTERS:
        raise ParamsError(f"rollback: --why has {len(reason.strip()):,} characters; say why in 1 to {MAX_CHARACTERS:,}")
    move = move_alias(Register.load(folder / "params.yaml").name, version, reason.strip())
    note = f" Version {move.before} is not promoted again until it is named so: satiety rollback {move.before} --why …"
    message = f"Version {move.after} is champion, whole and verified.{note if is_reversal(move) else ''}"
    return f"{message}{_describe_package(folder, str(move.after), move.digests['after'])}"


def _describe_package(folder: Path, version: str, digest: str | None) -> str:
    """Say so where the folder's package, from which `satiety predict` answers, is another one."""
    from tasks.paths import find_paths

    (package,) = find_paths("package", folder=folder)
    if not (package / MANIFEST).is_file() or read_digest(package) == digest:
        return ""
    return (
        f"\n{package} is another model, and `satiety predict` still answers from it: check out the dvc.lock that made "
        f"version {version} (`git log --all -- dvc.lock`), then `dvc checkout {package}`"
    )
