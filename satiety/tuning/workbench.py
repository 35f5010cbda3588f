"""A base model, a problem and params -> what all parts of one tuning run share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.errors import ParamsError
from satiety.training.encoder import positions
from satiety.training.hardware import Hardware
from satiety.tuning.inputs import encode, head_of
from satiety.tuning.model import Model
from satiety.tuning.predict import features_of, inferred

if TYPE_CHECKING:
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats
    from satiety.records import Example
    from satiety.tuning.section import Finetune


@dataclass(frozen=True, slots=True)
class Workbench:
    """What all parts of one run share."""

    problem: Problem
    tokenizer: Any
    params: Finetune
    hardware: Hardware
    model: Model

    def windows(self, examples: Sequence[Example]) -> list[Window]:
        """Encode the examples."""
        return encode(
            self.problem, examples, self.tokenizer, max_length=self.params.max_length, prefix=self.params.prefix
        )

    def inferred(self, windows: Sequence[Window]) -> list[Any]:
        """Return per window what its head infers."""
        return inferred(self.model, windows, self.hardware, tokenizer=self.tokenizer)

    def features(self, windows: Sequence[Window]) -> list[Floats]:
        """Return per window what its head sees."""
        return features_of(self.model, windows, self.hardware, pad=self.tokenizer.pad_token_id)


def load_workbench(base: Path, problem: Problem, params: Finetune, here: Hardware) -> Workbench:
    """Put a fresh head for the problem on the model in ``base``; one that writes comes with it.

    Raises:
        ModelError: the base cannot be used.
        ParamsError: windows are longer than it can read or write, or the params are of no use to the problem.
    """
    over = head_of(problem)
    if refusals := params.refusals(problem):
        raise ParamsError("\n".join(refusals))
    encoder, tokenizer = over.load(base)
    over.fits(encoder)
    reach = positions(encoder)
    virtual = params.method.virtual_tokens
    if reach is not None and params.max_length + virtual > reach:
        beside = f" beside {virtual} virtual ones" if virtual else ""
        raise ParamsError(
            f"finetune.max_length: {params.max_length} tokens{beside}, but {base} reads at most {reach}; lower it"
        )
    model = Model(encoder, over, over.size(problem), pooling=params.pooling, dropout=params.dropout)
    return Workbench(problem, tokenizer, params, here, model.to(here.device))
