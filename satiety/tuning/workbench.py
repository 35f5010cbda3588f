"""A setting -> what all parts of one tuning run share: the model with a fresh head, its tokenizer, where it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from satiety.errors import ParamsError
from satiety.files import digest, manifest
from satiety.training.encoder import positions
from satiety.training.hardware import Hardware, hardware
from satiety.tuning.inputs import encode, head_of
from satiety.tuning.model import Model
from satiety.tuning.predict import features_of, inferred
from satiety.tuning.solved import solved_head
from satiety.tuning.tuned import Card, Tuned

if TYPE_CHECKING:
    from satiety.heads.solver import Solved, Solver
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats
    from satiety.records import Example
    from satiety.tuning.methods import Method
    from satiety.tuning.recipes import Recipe, Setting


@dataclass(frozen=True, slots=True)
class Workbench:
    """What all parts of one run share."""

    setting: Setting
    tokenizer: Any
    hardware: Hardware
    model: Model

    @property
    def problem(self) -> Problem:
        """What is asked."""
        return self.setting.problem

    def windows(self, examples: Sequence[Example]) -> list[Window]:
        """Encode the examples."""
        params = self.setting.params
        return encode(self.problem, examples, self.tokenizer, max_length=params.max_length, prefix=params.prefix)

    def inferred(self, windows: Sequence[Window]) -> list[Any]:
        """Return per window what its head infers."""
        return inferred(self.model, windows, self.hardware, tokenizer=self.tokenizer)

    def features(self, windows: Sequence[Window]) -> list[Floats]:
        """Return per window what its head sees."""
        return features_of(self.model, windows, self.hardware, pad=self.tokenizer.pad_token_id)

    def solve(self, examples: Sequence[Example], windows: Sequence[Window], solver: Solver) -> Solved:
        """Return the linear head that learns from windows that teach something, on the encoder as it is."""
        head = solved_head(self.problem, windows, self.features(windows), examples, solver, self.setting.params.seed)
        assert head is not None  # noqa: S101  # windows that teach something
        return head

    def put(self, head: Solved) -> None:
        """Put a solved head into the model."""
        with torch.no_grad():
            self.model.head.weight.copy_(torch.from_numpy(head.weight))
            self.model.head.bias.copy_(torch.from_numpy(head.bias))

    def tuned(self, problem: Problem, recipe: Recipe, method: Method | None = None) -> Tuned:
        """Return the model as it ships.

        Args:
            problem: its decoder fitted.
            recipe: that made it.
            method: that attaches what was learned beside the encoder; None where all that was learned is in encoder
                and head.
        """
        params = self.setting.params
        card = Card(
            recipe=recipe.kind,
            method=method,
            pooling=params.pooling,
            max_length=params.max_length,
            prefix=params.prefix,
            seed=params.seed,
            base=digest(manifest(self.setting.base)),
        )
        return Tuned(problem, self.model.eval(), self.tokenizer, card, self.hardware)


def load_workbench(setting: Setting, *, virtual_tokens: int = 0, dropout: float = 0.0) -> Workbench:
    """Put a fresh head for the problem on the base model; one that writes comes with it.

    Args:
        setting: of the run.
        virtual_tokens: positions that are taken of those that the encoder can read.
        dropout: share of the features that the head does not see while training.

    Raises:
        ModelError: the base cannot be used.
        ParamsError: windows are longer than it can read or write.
    """
    over, params, here = head_of(setting.problem), setting.params, hardware(setting.device)
    encoder, tokenizer = over.load(setting.base)
    over.fits(encoder)
    reach = positions(encoder)
    if reach is not None and params.max_length + virtual_tokens > reach:
        beside = f" beside {virtual_tokens} virtual ones" if virtual_tokens else ""
        raise ParamsError(
            f"finetune.max_length: {params.max_length} tokens{beside}, but {setting.base} reads at most {reach}; "
            "lower it"
        )
    model = Model(encoder, over, over.size(setting.problem), pooling=params.pooling, dropout=dropout)
    return Workbench(setting, tokenizer, here, model.to(here.device))
