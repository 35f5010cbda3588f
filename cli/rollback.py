"""`satiety rollback`: take the champion back, and say what that means."""

from pathlib import Path

from satiety.errors import ParamsError
from satiety.package import Register
from satiety.promotion.moves import takes_back


def roll_back(folder: Path, version: str | None, why: str) -> str:
    """Make the champion before, or a version, champion; return what was done.

    Raises:
        ParamsError: no reason is given, or params.yaml names no model.
        ModelError: there is no such version, it is champion already, or its package is not whole.
        TrackingError: MLflow does not answer.
    """
    from tasks.rollback import roll_back as taken_back

    if not why.strip():
        raise ParamsError("rollback: --why is empty; say why, for those who read the history")
    one = taken_back(Register.load(folder / "params.yaml").name, version, why.strip())
    stays = f" Version {one.before} is not promoted again until it is named so: satiety rollback {one.before} --why …"
    return f"Version {one.after} is champion, whole and verified.{stays if takes_back(one) else ''}"
