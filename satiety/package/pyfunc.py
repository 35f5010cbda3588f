"""Loader module of `mlflow.pyfunc` for a package inside an MLflow model; does not import MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety import package
from satiety.core.settings import Settings
from satiety.package.example import serialize_prediction

if TYPE_CHECKING:
    from satiety.package.load import Package


class Answerer:
    """Model interface of `mlflow.pyfunc`."""

    def __init__(self, model_package: Package) -> None:
        self.package = model_package

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return predictions for a list or column of texts, or for a table with the problem's inputs as columns.

        Raises:
            DataError: an input is missing or has the wrong type.
        """
        inputs_list = [example.inputs for example in self.package.problem.build_examples(self._rows(data))]
        return [
            serialize_prediction(self.package.problem, *pair, self.package.threshold)
            for pair in zip(inputs_list, self.package.predict(inputs_list), strict=True)
        ]

    def _rows(self, data: Any) -> list[Any]:
        names = self.package.problem.inputs
        if getattr(data, "ndim", 1) > 1 and len(names) > 1:
            return list(data[[*names]].to_dict("records"))
        return list(data.iloc[:, 0] if getattr(data, "ndim", 1) > 1 else data)


def _load_pyfunc(path: str) -> Answerer:
    """Open the package at ``path``; the name is part of MLflow's interface."""
    return Answerer(package.open(Path(path), Settings().device))
