"""The objects that all parts of a tuning run share: inputs, the model with a new head, its tokenizer, the hardware."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from satiety.core.errors import ParamsError
from satiety.core.files import digest, manifest
from satiety.training.encoder import count_positions
from satiety.training.hardware import Hardware, detect_hardware
from satiety.training.loop import TrainingJob, TrainingLoop, TrainState
from satiety.tuning.inference import features_of, infer
from satiety.tuning.inputs import build_head, encode
from satiety.tuning.linear_head import solve_head
from satiety.tuning.model import Model
from satiety.tuning.tuned_model import ModelCard, TunedModel

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.heads.softmax_regression import Layer
    from satiety.heads.solver import LinearProbe, Solver
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats
    from satiety.training.arguments import TrainingArguments
    from satiety.tuning.methods import Method
    from satiety.tuning.recipes import Recipe, TuningInputs


@dataclass(frozen=True, slots=True)
class TuningContext:
    """Inputs, model, tokenizer and hardware of one tuning run."""

    inputs: TuningInputs
    tokenizer: Any
    hardware: Hardware
    model: Model

    @property
    def problem(self) -> Problem:
        """The problem to fit."""
        return self.inputs.problem

    def encode(self, examples: Sequence[Example]) -> list[Window]:
        """Return the windows of the examples."""
        params = self.inputs.params
        return encode(self.problem, examples, self.tokenizer, max_length=params.max_length, prefix=params.prefix)

    def infer(self, windows: Sequence[Window]) -> list[Any]:
        """Return the head's output for each window."""
        return infer(self.model, windows, self.hardware, tokenizer=self.tokenizer)

    def compute_features(self, windows: Sequence[Window]) -> list[Floats]:
        """Return the head's input for each window, shape (hidden,) or (tokens, hidden)."""
        self.inputs.memory.passes["encoded"] += len(windows)
        return features_of(self.model, windows, self.hardware, pad=self.tokenizer.pad_token_id)

    def compute_base_features(self, windows: Sequence[Window]) -> list[Floats]:
        """Return the same while the encoder is untouched; features of windows that a run has seen are not computed."""
        return self.inputs.memory.features.compute(windows, self.compute_features)

    def solve_head(
        self,
        examples: Sequence[Example],
        windows: Sequence[Window],
        solver: Solver,
        features: Sequence[Floats] | None = None,
    ) -> LinearProbe:
        """Fit the linear head on features of windows, by default the current encoder's; each has a target."""
        rows = self.compute_features(windows) if features is None else features
        head = solve_head(self.problem, windows, rows, examples, solver, self.inputs.params.seed)
        assert head is not None  # noqa: S101  # every window has a target
        return head

    def train(self, job: TrainingJob, arguments: TrainingArguments) -> TrainState:
        """Train the model, or resume its training."""
        state = TrainingLoop(job, arguments, self.hardware, self.inputs.store).run()
        self.inputs.memory.passes["trained"] += state.step * arguments.batch_size
        return state

    def set_head(self, head: LinearProbe | Layer) -> None:
        """Copy the weights of a solved head into the model."""
        with torch.no_grad():
            self.model.head.weight.copy_(torch.from_numpy(head.weight))
            self.model.head.bias.copy_(torch.from_numpy(head.bias))

    def build_tuned(self, problem: Problem, recipe: Recipe, method: Method | None = None) -> TunedModel:
        """Return the tuned model to save.

        Args:
            problem: the problem, with its decoder fitted.
            recipe: the recipe that fitted the model.
            method: the method that attaches its adapter to the encoder; None where encoder and head are complete.
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
    """Load the base model and put a new head for the problem on it; a generative model keeps its decoder.

    New weights are drawn from the run's seed, whatever was fitted before.

    Args:
        inputs: inputs of the run.
        virtual_tokens: positions of the encoder that the method uses for itself.
        dropout: share of the features that are set to 0 in training.

    Raises:
        ModelError: the base model cannot be loaded.
        ParamsError: ``max_length`` or ``max_new_tokens`` exceeds the model's positions.
    """
    task_head, params, hardware = build_head(inputs.problem), inputs.params, detect_hardware(inputs.device)
    encoder, tokenizer = task_head.load(inputs.base)
    task_head.check_encoder(encoder)
    limit = count_positions(encoder)
    if limit is not None and params.max_length + virtual_tokens > limit:
        suffix = f" plus {virtual_tokens} virtual tokens" if virtual_tokens else ""
        raise ParamsError(
            f"finetune.max_length: {params.max_length} tokens{suffix}, but {inputs.base} reads at most {limit}: "
            "lower `max_length`"
        )
    torch.manual_seed(params.seed)
    model = Model(encoder, task_head, task_head.size(inputs.problem), pooling=params.pooling, dropout=dropout)
    return TuningContext(inputs, tokenizer, hardware, model.to(hardware.device))
