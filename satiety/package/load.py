"""A package's folder -> an object that answers, once every byte of it is verified."""

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
from satiety.package.card import Facts
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
"""How often a package is copied, where somebody replaces it meanwhile; one that is damaged is so each time."""
PAUSE = 0.05
"""Seconds before the second try; 3 and 7 times as long before the next ones."""
ASKED = 128
"""Test examples that are answered anew, at most, before a package is believed."""


@dataclass(frozen=True)
class Package:
    """A verified package; its model is loaded when it is first asked."""

    folder: Path
    """Where its bytes are."""
    digest: str
    """Of what answers; the same for the same model, wherever and whenever it was packaged."""
    problem: Problem
    device: str
    source: Path
    """What messages call it: the folder that was named, where ``folder`` is a copy of that."""

    @cached_property
    def model(self) -> TunedModel:
        """The tuned model, loaded."""
        try:
            return load(self.folder / MODEL, self.device)
        except ModelError as error:
            raise ModelError(str(error).replace(str(self.folder), str(self.source))) from None

    def predict(self, inputs: Sequence[str | Inputs]) -> list[Prediction]:
        """Answer for each of the inputs, in order; see `Tuned.predict`."""
        return self.model.predict(inputs)

    def read_predictions(self) -> dict[str, Evaluated]:
        """Return its answers on the test examples of its day, by id."""
        return {answer.id: answer for answer in read(self.folder / PREDICTIONS, Evaluated)}

    def scores(self) -> dict[str, Any]:
        """Return the evaluation that it was packaged with."""
        scores: dict[str, Any] = json.loads((self.folder / SCORES).read_text(encoding="utf-8"))
        return scores

    def facts(self) -> Facts:
        """Return where it comes from."""
        return Facts(**json.loads((self.folder / FACTS).read_text(encoding="utf-8")))

    def check_example(self) -> None:
        """Answer the input example anew.

        Raises:
            ModelError: the answer is not the one that was written down.
        """
        example = json.loads((self.folder / EXAMPLE).read_text(encoding="utf-8"))
        example_inputs = example["inputs"]
        answers = [
            serialize_prediction(self.problem, *pair)
            for pair in zip(example_inputs, self.predict(example_inputs), strict=True)
        ]
        for inputs, answer, expected in zip(example_inputs, answers, example["outputs"], strict=True):
            if not is_match(answer, expected):
                raise ModelError(
                    f"{self.source / EXAMPLE}: to {inputs} it answers {answer}, but {expected} is written there"
                )

    def check_stored(self, tests: Sequence[Example]) -> None:
        """Answer some of the test examples anew, all of them where they are few.

        Raises:
            ModelError: an answer is not the one that was scored, or the stored ones are of other test examples.
        """
        predictions = match_stored(self.read_predictions(), tests)
        if predictions is None:
            raise ModelError(f"{self.source / PREDICTIONS}: holds answers to other test examples; run `dvc repro`")
        indices = Random(0).sample(range(len(tests)), min(ASKED, len(tests)))
        answers = self.predict([tests[i].inputs for i in indices])
        pairs = zip((predictions[i] for i in indices), answers, strict=True)
        mismatches = [row.id for row, answer in pairs if is_contradicted(self.problem, row, answer)]
        if mismatches:
            raise ModelError(
                f"{self.source / MODEL}: answers {len(mismatches)} of {len(indices)} test examples, such as "
                f"{mismatches[0]}, "
                "otherwise than was scored; run `dvc repro --force --single-item evaluate`, then `dvc repro`"
            )


def inspect(folder: Path, device: str, source: Path | None = None) -> Package:
    """Verify, and read what a package says of itself, in a folder that nobody else changes.

    Args:
        folder: the package.
        device: where its model will run.
        source: what messages call it, where that is not the folder.

    Raises:
        ModelError: a file is changed, missing, foreign or unsafe; says which, at most five.
        OutdatedError: an earlier version of satiety made it.
    """
    if problems := verify(folder):
        raise ModelError(_summarize_problems(problems))
    return _read_package(folder, device, source or folder)


def snapshot(folder: Path, device: str) -> Package:
    """Copy a package to a private folder and verify the copy, which lasts as long as the object does.

    So all that is read of it is of one package, whoever replaces the folder meanwhile.

    Raises:
        ModelError: a file is changed, missing, foreign or unsafe, or the folder is replaced again and again.
        OutdatedError: an earlier version of satiety made it.
        SetupError: there is no room for the copy.
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
    raise ModelError(f"{folder}: is replaced all the time, so no whole package can be read; wait until that is over")


def open(folder: Path, device: str) -> Package:
    """Take a snapshot, and load the model at once, so that one that does not load is known now.

    Raises:
        ModelError: what ``snapshot`` raises, or the model does not load.
        SetupError: there is no room for the copy.
    """
    package = snapshot(folder, device)
    package.model  # noqa: B018  # loads
    shutil.rmtree(package.folder / MODEL)  # it is in memory: a kill from now on leaves little behind
    return package


def _read_package(folder: Path, device: str, source: Path) -> Package:
    check_layout(folder / MODEL, source / MODEL)
    return Package(folder, read_digest(folder), Problem.load(folder / MODEL / "problem.json"), device, source)


def _summarize_problems(problems: Sequence[str]) -> str:
    remainder = f"\nand {len(problems) - 5} more" if len(problems) > 5 else ""
    return "\n".join(problems[:5]) + remainder
