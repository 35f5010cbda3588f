"""`satiety rollback`: take the champion back, and say what that means."""

from pathlib import Path

from satiety.errors import ParamsError
from satiety.package import Register
from satiety.package.contents import MANIFEST, read_digest
from satiety.promotion.moves import takes_back

LONGEST = 5000
"""Characters of a reason; MLflow keeps no tag of more."""


def roll_back(folder: Path, version: str | None, why: str) -> str:
    """Make the champion before, or a version, champion; return what was done.

    Raises:
        ParamsError: no reason is given, or params.yaml names no model.
        ModelError: there is no such version, it is champion already, or its package is not whole.
        TrackingError: MLflow does not answer.
    """
    from tasks.rollback import roll_back as taken_back

    if not 0 < len(why.strip()) <= LONGEST:
        raise ParamsError(f"rollback: --why has {len(why.strip()):,} characters; say why in 1 to {LONGEST:,}")
    one = taken_back(Register.load(folder / "params.yaml").name, version, why.strip())
    stays = f" Version {one.before} is not promoted again until it is named so: satiety rollback {one.before} --why …"
    done = f"Version {one.after} is champion, whole and verified.{stays if takes_back(one) else ''}"
    return f"{done}{_still(folder, str(one.after), one.digests['after'])}"


def _still(folder: Path, version: str, digest: str | None) -> str:
    """Say so where the folder's package, from which `satiety predict` answers, is another one."""
    from tasks.places import places

    (package,) = places("package", folder=folder)
    if not (package / MANIFEST).is_file() or read_digest(package) == digest:
        return ""
    return (
        f"\n{package} is another model, and `satiety predict` still answers from it: check out the dvc.lock that made "
        f"version {version} (`git log --all -- dvc.lock`), then `dvc checkout {package}`"
    )
