"""A setting -> what all parts of one tuning run share: the model with a fresh head, its tokenizer, where it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from satiety.core.errors import ParamsError
from satiety.core.files import digest, manifest
from satiety.training.encoder import count_positions
from satiety.training.hardware import Hardware, detect_hardware
from satiety.tuning.inference import features_of, infer
from satiety.tuning.inputs import build_head, encode
from satiety.tuning.linear_head import solve_head
from satiety.tuning.model import Model
from satiety.tuning.tuned_model import ModelCard, TunedModel

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.heads.solver import LinearProbe, Solver
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats
    from satiety.tuning.methods import Method
    from satiety.tuning.recipes import Recipe, TuningInputs


@dataclass(frozen=True, slots=True)
class TuningContext:
    """What all parts of one run share."""

    inputs: TuningInputs
    tokenizer: Any
    hardware: Hardware
    model: Model

    @property
    def problem(self) -> Problem:
        """What is asked."""
        return self.inputs.problem

    def encode(self, examples: Sequence[Example]) -> list[Window]:
        """Encode the examples."""
        params = self.inputs.params
        return encode(self.problem, examples, self.tokenizer, max_length=params.max_length, prefix=params.prefix)

    def infer(self, windows: Sequence[Window]) -> list[Any]:
        """Return per window what its head infers."""
        return infer(self.model, windows, self.hardware, tokenizer=self.tokenizer)

    def compute_features(self, windows: Sequence[Window]) -> list[Floats]:
        """Return per window what its head sees."""
        return features_of(self.model, windows, self.hardware, pad=self.tokenizer.pad_token_id)

    def solve_head(self, examples: Sequence[Example], windows: Sequence[Window], solver: Solver) -> LinearProbe:
        """Return the linear head that learns from windows that teach something, on the encoder as it is."""
        head = solve_head(
            self.problem, windows, self.compute_features(windows), examples, solver, self.inputs.params.seed
        )
        assert head is not None  # noqa: S101  # windows that teach something
        return head

    def set_head(self, head: LinearProbe) -> None:
        """Put a solved head into the model."""
        with torch.no_grad():
            self.model.head.weight.copy_(torch.from_numpy(head.weight))
            self.model.head.bias.copy_(torch.from_numpy(head.bias))

    def build_tuned(self, problem: Problem, recipe: Recipe, method: Method | None = None) -> TunedModel:
        """Return the model as it ships.

        Args:
            problem: its decoder fitted.
            recipe: that made it.
            method: that attaches what was learned beside the encoder; None where all that was learned is in encoder
                and head.
        """
        params = self.inputs.params
        card = ModelCard(
            recipe=recipe.kind,
            method=method,
            pooling=params.pooling,
            max_length=params.max_length,
            prefix=params.prefix,
            seed=params.seed,
            base=digest(manifest(self.inputs.base)),
        )
        return TunedModel(problem, self.model.eval(), self.tokenizer, card, self.hardware)


def load_context(inputs: TuningInputs, *, virtual_tokens: int = 0, dropout: float = 0.0) -> TuningContext:
    """Put a fresh head for the problem on the base model; one that writes comes with it.

    Args:
        inputs: of the run.
        virtual_tokens: positions that are taken of those that the encoder can read.
        dropout: share of the features that the head does not see while training.

    Raises:
        ModelError: the base cannot be used.
        ParamsError: windows are longer than it can read or write.
    """
    task_head, params, hardware = build_head(inputs.problem), inputs.params, detect_hardware(inputs.device)
    encoder, tokenizer = task_head.load(inputs.base)
    task_head.check_encoder(encoder)
    limit = count_positions(encoder)
    if limit is not None and params.max_length + virtual_tokens > limit:
        suffix = f" beside {virtual_tokens} virtual ones" if virtual_tokens else ""
        raise ParamsError(
            f"finetune.max_length: {params.max_length} tokens{suffix}, but {inputs.base} reads at most {limit}; "
            "lower it"
        )
    model = Model(encoder, task_head, task_head.size(inputs.problem), pooling=params.pooling, dropout=dropout)
    return TuningContext(inputs, tokenizer, hardware, model.to(hardware.device))
