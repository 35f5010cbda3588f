"""What a problem is: what is asked of a text, and everything the pipeline must know about its answers.

A problem is a component in one file. Its fields are what a user decides (``ingest.problem`` in params.yaml). Ingest
settles it against the data (the label set) and writes it as ``problem.json``; every later stage reads it from there.

Three ideas carry the whole pipeline:

* **Windows.** ``encode`` turns examples into model inputs no longer than the model takes; ``decode`` puts the logits of
  an example's windows together again. A long text loses nothing.
* **Tallies.** ``tally`` turns each pair of gold and predicted answer into a row of counts, and ``measure`` turns *sums*
  of such rows into metrics. So a bootstrap is one matrix product, for every metric of every problem.
* **Rewrites.** An augmenter knows texts, a problem knows labels; ``transfer`` says how a label survives a rewrite.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import AfterValidator

from satiety.errors import DataError
from satiety.files import write_text
from satiety.records import Example, Span
from satiety.registry import Component, Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Embed = Callable[[Sequence[str]], Floats]
    """Texts -> one unit vector each, shape (texts, dimensions)."""


def _distinct(labels: list[str]) -> list[str]:
    if not labels:
        raise ValueError("is empty; write null to take the labels found in the data")
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise ValueError(f"names a label twice: {', '.join(twice)[:200]}")
    return labels


Labels = Annotated[list[str], AfterValidator(_distinct)] | None
"""A label set, or null for the one found in the data."""
IGNORE = -100
"""A target that the loss and the metrics pass over."""


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the model: an example, or a part of one that fits."""

    example: int
    """Index of the example in the sequence that was encoded."""
    input_ids: list[int]
    """Token ids, special tokens included; shape (tokens,)."""
    targets: list[int]
    """Class indices: one for a head over texts; one per token, or IGNORE, for a head over tokens."""
    units: list[int] = field(default_factory=list)
    """For a head over tokens: per token the index of the text's unit it answers for, or -1."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's answer for one text."""

    label: str | None = None
    spans: tuple[Span, ...] = ()
    confidence: float = 1.0
    """Probability of the answer, in [0, 1]; for several spans the mean of theirs."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Probability per label, or per span as ``start:end``."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A changed text, and which stretches of it stood in the old text."""

    text: str
    kept: tuple[tuple[int, int, int], ...] | None = None
    """(start in the old text, start in the new text, length) of unchanged stretches; None where nobody knows."""


class Problem(Component):
    """What is asked of a text."""

    headline: ClassVar[str]
    """The metric that decides."""
    metrics: ClassVar[tuple[str, ...]]
    """Every metric that ``measure`` gives for the problem as a whole, the headline first."""
    columns: ClassVar[tuple[str, ...]]
    """What a labelled source must give for each example; users map their own names onto these."""
    head: ClassVar[Literal["text", "token"]]
    """Whether the model answers once per text or once per token."""

    @abstractmethod
    def read(self, row: Mapping[str, Any]) -> tuple[str, str | None, tuple[Span, ...]]:
        """Return (text, label, spans) of a row that has ``columns``; raise ValueError saying what is wrong with it."""

    @abstractmethod
    def settle(self, examples: Sequence[Example]) -> Self:
        """Return the problem with its label set fixed: the user's, or the one found in the examples."""

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """What the model's outputs stand for, in order of index. Settled problems only."""

    @abstractmethod
    def stratum(self, example: Example) -> str:
        """Return what the split balances: examples of each stratum are spread over train, dev and test alike."""

    @abstractmethod
    def encode(self, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
        """Turn examples into windows of at most ``max_length`` tokens, in order of example."""

    @abstractmethod
    def decode(
        self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[Floats]
    ) -> list[Prediction]:
        """Turn the logits of every window into one prediction per example.

        Args:
            examples: what was encoded; only their texts are looked at.
            windows: what ``encode`` gave for them.
            logits: per window an array: (classes,) for a head over texts, (tokens, classes) for one over tokens.
        """

    @abstractmethod
    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Return one row of counts per example, shape (examples, counts), such that rows add up."""

    @abstractmethod
    def measure(self, tallies: Floats) -> dict[str, Floats]:
        """Turn summed counts, shape (..., counts), into metrics of shape (...), each in [0, 1].

        Metrics of one class are named ``f1/<class>``, ``precision/<class>``, ``recall/<class>``.
        """

    @abstractmethod
    def before(self, train: Sequence[Example], texts: Sequence[str], embed: Embed) -> list[Prediction]:
        """Answer without any training of the model: what a user has on the first day."""

    @abstractmethod
    def transfer(self, example: Example, rewrite: Rewrite) -> Example | None:
        """Return the example with its text rewritten and its label carried over; None where the label is lost."""

    @abstractmethod
    def outcomes(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        """Return (confidence, right?) of every answer given: what calibration is measured on."""

    @abstractmethod
    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        """Return (gold, predicted) class names, pair by pair: what the confusion matrix counts."""

    @property
    def listed(self) -> tuple[str, ...]:
        """The labels that the user lists, as they are written there; none where the data says them."""
        return tuple(getattr(self, "labels", None) or ())

    @property
    def suite(self) -> str:
        """Name of the expectation suite for labelled examples: ``expectations/labelled_<kind>.json``."""
        return f"labelled_{self.kind}"

    def save(self, path: Path) -> None:
        """Write the settled problem as JSON."""
        write_text(path, json.dumps(self.model_dump(), indent=2, ensure_ascii=False) + "\n")

    @staticmethod
    def load(path: Path) -> Problem:
        """Read what ``save`` wrote."""
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return PROBLEMS[fields.pop("kind")].model_validate(fields)
        except FileNotFoundError:
            raise DataError(f"{path}: no such file; run the stage `ingest`, or `dvc repro`") from None
        except (ValueError, KeyError) as error:
            raise DataError(f"{path}: not a problem: {error}") from None


PROBLEMS: Registry[Problem] = Registry("problem", "satiety.problems")


def ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, and 0 where whole is 0: a metric is never NaN."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
