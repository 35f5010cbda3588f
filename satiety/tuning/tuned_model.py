"""A tuned model: a folder that needs nothing but itself <-> an object that answers.

    config.json, model.safetensors     the encoder, in Hugging Face's format; with its decoder, where that answers
    generation_config.json             with which tokens a decoder begins
    tokenizer.json, …                  its tokenizer
    head.safetensors                   the linear head: weight (classes, hidden), bias (classes); a decoder has none
    adapter.safetensors                what the method learned beside the encoder, if that is its way; then the encoder
                                       is the base's own
    problem.json                       what is asked of the text; the order of the classes
    tuned.json                         how it was made, and what a reader of it must know

Safetensors and JSON only: nothing in it can run code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from satiety.core.errors import DataError, ModelError
from satiety.core.files import write_atomically, write_text
from satiety.heads import Pooling
from satiety.problems import Prediction, Problem
from satiety.training.encoder import check_finite, save_encoder
from satiety.training.hardware import detect_hardware
from satiety.training.model_files import CONFIG, WEIGHTS, check_folder, read_json
from satiety.tuning.inference import infer
from satiety.tuning.inputs import build_head, encode
from satiety.tuning.layout import CARD, LAYOUT, check_layout
from satiety.tuning.methods import METHODS, Method, get_shapes
from satiety.tuning.model import Model

if TYPE_CHECKING:
    from satiety.core.inputs import Inputs
    from satiety.training.hardware import Hardware

HEAD, ADAPTER, PROBLEM = "head.safetensors", "adapter.safetensors", "problem.json"


class ModelCard(BaseModel):
    """What ``tuned.json`` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    version: Literal[2] = LAYOUT
    """Of this layout."""
    recipe: str = "fine_tune"
    """Kind of the recipe that made it."""
    method: Annotated[SerializeAsAny[Method], METHODS.choice()] | None = None
    """The method and its parameters, where one was used: it attaches what was learned beside the encoder."""
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
class TunedModel:
    """A model that answers a problem."""

    problem: Problem
    model: Model
    tokenizer: Any
    card: ModelCard
    hardware: Hardware

    def predict(self, inputs: Sequence[str | Inputs]) -> list[Prediction]:
        """Answer for each of the inputs, in order; a long text is read in windows, none of it is lost.

        Args:
            inputs: inputs by name; a bare text stands for the only input of a problem that has one.

        Raises:
            DataError: an input of the problem is missing, or there are others.
            ModelError: an answer is not finite: no number that could be a probability comes of it.
        """
        examples = self.problem.build_examples(inputs)
        windows = encode(
            self.problem, examples, self.tokenizer, max_length=self.card.max_length, prefix=self.card.prefix
        )
        rows, task_head = infer(self.model, windows, self.hardware, tokenizer=self.tokenizer), self.model.task_head
        invalid = next(
            (window for window, row in zip(windows, rows, strict=True) if not task_head.is_finite(row)), None
        )
        if invalid is not None:
            raise ModelError(
                f"the model's answer to text {invalid.example + 1} of {len(examples)} is not finite; its weights are "
                "damaged, or too large to compute with: make it anew with `dvc repro --force`"
            )
        return self.problem.decode(examples, windows, rows)

    def reset_to_base(self, base: Path) -> TunedModel:
        """Return the model that answers in the same way, and learned nothing: the base as it came.

        Raises:
            ModelError: the base cannot be used, or its answers are not written: it would have no head.
        """
        task_head = self.model.task_head
        if not task_head.is_generative:
            raise ModelError(f"{base}: has no head for {self.problem.kind}, and answers nothing untrained")
        encoder, tokenizer = task_head.load(base)
        model = Model(encoder, task_head, 0, pooling=self.card.pooling, dropout=0.0).to(self.hardware.device).eval()
        return replace(self, model=model, tokenizer=tokenizer)

    def save(self, folder: Path, base: Path) -> None:
        """Write the folder, whole or not at all; ``base`` gives the tokenizer's files."""
        with write_atomically(folder) as temporary:
            temporary.mkdir()
            method = self.card.method
            encoder, adapter = method.split(self.model) if method else (self.model.encoder, {})
            save_encoder(encoder, base, temporary)
            if self.model.head:
                _write_weights(self.model.head.state_dict(), temporary / HEAD)
            if adapter:
                _write_weights(adapter, temporary / ADAPTER)
            self.problem.save(temporary / PROBLEM)
            write_text(temporary / CARD, self.card.model_dump_json(indent=2) + "\n")


def load(folder: Path, device: str = "auto") -> TunedModel:
    """Read a tuned model's folder.

    Raises:
        ModelError: a file is missing, broken, unsafe, or does not fit the others.
        OutdatedError: an earlier version of satiety made it.
        SetupError: the device is not there.
    """
    check_folder(folder, CONFIG, WEIGHTS, PROBLEM, CARD)
    check_layout(folder)
    card, problem, hardware = _load_card(folder / CARD), _load_problem(folder / PROBLEM), detect_hardware(device)
    task_head = build_head(problem)
    encoder, tokenizer = task_head.load(folder)
    model = Model(encoder, task_head, task_head.size(problem), pooling=card.pooling, dropout=0.0)
    if model.head:
        _load_head(model, folder)
    if card.method and card.method.has_adapter:
        check_folder(folder, ADAPTER)
        try:
            card.method.attach(model, _read_weights(folder / ADAPTER))
        except ModelError as error:
            raise ModelError(f"{folder / ADAPTER}: {error}") from None
    return TunedModel(problem, model.to(hardware.device).eval(), tokenizer, card, hardware)


def _load_head(model: Model, folder: Path) -> None:
    check_folder(folder, HEAD)
    weights = _read_weights(folder / HEAD)
    if get_shapes(weights) != (expected := get_shapes(model.head.state_dict())):
        raise ModelError(f"{folder / HEAD}: is {get_shapes(weights)}, but problem and encoder need {expected}")
    model.head.load_state_dict(weights)


def _load_card(path: Path) -> ModelCard:
    try:
        return ModelCard.model_validate(read_json(path))
    except ValidationError as error:
        raise ModelError(f"{path}: not a card of a tuned model: {error.errors()[0]['msg']}") from None


def _load_problem(path: Path) -> Problem:
    try:
        return Problem.load(path)
    except DataError as error:
        raise ModelError(str(error)) from None


def _write_weights(weights: Mapping[str, torch.Tensor], path: Path) -> None:
    save_file({name: weight.detach().cpu().contiguous() for name, weight in weights.items()}, path)


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        weights: dict[str, torch.Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a whole file of weights: {error}") from None
    check_finite(path, weights)
    return weights
