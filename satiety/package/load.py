"""A package's folder -> an object that answers, once every byte of it is verified."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.errors import ModelError
from satiety.package.card import Facts
from satiety.package.contents import EXAMPLE, FACTS, MODEL, PREDICTIONS, SCORES, read_digest
from satiety.package.example import matches, plain
from satiety.package.verify import verify
from satiety.problems import Problem
from satiety.records import Answer, read
from satiety.tuning import load

if TYPE_CHECKING:
    from satiety.problems import Prediction
    from satiety.tuning.tuned import Tuned


@dataclass(frozen=True)
class Package:
    """A verified package; its model is loaded when it is first asked."""

    folder: Path
    digest: str
    """Of what answers; the same for the same model, wherever and whenever it was packaged."""
    problem: Problem
    device: str

    @cached_property
    def model(self) -> Tuned:
        """The tuned model, loaded."""
        return load(self.folder / MODEL, self.device)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Answer for each text, in order."""
        return self.model.predict(texts)

    def stored(self) -> dict[str, Answer]:
        """Return its answers on the test examples of its day, by id."""
        return {answer.id: answer for answer in read(self.folder / PREDICTIONS, Answer)}

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
        answers = [plain(prediction) for prediction in self.predict(example["inputs"])]
        for text, answer, expected in zip(example["inputs"], answers, example["outputs"], strict=True):
            if not matches(answer, expected):
                raise ModelError(
                    f"{self.folder / EXAMPLE}: to {text!r} it answers {answer}, but {expected} is written there"
                )


def inspect(folder: Path, device: str) -> Package:
    """Verify, and read what a package says of itself.

    Raises:
        ModelError: a file is changed, missing, foreign or unsafe; says which, at most five.
    """
    wrong = verify(folder)
    if wrong:
        more = f"\nand {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise ModelError("\n".join(wrong[:5]) + more)
    return Package(folder, read_digest(folder), Problem.load(folder / MODEL / "problem.json"), device)


def open(folder: Path, device: str) -> Package:
    """Verify, and load the model at once, so that one that does not load is known now.

    Raises:
        ModelError: what ``inspect`` raises, or the model does not load.
    """
    package = inspect(folder, device)
    package.model  # noqa: B018  # loads
    return package
