"""What a problem is: what is asked of a text, and everything the pipeline must know about its answers.

A problem is a component in one file. Its fields are what a user decides (``ingest.problem`` in params.yaml). Ingest
settles it against the data (the label set) and writes it as ``problem.json``; every later stage reads it from there.

Three ideas carry the whole pipeline:

* **Windows.** ``encode`` turns examples into model inputs no longer than the model takes; ``decode`` puts the logits of
  an example's windows together again. A long text loses nothing.
* **Tallies.** ``tally`` turns each pair of gold and predicted answer into a row of numbers, and ``score`` makes metrics
  of weighted rows. Most are functions of *sums* of rows (``measure``): then a bootstrap is one matrix product.
* **Rewrites.** An augmenter knows texts, a problem knows answers; ``transfer`` says how an answer survives a rewrite.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import AfterValidator

from satiety.core.answers import Answer, Span, load
from satiety.core.errors import DataError
from satiety.core.files import write_text
from satiety.core.inputs import Inputs, Value, read_value
from satiety.core.records import Example
from satiety.core.registry import Component, Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems.windows import Window

    Floats = NDArray[np.floating[Any]]
    Embed = Callable[[Sequence[str]], Floats]
    """Texts -> one unit vector each, shape (texts, dimensions)."""


def _check_distinct(labels: list[str]) -> list[str]:
    if not labels:
        raise ValueError("is empty; write null to take the labels found in the data")
    if repeated := sorted({label for label in labels if labels.count(label) > 1}):
        raise ValueError(f"names a label twice: {', '.join(repeated)[:200]}")
    return labels


LabelSet = Annotated[list[str], AfterValidator(_check_distinct)] | None
"""A label set, or null for the one found in the data."""


@dataclass(frozen=True, slots=True)
class ZeroShotModel:
    """What can be asked of the base model as it came."""

    embed: Embed
    """Texts -> one unit vector each, shape (texts, dimensions)."""
    generate: Callable[[Sequence[Example]], list[Prediction]] | None = None
    """What it writes of its own accord; None where a problem's answers are not written."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's answer for one example."""

    answer: Answer | None = None
    """None: the model gave none."""
    confidence: float = 1.0
    """Probability of the answer, in [0, 1]; for several spans the mean of theirs."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Probability per label, or per span as ``start:end``."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A changed text, and which stretches of it stood in the old text."""

    text: str
    alignment: tuple[tuple[int, int, int], ...] | None = None
    """(start in the old text, start in the new text, length) of unchanged stretches; None where nobody knows."""


class Problem(Component):
    """What is asked of a text."""

    headline: ClassVar[str]
    """The metric that decides: larger is better, and 1 is perfect. Of an error, take what falls as it grows, or let it
    be one of the other metrics, as ``regress`` does with its RMSE."""
    metrics: ClassVar[tuple[str, ...]]
    """Every metric that ``measure`` gives for the problem as a whole, the headline first."""
    inputs: ClassVar[tuple[str, ...]] = ("text",)
    """The inputs that an example has, by name."""
    list_inputs: ClassVar[frozenset[str]] = frozenset()
    """Those that are lists; the others are texts."""
    span_input: ClassVar[str] = "text"
    """The input that the mentions of an answer point into."""
    has_confidence: ClassVar[bool] = True
    """Whether a prediction's confidence says how sure it is; numbers come without one."""
    gold: ClassVar[str]
    """What the column of the answer is called in a labelled source; users map their own names onto it."""
    answer: ClassVar[type[Answer]]
    """The shape of its answers."""
    categorical: ClassVar[bool] = False
    """Whether every answer is one of ``classes``, and ``Prediction.scores`` has the probability of each of them."""
    head: ClassVar[str]
    """What it stands on: the name of a component of `satiety.heads`."""

    @property
    def head_params(self) -> dict[str, Any]:
        """What it asks of that: the head's parameters."""
        return {}

    @property
    def columns(self) -> tuple[str, ...]:
        """What a labelled source must give for each example, the answer last."""
        return (*self.inputs, self.gold)

    def read(self, row: Mapping[str, Any]) -> tuple[dict[str, Value], Answer]:
        """Return (inputs, answer) of a row that has ``columns``, the answer checked.

        Raises:
            TypeError: a cell is of another type than the problem wants.
            ValueError: the answer is none to this problem.
        """
        inputs, answer = self.read_inputs(row), self.parse(row[self.gold])
        self.check(inputs, answer)
        return inputs, answer

    def read_inputs(self, row: Mapping[str, Any]) -> dict[str, Value]:
        """Return the inputs of a row; raise KeyError where one is missing, TypeError where its type is wrong."""
        inputs = {name: read_value(row[name]) for name in self.inputs}
        for name, value in inputs.items():
            if isinstance(value, str) == (name in self.list_inputs):
                raise TypeError(
                    f"{name} is a {type(row[name]).__name__}, not {'a list' if name in self.list_inputs else 'text'}"
                )
        return inputs

    @abstractmethod
    def parse(self, cell: Any) -> Answer:
        """Return the answer that a cell of a labelled source holds; raise TypeError where its type is wrong."""

    def parse_feedback(self, cell: Any) -> Answer:
        """Return the answer that a person gave: what ``parse`` takes, or that as JSON text; raises as it does."""
        try:
            return self.parse(json.loads(cell) if isinstance(cell, str) and cell[:1] in "[{" else cell)
        except json.JSONDecodeError:
            return self.parse(cell)

    def check(self, inputs: Inputs, answer: Answer) -> None:
        """Raise ValueError, saying what is wrong, where it is no answer to these inputs."""

    def merge(self, answers: Sequence[Answer]) -> Answer | None:
        """Return one answer for different ones that a text was given in several rows; None where these contradict."""
        return None

    def build_examples(self, queries: Iterable[str | Inputs]) -> list[Example]:
        """Return examples without an answer; a bare text stands for the only input of a problem that has one.

        Raises:
            DataError: an input is missing, unknown, or of another type.
        """
        return [Example(str(i), self._read_query(query, i)) for i, query in enumerate(queries)]

    def _read_query(self, query: str | Inputs, index: int) -> dict[str, Value]:
        if not isinstance(query, Mapping):
            query = {self.inputs[0]: query}
        if set(query) != set(self.inputs):
            expected = ", ".join(self.inputs)
            raise DataError(
                f"{self.kind}: example {index + 1} has {', '.join(query) or 'nothing'}; it needs {expected}"
            )
        try:
            return self.read_inputs(query)
        except (TypeError, ValueError) as error:
            raise DataError(f"{self.kind}: example {index + 1}: {error}") from None

    def accepts(self, answer: Answer) -> bool:
        """Return whether it could be an answer to this problem: others of a project may share a record."""
        return isinstance(answer, self.answer)

    @abstractmethod
    def fit_labels(self, examples: Sequence[Example]) -> Self:
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
    def decode(self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[Any]) -> list[Prediction]:
        """Turn what the head inferred of every window into one prediction per example.

        Args:
            examples: what was encoded; only their texts are looked at.
            windows: what ``encode`` gave for them.
            logits: per window an array: (classes,) for a head over texts, (tokens, classes) for one over tokens; what
                was `Generated`, for one that writes.
        """

    def fit_decoder(self, examples: Sequence[Example], probabilities: Floats) -> Self:
        """Return the problem with what ``decode`` needs to know, as thresholds, chosen on examples not learned from.

        Args:
            examples: that people labelled.
            probabilities: probabilities of models that did not learn from them, shape (examples, outputs).
        """
        return self

    @abstractmethod
    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Return one row of counts per example, shape (examples, counts), such that rows add up."""

    def score(self, tallies: Floats, weights: Floats | None = None) -> dict[str, Floats]:
        """Return the metrics of examples that count more or less often.

        A metric that is no function of sums, as a rank correlation, overrides this; others need ``measure`` alone.

        Args:
            tallies: as ``tally`` gave them, shape (examples, …, counts); axes in between are systems.
            weights: how often each example counts, shape (resamples, examples); None: once.

        Returns:
            Each metric of shape (resamples, …), or (…) without weights.
        """
        return self.metrics_from_counts(
            tallies.sum(axis=0) if weights is None else np.tensordot(weights, tallies, axes=1)
        )

    def metrics_from_counts(self, tallies: Floats) -> dict[str, Floats]:
        """Turn summed counts, shape (..., counts), into metrics of shape (...).

        Metrics of one class are named ``f1/<class>``, ``precision/<class>``, ``recall/<class>``.
        """
        raise NotImplementedError

    @abstractmethod
    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        """Answer without any training of the model: what a user has on the first day."""

    def project_labels(self, example: Example, rewrite: Rewrite, name: str) -> Example | None:
        """Return the example with an input rewritten and its answer carried over; None where the answer is lost.

        A rewrite is meant to keep the sense, so answers stay; mentions move along, and what is changed or torn is lost.

        Args:
            example: whose input is rewritten.
            rewrite: of that input.
            name: of the input.
        """
        inputs: dict[str, Value] = {**example.inputs, name: rewrite.text}
        if name != self.span_input:
            return replace(example, inputs=inputs)
        alignment, answer = rewrite.alignment or (), example.answer
        try:
            for input_name, value in inputs.items():
                if not isinstance(value, str) and any(isinstance(part, Span) for part in value):
                    inputs[input_name] = tuple(_move_span(part, alignment) for part in value if isinstance(part, Span))
            if answer is not None and answer.mentions:
                mentions = [_move_span(mention, alignment) for mention in answer.mentions]
                answer = answer.move(sorted(mentions, key=lambda mention: mention.start))
        except ValueError:
            return None
        return replace(example, inputs=inputs, answer=answer)

    def estimate_tallies(self, scores: Floats) -> Floats:
        """Return the tallies that answers of these scores would have were the scores right, shape (texts, counts).

        Args:
            scores: probability of each class, shape (texts, classes).

        Returns:
            No counts, shape (texts, 0), where a score is not an expectation over classes.
        """
        return np.zeros((len(scores), 0))

    def outputs(self, predicted: Sequence[Prediction]) -> Floats:
        """Return the scores of answers as rows of one length: those of being right or not, shape (answers, 2)."""
        confidences = np.array([prediction.confidence for prediction in predicted])
        return np.stack([confidences, 1 - confidences], axis=1)

    @abstractmethod
    def confidence_correct(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        """Return (confidence, right?) of every answer given: what calibration is measured on."""

    @abstractmethod
    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        """Return (gold, predicted) class names, pair by pair: what the confusion matrix counts."""

    def contradicts(self, stored: Answer, confidence: float, prediction: Prediction, tolerance: float) -> bool:
        """Return whether a model that answered ``stored`` can, on no processor, answer ``prediction``.

        Args:
            stored: what it answered.
            confidence: of that, as it was stored.
            prediction: what it answers now.
            tolerance: by how much a probability may differ between processors.
        """
        is_near = prediction.answer is not None and stored.is_close(prediction.answer, tolerance)
        return not is_near or not abs(prediction.confidence - confidence) <= tolerance

    @abstractmethod
    def examples(self, language: str) -> list[Example]:
        """Return made-up examples in a language, ``en`` or ``zh``, with two answers; no person in them exists."""

    @abstractmethod
    def signature(self) -> dict[str, Any]:
        """Return what an answer looks like, as a column in the notation of MLflow's schemas."""

    def to_json(self, inputs: Inputs, answer: Answer | None) -> Any:
        """Return an answer as JSON, for people and programs that read it beside its inputs."""
        return None if answer is None else answer.to_json()

    @property
    def label_set(self) -> tuple[str, ...]:
        """The labels that the user lists, as they are written there; none where the data says them."""
        return tuple(getattr(self, "labels", None) or ())

    suite: ClassVar[str] = "labelled"
    """The expectations that examples are held against: a file of ``expectations/``."""

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


def is_answer_to(text: str, problem: Problem) -> bool:
    """Return whether it is an answer to this problem, as JSON: other problems of a project may share a record."""
    try:
        return problem.accepts(load(text))
    except DataError:
        return False


def _move_span(mention: Span, alignment: Sequence[tuple[int, int, int]]) -> Span:
    """Return a mention where it stands after a rewrite; raise ValueError where it was changed or torn."""
    for source, target, size in alignment:
        if source <= mention.start and mention.end <= source + size:
            return replace(mention, start=mention.start + target - source, end=mention.end + target - source)
    raise ValueError(f"the rewrite did not keep {mention}")


def scalar(name: str, cell: Any) -> str:
    """Return a cell that holds one value as text; raise TypeError where it holds a list."""
    if not isinstance(cell, str | int | float):
        raise TypeError(f"{name} is a {type(cell).__name__}, not text")
    return str(cell).strip()


def ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, and 0 where whole is 0: a metric is never NaN."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
