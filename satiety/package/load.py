"""Folder of a package -> verified package, ready to predict."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from satiety.core.errors import ModelError
from satiety.core.records import Evaluated, Example, read
from satiety.evaluate.answers import match_stored
from satiety.package.card import Facts, is_out_of_fold, read_threshold
from satiety.package.contents import EXAMPLE, FACTS, MODEL, PREDICTIONS, SCORES, read_digest
from satiety.package.example import is_contradicted, is_match, serialize_prediction
from satiety.package.verify import verify
from satiety.problems import Problem
from satiety.tuning import load
from satiety.tuning.layout import check_layout

if TYPE_CHECKING:
    from satiety.core.inputs import Inputs
    from satiety.problems import Prediction
    from satiety.tuning.tuned_model import TunedModel

TRIES = 4
"""Attempts to copy a package while another process replaces it; a damaged one fails the same way each time."""
PAUSE = 0.05
"""Seconds before the second attempt; 3 and 7 times as long before the next ones."""
MAX_CHECKED = 128
"""Maximum number of examples whose stored predictions are checked."""


@dataclass(frozen=True)
class Package:
    """A verified package; the model loads at the first prediction."""

    folder: Path
    """Folder of the verified files, possibly a copy."""
    digest: str
    """Digest of the model, independent of time and place of packaging."""
    problem: Problem
    device: str
    source: Path
    """Original folder, named in messages."""

    @cached_property
    def model(self) -> TunedModel:
        """The tuned model."""
        try:
            return load(self.folder / MODEL, self.device)
        except ModelError as error:
            raise ModelError(str(error).replace(str(self.folder), str(self.source))) from None

    def predict(self, inputs: Sequence[str | Inputs]) -> list[Prediction]:
        """Return a prediction for each input; see `TunedModel.predict`."""
        return self.model.predict(inputs)

    def read_predictions(self) -> dict[str, Evaluated]:
        """Return the stored predictions on the test examples, or on every label out of fold, by id."""
        return {answer.id: answer for answer in read(self.folder / PREDICTIONS, Evaluated)}

    def scores(self) -> dict[str, Any]:
        """Return the stored report of `evaluate`."""
        scores: dict[str, Any] = json.loads((self.folder / SCORES).read_text(encoding="utf-8"))
        return scores

    @cached_property
    def threshold(self) -> float | None:
        """The confidence below which a text may belong to no class; None where every text is answered."""
        return read_threshold(self.scores())

    def facts(self) -> Facts:
        """Return the provenance of the package."""
        return Facts(**json.loads((self.folder / FACTS).read_text(encoding="utf-8")))

    def check_example(self) -> None:
        """Check that the model reproduces the predictions of its input example.

        Raises:
            ModelError: a prediction differs.
        """
        example = json.loads((self.folder / EXAMPLE).read_text(encoding="utf-8"))
        example_inputs = example["inputs"]
        answers = [
            serialize_prediction(self.problem, *pair, self.threshold)
            for pair in zip(example_inputs, self.predict(example_inputs), strict=True)
        ]
        for inputs, answer, expected in zip(example_inputs, answers, example["outputs"], strict=True):
            if not is_match(answer, expected):
                raise ModelError(
                    f"{self.source / EXAMPLE}: for {inputs} the model predicts {answer} instead of {expected}"
                )

    def check_stored(self, gold: Sequence[Example]) -> None:
        """Check that the model reproduces its stored predictions, on at most ``MAX_CHECKED`` examples.

        Predictions out of fold are those of other models, so only their examples are checked.

        Raises:
            ModelError: a prediction differs, or the stored ones belong to other examples.
        """
        predictions = match_stored(self.read_predictions(), gold)
        if predictions is None:
            raise ModelError(f"{self.source / PREDICTIONS}: predictions of other examples; run `dvc repro`")
        if is_out_of_fold(self.scores()):
            return
        indices = Random(0).sample(range(len(gold)), min(MAX_CHECKED, len(gold)))
        answers = self.predict([gold[i].inputs for i in indices])
        pairs = zip((predictions[i] for i in indices), answers, strict=True)
        mismatches = [row.id for row, answer in pairs if is_contradicted(self.problem, row, answer)]
        if mismatches:
            raise ModelError(
                f"{self.source / MODEL}: {len(mismatches)} of {len(indices)} predictions differ from the evaluated "
                f"ones, such as {mismatches[0]}; run `dvc repro --force --single-item evaluate`, then `dvc repro`"
            )


def inspect(folder: Path, device: str, source: Path | None = None) -> Package:
    """Verify a package without a copy; the folder must not change meanwhile.

    Args:
        folder: the package.
        device: device of the model.
        source: folder to name in messages, if not ``folder``.

    Raises:
        ModelError: files are changed, missing, unlisted or unsafe; names up to five.
        OutdatedError: an earlier version of satiety made the package.
    """
    if problems := verify(folder):
        raise ModelError(_summarize_problems(problems))
    return _read_package(folder, device, source or folder)


def snapshot(folder: Path, device: str) -> Package:
    """Copy a package to a temporary folder and verify the copy, which is deleted with the returned object.

    The copy stays consistent when another process replaces the package.

    Raises:
        ModelError: files are changed, missing, unlisted or unsafe, or the folder keeps changing.
        OutdatedError: an earlier version of satiety made the package.
        SetupError: there is no disk space for the copy.
    """
    attempts = list[list[str]]()
    for number in range(TRIES):
        time.sleep(PAUSE * (2**number - 1))
        copy = Path(tempfile.mkdtemp(prefix="satiety-package-"))
        try:
            attempts.append(verify(folder, copy))
            package = None if attempts[-1] else _read_package(copy, device, folder)
        except BaseException:
            shutil.rmtree(copy, ignore_errors=True)
            raise
        if package:
            weakref.finalize(package, shutil.rmtree, copy, ignore_errors=True)
            return package
        shutil.rmtree(copy, ignore_errors=True)
    if all(problems == attempts[0] for problems in attempts):
        raise ModelError(_summarize_problems(attempts[0]))
    raise ModelError(
        f"{folder}: the package changed during all {TRIES} attempts to read it; retry when no process writes it"
    )


def open(folder: Path, device: str) -> Package:
    """Verify a copy of a package and load its model at once.

    Raises:
        ModelError: as in ``snapshot``, or the model does not load.
        SetupError: there is no disk space for the copy.
    """
    package = snapshot(folder, device)
    package.model  # noqa: B018  # loads
    shutil.rmtree(package.folder / MODEL)  # already in memory: a kill leaves little behind
    return package


def _read_package(folder: Path, device: str, source: Path) -> Package:
    check_layout(folder / MODEL, source / MODEL)
    return Package(folder, read_digest(folder), Problem.load(folder / MODEL / "problem.json"), device, source)


def _summarize_problems(problems: Sequence[str]) -> str:
    remainder = f"\nand {len(problems) - 5} more" if len(problems) > 5 else ""
    return "\n".join(problems[:5]) + remainder
