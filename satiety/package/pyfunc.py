"""A package inside an MLflow model -> what `mlflow.pyfunc` calls: its loader module, which knows nothing of MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety import package
from satiety.errors import DataError
from satiety.package.example import plain
from satiety.settings import Settings

if TYPE_CHECKING:
    from satiety.package.load import Package


class Answerer:
    """A package that takes what MLflow hands it."""

    def __init__(self, opened: Package) -> None:
        self.package = opened

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Answer a list, a column, or the first column of a table of texts.

        Raises:
            DataError: something in it is no text.
        """
        column = data.iloc[:, 0] if getattr(data, "ndim", 1) > 1 else data
        texts = list(column)
        strangers = [text for text in texts if not isinstance(text, str)]
        if strangers:
            raise DataError(f"the input must be texts; there is a {type(strangers[0]).__name__} among them")
        return [plain(prediction) for prediction in self.package.predict(texts)]


def _load_pyfunc(path: str) -> Answerer:
    """Open the package at ``path``; MLflow calls this by its name."""
    return Answerer(package.open(Path(path), Settings().device))
