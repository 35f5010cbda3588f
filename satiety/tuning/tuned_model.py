"""A tuned model: a self-contained folder <-> an object that predicts.

    config.json, model.safetensors     the encoder in Hugging Face's format, with its decoder for generative heads
    generation_config.json             the first tokens that a decoder generates
    tokenizer.json, …                  the tokenizer
    head.safetensors                   the linear head: weight (classes, hidden), bias (classes); none for a decoder
    adapter.safetensors                weights of an adapter method; the encoder is then the unchanged base model
    problem.json                       the problem, with the order of its classes
    tuned.json                         how the model was made, and the parameters needed to use it

All files are safetensors or JSON, so loading the folder cannot run code.
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
    """Content of ``tuned.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    version: Literal[2] = LAYOUT
    """Version of the folder's layout."""
    recipe: str = "fine_tune"
    """Kind of the recipe that fitted the model."""
    chosen: str | None = None
    """Kind of the candidate that cross-validation chose; null where none was compared."""
    method: Annotated[SerializeAsAny[Method], METHODS.choice()] | None = None
    """The method and its parameters, needed to attach an adapter; null where no method was used."""
    expected_gain: float | None = None
    """What raw texts add to the headline metric, by the cross-validation that chose the recipe; null where none did."""
    pooling: Pooling
    """How token states become one vector, for heads over texts."""
    max_length: int = Field(ge=8)
    """Maximum number of tokens per window."""
    prefix: str
    """Text put before every input."""
    seed: int
    """Random seed of the training run."""
    base: str
    """SHA-256 of the base model's folder."""
    dtype: Literal["float32"] = "float32"
    """Data type of the weights."""


@dataclass(frozen=True, slots=True)
class TunedModel:
    """A fitted model with its problem and tokenizer."""

    problem: Problem
    model: Model
    tokenizer: Any
    card: ModelCard
    hardware: Hardware

    def predict(self, inputs: Sequence[str | Inputs]) -> list[Prediction]:
        """Return one prediction for each input, in order; a long text is read in full, in several windows.

        Args:
            inputs: inputs by name; a plain string for problems with a single input.

        Raises:
            DataError: an input is missing or unknown.
            ModelError: an output is NaN or infinite.
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
                f"the model's output for text {invalid.example + 1} of {len(examples)} is NaN or infinite: its weights "
                "are damaged or too large. Rebuild the model with `dvc repro --force`"
            )
        return self.problem.decode(examples, windows, rows)

    def with_base_weights(self, base: Path) -> TunedModel:
        """Return the same model before fine-tuning: the base model's weights, for generative heads only.

        Raises:
            ModelError: the base model cannot be loaded, or the head is linear and has no weights before training.
        """
        task_head = self.model.task_head
        if not task_head.is_generative:
            raise ModelError(
                f"{base}: an encoder without a head for {self.problem.kind} cannot predict before training"
            )
        encoder, tokenizer = task_head.load(base)
        model = Model(encoder, task_head, 0, pooling=self.card.pooling, dropout=0.0).to(self.hardware.device).eval()
        return replace(self, model=model, tokenizer=tokenizer)

    def save(self, folder: Path, base: Path) -> None:
        """Write the folder atomically; the tokenizer files are copied from ``base``."""
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
    """Load a tuned model from its folder.

    Raises:
        ModelError: a file is missing, broken or unsafe, or does not match the others.
        OutdatedError: an earlier version of satiety made the folder.
        SetupError: the device is not available.
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
        raise ModelError(f"{folder / HEAD}: shapes {get_shapes(weights)}, but problem and encoder need {expected}")
    model.head.load_state_dict(weights)


def _load_card(path: Path) -> ModelCard:
    try:
        return ModelCard.model_validate(read_json(path))
    except ValidationError as error:
        raise ModelError(f"{path}: not a valid model card: {error.errors()[0]['msg']}") from None


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
        raise ModelError(f"{path}: not a complete safetensors file: {error}") from None
    check_finite(path, weights)
    return weights
