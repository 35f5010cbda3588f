"""Which layout a tuned model's folder has; asked before anything else in it is read, and without loading it."""

from pathlib import Path
from typing import Final

from satiety.core.errors import OutdatedError
from satiety.training.model_files import read_json

CARD = "tuned.json"
LAYOUT: Final = 2
"""Raised whenever an older folder, or the package around it, would be read otherwise than it was meant."""


def check_layout(folder: Path, source: Path | None = None) -> None:
    """Refuse a tuned model that an earlier version of satiety made.

    Args:
        folder: of the tuned model.
        source: what messages call it, where that is not the folder.

    Raises:
        OutdatedError: it is of an earlier layout.
        ModelError: its card is missing or broken.
    """
    version = read_json(folder / CARD).get("version", LAYOUT)
    if isinstance(version, int) and version < LAYOUT:
        raise OutdatedError(
            f"{(source or folder) / CARD}: of an earlier version of satiety; make the model anew with `dvc repro`, or "
            "answer with the version that made it"
        )
