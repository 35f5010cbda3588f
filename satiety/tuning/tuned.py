"""A tuned model: a folder that needs nothing but itself <-> an object that answers.

    config.json, model.safetensors     the encoder, in Hugging Face's format
    tokenizer.json, …                  its tokenizer
    head.safetensors                   the linear head: weight (classes, hidden), bias (classes)
    problem.json                       what is asked of the text; the order of the classes
    tuned.json                         how it was made, and what a reader of it must know

Safetensors and JSON only: nothing in it can run code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from satiety.errors import DataError, ModelError
from satiety.files import replacing, write_text
from satiety.heads import Pooling
from satiety.problems import Prediction, Problem
from satiety.training.encoder import check_finite, load_encoder, load_tokenizer, save_encoder
from satiety.training.guard import CONFIG, WEIGHTS, guard, read_json
from satiety.training.hardware import hardware
from satiety.tuning.inputs import encode, head_of
from satiety.tuning.model import Model
from satiety.tuning.predict import logits_of

if TYPE_CHECKING:
    from satiety.inputs import Inputs
    from satiety.training.hardware import Hardware

HEAD, PROBLEM, CARD = "head.safetensors", "problem.json", "tuned.json"


class Card(BaseModel):
    """What ``tuned.json`` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    version: Literal[1] = 1
    """Of this layout."""
    method: dict[str, Any]
    """The method and its parameters."""
    pooling: Pooling
    """How tokens become one vector, for a head over texts."""
    max_length: int = Field(ge=8)
    """Tokens per window."""
    prefix: str
    """What stands before every text."""
    seed: int
    """Of the training run."""
    base: str
    """SHA-256 of the base model's folder."""
    dtype: Literal["float32"] = "float32"
    """Of the weights."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A model that answers a problem."""

    problem: Problem
    model: Model
    tokenizer: Any
    card: Card
    hardware: Hardware

    def predict(self, given: Sequence[str | Inputs]) -> list[Prediction]:
        """Answer for each of the inputs, in order; a long text is read in windows, none of it is lost.

        Args:
            given: inputs by name; a bare text stands for the only input of a problem that has one.

        Raises:
            DataError: an input of the problem is missing, or there are others.
            ModelError: an answer is not finite: no number that could be a probability comes of it.
        """
        examples = self.problem.ask(given)
        windows = encode(
            self.problem, examples, self.tokenizer, max_length=self.card.max_length, prefix=self.card.prefix
        )
        logits = logits_of(self.model, windows, self.hardware, pad=self.tokenizer.pad_token_id)
        odd = next((window for window, row in zip(windows, logits, strict=True) if not np.isfinite(row).all()), None)
        if odd is not None:
            raise ModelError(
                f"the model's answer to text {odd.example + 1} of {len(examples)} is not finite; its weights are "
                "damaged, or too large to compute with: make it anew with `dvc repro --force`"
            )
        return self.problem.decode(examples, windows, logits)

    def save(self, out: Path, base: Path) -> None:
        """Write the folder, whole or not at all; ``base`` gives the tokenizer's files."""
        with replacing(out) as temporary:
            temporary.mkdir()
            save_encoder(self.model.encoder, base, temporary)
            head = {name: tensor.detach().cpu().contiguous() for name, tensor in self.model.head.state_dict().items()}
            save_file(head, temporary / HEAD)
            self.problem.save(temporary / PROBLEM)
            write_text(temporary / CARD, self.card.model_dump_json(indent=2) + "\n")


def load(folder: Path, device: str = "auto") -> Tuned:
    """Read a tuned model's folder.

    Raises:
        ModelError: a file is missing, broken, unsafe, or does not fit the others.
        SetupError: the device is not there.
    """
    guard(folder, CONFIG, WEIGHTS, HEAD, PROBLEM, CARD)
    try:
        card = Card.model_validate(read_json(folder / CARD))
        problem = Problem.load(folder / PROBLEM)
        weights = load_file(folder / HEAD)
        shape = tuple(weights["weight"].shape)
    except ValidationError as error:
        raise ModelError(f"{folder / CARD}: not a card of a tuned model: {error.errors()[0]['msg']}") from None
    except DataError as error:
        raise ModelError(str(error)) from None
    except (SafetensorError, OSError, KeyError) as error:
        raise ModelError(f"{folder / HEAD}: not a whole head: {error}") from None
    check_finite(folder / HEAD, weights)
    here, encoder = hardware(device), load_encoder(folder)
    over = head_of(problem)
    model = Model(encoder, over, over.size(problem), pooling=card.pooling, dropout=0.0)
    if shape != tuple(model.head.weight.shape) or set(weights) != {"weight", "bias"}:
        raise ModelError(f"{folder / HEAD}: is {shape}, but problem and encoder need {tuple(model.head.weight.shape)}")
    model.head.load_state_dict(weights)
    return Tuned(problem, model.to(here.device).eval(), load_tokenizer(folder), card, here)
