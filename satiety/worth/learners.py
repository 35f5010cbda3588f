"""Training examples of a run -> predictions, by the proxy or by fine-tuning.

``proxy``: a linear head on features of a frozen encoder, whose penalty is chosen by cross-validation among the run's
own labels. Repeated examples do not change it. ``fine_tuned``: the pipeline's fine-tuning, for which a share of the
labels selects the best step. Both get the same examples, so levers act identically.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from satiety.core.inputs import Inputs, key_of
from satiety.core.records import Document, Example
from satiety.heads.solver import Penalties, Solver
from satiety.problems import Prediction
from satiety.worth.features import EncoderConfig, FeatureExtractor, encode_windows

if TYPE_CHECKING:
    from random import Random

    from satiety.heads.solver import LinearProbe
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats
    from satiety.tuning.section import Finetune

Examples = tuple[Example, ...]
Stratum = Callable[[Example], str]
Predictor = Callable[[Sequence[Inputs]], "list[Prediction]"]


class ProxySolver(Solver):
    """Solver of the proxy's heads, with stronger penalties than in the pipeline because labels are fewer."""

    l2: Penalties = Field(default=[0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003], min_length=1)
    """Candidate L2 penalties, as in ``finetune``."""


@dataclass(frozen=True)
class ProxyModel:
    """Linear heads on features of a frozen encoder."""

    problem: Problem
    extractor: FeatureExtractor
    solver: Solver
    config: EncoderConfig

    @cached_property
    def tokenizer(self) -> Any:
        from satiety.training.encoder import load_tokenizer

        return load_tokenizer(self.extractor.encoder)

    def encode(self, examples: Sequence[Example]) -> list[Window]:
        return encode_windows(self.problem, examples, self.tokenizer, self.config)

    def fit(self, examples: Sequence[Example], seed: int) -> LinearProbe | None:
        """Train a head; return None if no example has a label of the problem."""
        from satiety.tuning.linear_head import solve_head

        self.extractor.extract(examples)
        windows, rows = self.encode(examples), self._rows(examples)
        return solve_head(self.problem, windows, rows, examples, self.solver, seed)

    def predict(self, head: LinearProbe, examples: Sequence[Example]) -> list[Prediction]:
        """Return predictions with calibrated confidences."""
        from satiety.tuning.linear_head import calibrate_logits

        self.extractor.extract(examples)
        return self.problem.decode(
            examples, self._encode_cached(examples), calibrate_logits(head, self._rows(examples))
        )

    def fit_predict(self, labelled: Sequence[Example], texts: Sequence[str], seed: int) -> list[Prediction]:
        """Train on examples and predict texts; confidence is 0 if no example has a label of the problem."""
        head = self.fit(labelled, seed)
        if head is None:
            return [Prediction(confidence=0.0) for _ in texts]
        return self.predict(head, self.problem.build_examples(texts))

    def _rows(self, examples: Sequence[Example]) -> list[Floats]:
        return [row for example in examples for row in self.extractor.cache[key_of(example.inputs)]]

    @cached_property
    def _window_cache(self) -> dict[int, list[Window]]:
        return {}

    def _encode_cached(self, examples: Sequence[Example]) -> list[Window]:
        """Return the windows of examples that are predicted repeatedly, such as the test set."""
        key = hash(tuple(key_of(example.inputs) for example in examples))
        if key not in self._window_cache:
            self._window_cache[key] = self.encode(examples)
        return self._window_cache[key]


@dataclass(frozen=True, slots=True)
class FineTuned:
    """Fine-tuning with the pipeline's code."""

    problem: Problem
    encoder: Path
    params: Finetune
    device: str
    scratch: Path
    """Folder for checkpoints."""

    def fit(
        self, train: Sequence[Example], dev: Sequence[Example], key: str, documents: Sequence[Document] = ()
    ) -> Predictor:
        """Fine-tune on training examples; the validation set, if any, selects the best step."""
        from satiety.training.checkpoint import open_store
        from satiety.tuning.finetune import finetune

        checkpoints = open_store(self.scratch / "checkpoints", key, seconds=60)
        outcome = finetune(
            self.encoder,
            self.problem,
            train,
            dev,
            params=self.params,
            store=checkpoints,
            device=self.device,
            documents=documents,
        )
        checkpoints.clear()
        return outcome.model.predict


def split_dev(labels: Sequence[Example], share: float, stratum: Stratum, rng: Random) -> tuple[Examples, Examples]:
    """Split labels into a training and a validation set, stratified by class.

    Levers act after the split, so none uses validation labels. The first label of a class is always in the training
    set. The validation set of a budget is contained in that of any larger budget.
    """
    if not share:
        return tuple(labels), ()
    step, classes = max(2, round(1 / share)), Counter[str]()
    phases: dict[str, int] = defaultdict(lambda: rng.randrange(1, step))
    train: list[Example] = []
    held_out: list[Example] = []
    for example in labels:
        label = stratum(example)
        (held_out if classes[label] % step == phases[label] else train).append(example)
        classes[label] += 1
    return tuple(train), tuple(replace(example, split="dev") for example in held_out)
