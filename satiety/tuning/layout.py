"""Version of the layout of a tuned model's folder, checked before any other file is read; needs no torch."""

from pathlib import Path
from typing import Final

from satiety.core.errors import OutdatedError
from satiety.training.model_files import read_json

CARD = "tuned.json"
LAYOUT: Final = 2
"""Increase it when an older folder, or the package around it, would be misread."""


def check_layout(folder: Path, source: Path | None = None) -> None:
    """Raise OutdatedError where an earlier version of satiety made a tuned model.

    Args:
        folder: the folder of the tuned model.
        source: the path in error messages, where it is not ``folder``.

    Raises:
        OutdatedError: the folder has an earlier layout.
        ModelError: ``tuned.json`` is missing or broken.
    """
    version = read_json(folder / CARD).get("version", LAYOUT)
    if isinstance(version, int) and version < LAYOUT:
        raise OutdatedError(
            f"{(source or folder) / CARD}: made by an earlier version of satiety (layout {version}, now {LAYOUT}): "
            "rebuild the model with `dvc repro`, or use the version that made it"
        )
