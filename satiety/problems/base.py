"""The interface of problems: what the model predicts for a text, and how predictions are decoded and scored.

A problem is a component in one file. Its fields are set by the user (``ingest.problem`` in params.yaml). The stage
ingest fixes its label set from the data and writes ``problem.json``, which all later stages read.

Three ideas:

* **Windows.** ``encode`` turns examples into model inputs of limited length; ``decode`` combines the outputs of an
  example's windows. Long texts are read in full.
* **Tallies.** ``tally`` turns each pair of gold and predicted answer into a row of numbers; ``score`` computes metrics
  of weighted rows. Most metrics are functions of *sums* of rows (``metrics_from_counts``), so that a bootstrap is one
  matrix product.
* **Rewrites.** Augmenters rewrite texts; ``project_labels`` carries the answer over to the new text.
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

from satiety.core.answers import Answer, Span, labels_of, load
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
    """Function from texts to unit vectors, shape (texts, dimensions)."""


def _check_distinct(labels: list[str]) -> list[str]:
    if not labels:
        raise ValueError("is empty: use null to take the labels from the data")
    if repeated := sorted({label for label in labels if labels.count(label) > 1}):
        raise ValueError(f"has duplicate labels: {', '.join(repeated)[:200]}")
    return labels


LabelSet = Annotated[list[str], AfterValidator(_check_distinct)] | None
"""A label set, or null to take it from the data."""


@dataclass(frozen=True, slots=True)
class ZeroShotModel:
    """The base model before any training, as embedder and generator."""

    embed: Embed
    """Function from texts to unit vectors, shape (texts, dimensions)."""
    generate: Callable[[Sequence[Example]], list[Prediction]] | None = None
    """Function that generates an answer for each example; None for problems without a generative head."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's answer for one example."""

    answer: Answer | None = None
    """The answer; None where the model gave none."""
    confidence: float = 1.0
    """Probability of the answer, in [0, 1]; the mean over spans for an answer of several spans."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Probability per label, or per span as ``start:end``."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A rewritten text, and its alignment with the old text."""

    text: str
    alignment: tuple[tuple[int, int, int], ...] | None = None
    """(start in the old text, start in the new text, length) of unchanged parts; None where the alignment is
    unknown."""
    replacements: tuple[tuple[int, int, int, int], ...] = ()
    """(start and end in the old text, start and end in the new text) of parts that give way to others of their type; a
    span that is exactly such a part moves with it."""


class Problem(Component):
    """What the model predicts for a text."""

    headline: ClassVar[str]
    """The main metric: larger is better, 1 is perfect. Errors such as RMSE belong to the other metrics."""
    metrics: ClassVar[tuple[str, ...]]
    """All overall metrics that ``score`` returns, the headline first."""
    unbounded: ClassVar[frozenset[str]] = frozenset()
    """Those of them that do not lie in [0, 1], such as an error or a correlation."""
    inputs: ClassVar[tuple[str, ...]] = ("text",)
    """Names of an example's inputs."""
    list_inputs: ClassVar[frozenset[str]] = frozenset()
    """Names of the inputs that are lists; the others are texts."""
    span_input: ClassVar[str] = "text"
    """Name of the input that the spans of an answer refer to."""
    has_confidence: ClassVar[bool] = True
    """Whether predictions have a meaningful confidence; predicted numbers have none."""
    gold: ClassVar[str]
    """Name of the answer's column in a labelled source; users map their own column names to it."""
    answer: ClassVar[type[Answer]]
    """Class of the answers."""
    categorical: ClassVar[bool] = False
    """Whether every answer is one of ``classes``, with a probability for each of them in ``Prediction.scores``."""
    head: ClassVar[str]
    """Name of the head: a component of `satiety.heads`."""

    @property
    def has_mentions(self) -> bool:
        """Whether an answer refers to spans of an input."""
        return self.answer.mentions is not Answer.mentions

    @property
    def head_params(self) -> dict[str, Any]:
        """Parameters of the head."""
        return {}

    @property
    def columns(self) -> tuple[str, ...]:
        """Required columns of a labelled source, the answer last."""
        return (*self.inputs, self.gold)

    def read(self, row: Mapping[str, Any]) -> tuple[dict[str, Value], Answer]:
        """Return the inputs and the checked answer of a row that has ``columns``.

        Raises:
            TypeError: a cell has the wrong type.
            ValueError: the answer is not valid for the problem.
        """
        inputs, answer = self.read_inputs(row), self.parse(row[self.gold])
        self.check(inputs, answer)
        return inputs, answer

    def read_inputs(self, row: Mapping[str, Any]) -> dict[str, Value]:
        """Return the inputs of a row; raise KeyError for a missing one, TypeError for a wrong type."""
        inputs = {name: read_value(row[name]) for name in self.inputs}
        for name, value in inputs.items():
            if isinstance(value, str) == (name in self.list_inputs):
                raise TypeError(
                    f"{name} is a {type(row[name]).__name__}, not {'a list' if name in self.list_inputs else 'text'}"
                )
        return inputs

    @abstractmethod
    def parse(self, cell: Any) -> Answer:
        """Return the answer in a cell of a labelled source; raise TypeError for a wrong type."""

    def parse_feedback(self, cell: Any) -> Answer:
        """Return the answer of user feedback: a value as for ``parse``, or the same as JSON text."""
        try:
            return self.parse(json.loads(cell) if isinstance(cell, str) and cell[:1] in "[{" else cell)
        except json.JSONDecodeError:
            return self.parse(cell)

    def check(self, inputs: Inputs, answer: Answer) -> None:
        """Raise ValueError where the answer is not valid for these inputs."""

    def merge(self, answers: Sequence[Answer]) -> Answer | None:
        """Return one answer for a text with different answers in several rows; None where they contradict."""
        return None

    def build_examples(self, queries: Iterable[str | Inputs]) -> list[Example]:
        """Return examples without an answer; a bare string is accepted for problems with a single input.

        Raises:
            DataError: an input is missing, unknown, or has the wrong type.
        """
        examples = []
        for number, query in enumerate(queries):
            inputs = query if isinstance(query, Mapping) else {self.inputs[0]: query}
            position = f"{self.kind}: example {number + 1}"
            if set(inputs) != set(self.inputs):
                raise DataError(f"{position} has {', '.join(inputs) or 'nothing'}, but needs {', '.join(self.inputs)}")
            try:
                examples.append(Example(str(number), self.read_inputs(inputs)))
            except (TypeError, ValueError) as error:
                raise DataError(f"{position}: {error}") from None
        return examples

    def accepts(self, answer: Answer) -> bool:
        """Return whether a stored answer can belong to this problem; other problems may write to the same log."""
        return isinstance(answer, self.answer)

    @abstractmethod
    def fit_labels(self, examples: Sequence[Example]) -> Self:
        """Return the problem with its label set fixed: the user's, or the one found in the examples."""

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Names of the model's outputs, by index. Requires a fixed label set."""

    def label_names(self) -> list[str]:
        """Return each class in words, as a text of its language; empty where a name says nothing, as ``0`` does."""
        return [""] * len(self.classes)

    @abstractmethod
    def stratum(self, example: Example) -> str:
        """Return the example's stratum; each stratum is spread evenly over train, dev and test."""

    @abstractmethod
    def encode(self, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
        """Turn examples into windows of at most ``max_length`` tokens, in order of example."""

    @abstractmethod
    def decode(self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[Any]) -> list[Prediction]:
        """Turn the head's outputs for all windows into one prediction per example.

        Args:
            examples: the encoded examples; only their texts are used.
            windows: their windows, as returned by ``encode``.
            logits: one array per window, (classes,) for a head over texts, (tokens, classes) for a head over tokens; a
                `GeneratedText` per window for a generative head.
        """

    def fit_decoder(self, examples: Sequence[Example], probabilities: Floats) -> Self:
        """Return the problem with the parameters of ``decode``, such as thresholds, chosen on held-out examples.

        Args:
            examples: gold examples.
            probabilities: out-of-fold probabilities, shape (examples, outputs).
        """
        return self

    @abstractmethod
    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Return one row of additive counts per example, shape (examples, counts)."""

    def score(self, tallies: Floats, weights: Floats | None = None) -> dict[str, Floats]:
        """Return the metrics of weighted examples.

        Metrics of summed counts implement ``metrics_from_counts`` only; others, such as a rank correlation, override
        this method.

        Args:
            tallies: result of ``tally``, shape (examples, …, counts); axes in between are systems.
            weights: number of times each example counts, shape (resamples, examples); None means once.

        Returns:
            Each metric with shape (resamples, …), or (…) without weights.
        """
        return self.metrics_from_counts(
            tallies.sum(axis=0) if weights is None else np.tensordot(weights, tallies, axes=1)
        )

    def metrics_from_counts(self, tallies: Floats) -> dict[str, Floats]:
        """Turn summed counts, shape (..., counts), into metrics of shape (...).

        Metrics of a class are named ``f1/<class>``, ``precision/<class>``, ``recall/<class>``. A problem with a metric
        that is no function of sums, such as a rank correlation, overrides ``score`` instead.
        """
        raise NotImplementedError(f"{type(self).__name__} overrides neither metrics_from_counts nor score")

    @abstractmethod
    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        """Predict with the untrained base model: the baseline before fine-tuning."""

    def project_labels(self, example: Example, rewrite: Rewrite, name: str) -> Example | None:
        """Return the example with an input rewritten and its answer projected; None where the answer is lost.

        Rewrites keep the meaning, so the answer stays the same. Spans are moved to their new place, or to what replaces
        them; where a span was changed in another way, or split, the answer is lost.

        Args:
            example: the original example.
            rewrite: the rewritten input.
            name: name of the input.
        """
        inputs: dict[str, Value] = {**example.inputs, name: rewrite.text}
        if name != self.span_input:
            return replace(example, inputs=inputs)
        answer = example.answer
        try:
            for input_name, value in inputs.items():
                if not isinstance(value, str) and any(isinstance(part, Span) for part in value):
                    inputs[input_name] = tuple(_move_span(part, rewrite) for part in value if isinstance(part, Span))
            if answer is not None and answer.mentions:
                mentions = [_move_span(mention, rewrite) for mention in answer.mentions]
                answer = answer.move(sorted(mentions, key=lambda mention: mention.start))
        except ValueError:
            return None
        return replace(example, inputs=inputs, answer=answer)

    def estimate_tallies(self, probabilities: Floats) -> Floats:
        """Return the expected tallies of predictions, assuming calibrated scores, shape (texts, counts).

        Args:
            probabilities: of each class, shape (texts, classes).

        Returns:
            Shape (texts, 0) for problems whose metrics have no expectation over classes.
        """
        return np.zeros((len(probabilities), 0))

    def outputs(self, predicted: Sequence[Prediction]) -> Floats:
        """Return the scores of predictions as an array: by default (confidence, 1 − confidence), shape (answers, 2)."""
        confidences = np.array([prediction.confidence for prediction in predicted])
        return np.stack([confidences, 1 - confidences], axis=1)

    def predict_from_weights(self, weights: Floats) -> list[Prediction]:
        """Turn unnormalised positive weights, shape (texts, classes), into predictions of a categorical problem."""
        raise NotImplementedError(f"the problem {self.kind!r} is not categorical")

    @abstractmethod
    def confidence_correct(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        """Return (confidence, whether it is right) of every predicted answer, to measure calibration."""

    @abstractmethod
    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        """Return pairs of (gold, predicted) class names for the confusion matrix."""

    def contradicts(self, stored: Answer, confidence: float, prediction: Prediction, tolerance: float) -> bool:
        """Return whether a prediction differs from the stored one by more than rounding differences of processors.

        Args:
            stored: the stored answer.
            confidence: the stored confidence.
            prediction: the new prediction of the same model.
            tolerance: maximum difference of a probability between processors.
        """
        is_near = prediction.answer is not None and stored.is_close(prediction.answer, tolerance)
        return not is_near or not abs(prediction.confidence - confidence) <= tolerance

    @abstractmethod
    def examples(self, language: str) -> list[Example]:
        """Return two invented examples with different answers in a language, ``en`` or ``zh``."""

    @abstractmethod
    def signature(self) -> dict[str, Any]:
        """Return the type of an answer as a column of an MLflow schema."""

    def to_json(self, inputs: Inputs, answer: Answer | None) -> Any:
        """Return an answer as a JSON value for API clients."""
        return None if answer is None else answer.to_json()

    @property
    def label_set(self) -> tuple[str, ...]:
        """The label set, in the user's order; empty where it has not been fixed."""
        return tuple(getattr(self, "labels", None) or ())

    suite: ClassVar[str] = "labelled"
    """Name of the file in ``expectations/`` that examples are validated with."""

    def save(self, path: Path) -> None:
        """Write the problem as JSON."""
        write_text(path, json.dumps(self.model_dump(), indent=2, ensure_ascii=False) + "\n")

    @staticmethod
    def load(path: Path) -> Problem:
        """Read a problem written by ``save``; raise DataError where the file is missing or broken."""
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return PROBLEMS[fields.pop("kind")].model_validate(fields)
        except FileNotFoundError:
            raise DataError(f"{path}: no such file: run the stage `ingest`, or `dvc repro`") from None
        except (ValueError, KeyError) as error:
            raise DataError(f"{path}: not a valid problem: {error}") from None


PROBLEMS: Registry[Problem] = Registry("problem", "satiety.problems")


def is_answer_to(text: str, problem: Problem) -> bool:
    """Return whether a JSON text is an answer to this problem; other problems may write to the same log."""
    try:
        return problem.accepts(load(text))
    except DataError:
        return False


def _move_span(mention: Span, rewrite: Rewrite) -> Span:
    """Return a span at its place after a rewrite; raise ValueError where its text was changed or split."""
    for old_start, old_end, start, end in rewrite.replacements:
        if (old_start, old_end) == (mention.start, mention.end):
            return replace(mention, start=start, end=end)
    for source, target, size in rewrite.alignment or ():
        if source <= mention.start and mention.end <= source + size:
            return replace(mention, start=mention.start + target - source, end=mention.end + target - source)
    raise ValueError(f"the rewrite changed the span {mention}")


def scalar(name: str, cell: Any) -> str:
    """Return the single value in a cell as text; raise TypeError for a list or other value."""
    if not isinstance(cell, str | int | float):
        raise TypeError(f"{name} is a {type(cell).__name__}, not text")
    return str(cell).strip()


def ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, and 0 where whole is 0, so that a metric is never NaN."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)


def count_labels(
    classes: Sequence[str], gold: Sequence[Example], predicted: Sequence[Prediction]
) -> NDArray[np.float64]:
    """Return true positives, predictions and gold labels of each class, 0 or 1, shape (examples, 3, classes)."""
    index = {label: i for i, label in enumerate(classes)}
    counts = np.zeros((len(gold), 3, len(index)))
    for row, example, prediction in zip(counts, gold, predicted, strict=True):
        for kind, answer in ((1, prediction.answer), (2, example.answer)):
            row[kind, [index[label] for label in labels_of([answer]) if label in index]] = 1
    counts[:, 0] = counts[:, 1] * counts[:, 2]
    return counts


def score_classes(classes: Sequence[str], correct: Floats, predicted: Floats, gold: Floats) -> dict[str, Floats]:
    """Return F1, precision and recall of each class from counts of shape (..., classes)."""
    columns = {
        "f1": ratio(2 * correct, predicted + gold),
        "precision": ratio(correct, predicted),
        "recall": ratio(correct, gold),
    }
    return {
        f"{metric}/{label}": column[..., i] for i, label in enumerate(classes) for metric, column in columns.items()
    }
