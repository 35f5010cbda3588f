"""Texts -> features of a frozen encoder, cached on disk: the inputs of every linear head of a study.

Features are cached per encoder and configuration, by digest of the text, in safetensors files that are only added.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, Field

from satiety.core.checksums import read_tensors, write_tensors
from satiety.core.errors import ParamsError
from satiety.core.files import digest, manifest
from satiety.core.inputs import key_of
from satiety.core.records import Example
from satiety.core.section import FIELDS
from satiety.heads import Pooling
from satiety.problems import PROBLEMS
from satiety.worth.runs import hash_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats

    Rows = tuple[Floats, ...]
    """One array per window of a text: shape (hidden,) for text heads, (tokens, hidden) for token heads."""

FEATURE_MODULES = (
    "satiety.text.words",
    "satiety.problems",
    "satiety.heads",
    "satiety.training",
    "satiety.tuning.inputs",
    "satiety.tuning.model",
    "satiety.tuning.inference",
    "satiety.worth.features",
)
"""Code that determines the features."""


class EncoderConfig(BaseModel):
    """Configuration of the frozen encoder."""

    model_config = FIELDS

    max_length: int = Field(ge=8, le=8192)
    """Tokens per window, including prefix and special tokens; longer texts are split into several windows."""
    prefix: str
    """Text put before every input, as the base model requires: ``query: `` for E5 models, empty for most others."""
    pooling: Pooling
    """Pooling of token vectors into a text vector: ``mean`` of all, or the ``first`` (BERT's [CLS])."""


def hash_text(text: str) -> bytes:
    """Return the 16-byte digest that identifies a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def locate_cache(home: Path, encoder: Path, problem: Problem, config: EncoderConfig) -> Path:
    """Return the cache folder of an encoder and its configuration."""
    parts = [
        digest(manifest(encoder)),
        problem.head,
        problem.inputs,
        config.model_dump_json(),
        *map(hash_code, FEATURE_MODULES),
    ]
    return home / "features" / hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@dataclass(slots=True)
class FeatureCache:
    """Features by text, in memory and on disk."""

    folder: Path
    rows: dict[bytes, Rows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for file in sorted(self.folder.glob("*.safetensors")):
            if (tensors := read_tensors(file)) is not None:
                self._unpack(tensors)
            else:
                file.unlink(missing_ok=True)  # damaged: its texts are encoded again

    def __getitem__(self, text: str) -> Rows:
        return self.rows[hash_text(text)]

    def has_text(self, text: str) -> bool:
        """Return whether a text has features."""
        return hash_text(text) in self.rows

    def add(self, texts: Sequence[str], rows: Sequence[Rows]) -> None:
        """Write the features of texts."""
        windows = [window for text_rows in rows for window in text_rows]
        flat = np.concatenate([np.atleast_2d(window) for window in windows]).astype(np.float16)
        tensors: dict[str, NDArray[Any]] = {
            "names": np.frombuffer(b"".join(map(hash_text, texts)), dtype=np.uint8).reshape(len(texts), 16),
            "windows": np.array([len(text_rows) for text_rows in rows], dtype=np.int64),
            "tokens": np.array([0 if window.ndim == 1 else len(window) for window in windows], dtype=np.int64),
            "rows": flat,
        }
        name = hashlib.sha256(tensors["names"].tobytes()).hexdigest()[:32]
        write_tensors(self.folder / f"{name}.safetensors", tensors)
        self._unpack(tensors)

    def _unpack(self, tensors: dict[str, Any]) -> None:
        """Add the rows of stored tensors; a window with 0 tokens has one pooled row."""
        row, window = 0, 0
        for key, count in zip(tensors["names"], tensors["windows"].tolist(), strict=True):
            text_rows = []
            for token_count in tensors["tokens"][window : window + count].tolist():
                text_rows.append(tensors["rows"][row : row + token_count] if token_count else tensors["rows"][row])
                row += token_count or 1
            window += count
            self.rows[key.tobytes()] = tuple(text_rows)


class FeatureExtractor:
    """Frozen encoder with a cache; the encoder is loaded for new texts only."""

    def __init__(self, home: Path, encoder: Path, problem: Problem, config: EncoderConfig, device: str) -> None:
        self.home, self.encoder, self.problem, self.config, self.device = home, encoder, problem, config, device
        self.cache = FeatureCache(locate_cache(home, encoder, problem, config))
        self._model: Any = None

    def extract(self, examples: Iterable[Example]) -> None:
        """Compute the missing features of examples."""
        keys = {key_of(example.inputs): example for example in examples}
        missing = {key: example for key, example in keys.items() if not self.cache.has_text(key)}
        if missing:
            self.cache.add(list(missing), self._compute_rows(list(missing.values())))

    @cached_property
    def text_extractor(self) -> FeatureExtractor:
        """Extractor for single texts: itself, or a second one where an example has several inputs."""
        if len(self.problem.inputs) == 1:
            return self
        return FeatureExtractor(self.home, self.encoder, PROBLEMS["classify"].sample(), self.config, self.device)

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return one unit vector per text, the mean over windows and tokens; shape (texts, hidden)."""
        self.text_extractor.extract(self.text_extractor.problem.build_examples(texts))
        cache = self.text_extractor.cache
        means = np.stack([np.concatenate([np.atleast_2d(rows) for rows in cache[text]]).mean(0) for text in texts])
        means = means.astype(np.float32)
        return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))

    def _compute_rows(self, examples: Sequence[Example]) -> list[Rows]:
        from satiety.training.encoder import count_positions, load_encoder, load_tokenizer
        from satiety.training.hardware import detect_hardware
        from satiety.tuning.inference import features_of
        from satiety.tuning.inputs import build_head
        from satiety.tuning.model import Model

        device = detect_hardware(self.device)
        if self._model is None:
            encoder = load_encoder(self.encoder)
            max_positions = count_positions(encoder)
            if max_positions is not None and self.config.max_length > max_positions:
                raise ParamsError(
                    f"max_length: {self.config.max_length} tokens, but {self.encoder} has {max_positions} positions; "
                    "lower project.max_length, or worth.max_length if it is set"
                )
            head = Model(encoder, build_head(self.problem), 2, pooling=self.config.pooling, dropout=0.0)
            self._model = head.to(device.device), load_tokenizer(self.encoder)
        model, tokenizer = self._model
        encoded = encode_windows(self.problem, examples, tokenizer, self.config)
        rows: list[list[Floats]] = [[] for _ in examples]
        for window, row in zip(encoded, features_of(model, encoded, device, pad=tokenizer.pad_token_id), strict=True):
            rows[window.example].append(row)
        return [tuple(text_rows) for text_rows in rows]


def encode_windows(
    problem: Problem, examples: Sequence[Example], tokenizer: Any, config: EncoderConfig
) -> list[Window]:
    """Return the windows of examples, in their order."""
    from satiety.tuning.inputs import encode

    return encode(problem, examples, tokenizer, max_length=config.max_length, prefix=config.prefix)
