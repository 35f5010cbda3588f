"""Texts -> what a frozen encoder makes of them, read once and kept: the rows that the heads of all cells learn from.

Kept per encoder and way of reading, by digest of the text, in safetensors files that are only ever added.
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

from satiety.errors import ParamsError
from satiety.files import digest, manifest
from satiety.heads import Pooling
from satiety.problems import PROBLEMS
from satiety.records import Example
from satiety.sealed import read_tensors, write_tensors
from satiety.section import FIELDS
from satiety.worth.cells import code_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats

    Rows = tuple[Floats, ...]
    """Of a text, one array per window: (hidden,) for a head over texts, (tokens, hidden) for one over tokens."""

READS = (
    "satiety.words",
    "satiety.problems",
    "satiety.heads",
    "satiety.training",
    "satiety.tuning.inputs",
    "satiety.tuning.model",
    "satiety.tuning.predict",
    "satiety.worth.reading",
)
"""The code that decides what is kept."""


class Reading(BaseModel):
    """How texts are read."""

    model_config = FIELDS

    max_length: int = Field(ge=8, le=8192)
    """Tokens per window; a longer text is read in several."""
    prefix: str
    """Before every text; models of the E5 family want ``query: ``."""
    pooling: Pooling
    """How the tokens of a text become one vector."""


def name_of(text: str) -> bytes:
    """Return the 16 bytes that a text is known by."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def shelf(home: Path, encoder: Path, problem: Problem, how: Reading) -> Path:
    """Return the folder for what an encoder makes of texts, read in one way."""
    made_of = [digest(manifest(encoder)), problem.head, problem.inputs, how.model_dump_json(), *map(code_of, READS)]
    return home / "features" / hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:32]


@dataclass(slots=True)
class Shelf:
    """What is known of texts, in memory as on disk."""

    folder: Path
    known: dict[bytes, Rows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for file in sorted(self.folder.glob("*.safetensors")):
            if (tensors := read_tensors(file)) is not None:
                self._take(tensors)
            else:
                file.unlink(missing_ok=True)  # its texts are read anew

    def __getitem__(self, text: str) -> Rows:
        return self.known[name_of(text)]

    def knows(self, text: str) -> bool:
        """Return whether it is known what was made of a text."""
        return name_of(text) in self.known

    def add(self, texts: Sequence[str], rows: Sequence[Rows]) -> None:
        """Keep what was made of texts."""
        windows = [window for one in rows for window in one]
        flat = np.concatenate([np.atleast_2d(window) for window in windows]).astype(np.float16)
        tensors: dict[str, NDArray[Any]] = {
            "names": np.frombuffer(b"".join(map(name_of, texts)), dtype=np.uint8).reshape(len(texts), 16),
            "windows": np.array([len(one) for one in rows], dtype=np.int64),
            "tokens": np.array([0 if window.ndim == 1 else len(window) for window in windows], dtype=np.int64),
            "rows": flat,
        }
        name = hashlib.sha256(tensors["names"].tobytes()).hexdigest()[:32]
        write_tensors(self.folder / f"{name}.safetensors", tensors)
        self._take(tensors)

    def _take(self, tensors: dict[str, Any]) -> None:
        row, window = 0, 0
        for name, count in zip(tensors["names"], tensors["windows"].tolist(), strict=True):
            found = []
            for tokens in tensors["tokens"][window : window + count].tolist():
                found.append(tensors["rows"][row : row + tokens] if tokens else tensors["rows"][row])
                row += tokens or 1
            window += count
            self.known[name.tobytes()] = tuple(found)


class Reader:
    """An encoder that reads; the texts it has read before cost nothing, and the encoder is loaded for new ones only."""

    def __init__(self, home: Path, encoder: Path, problem: Problem, how: Reading, device: str) -> None:
        self.home, self.encoder, self.problem, self.how, self.device = home, encoder, problem, how, device
        self.shelf = Shelf(shelf(home, encoder, problem, how))
        self._model: Any = None

    def read(self, examples: Iterable[Example]) -> None:
        """Make sure that these examples are known."""
        missing = {example.text: example for example in examples if not self.shelf.knows(example.text)}
        if missing:
            self.shelf.add(list(missing), self._rows(list(missing.values())))

    @cached_property
    def plain(self) -> Reader:
        """What reads bare texts: this reader, or one beside it where an example has several inputs."""
        if len(self.problem.inputs) == 1:
            return self
        return Reader(self.home, self.encoder, PROBLEMS["classify"].sample(), self.how, self.device)

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return one unit vector per text, the mean of its windows and tokens; shape (texts, hidden)."""
        self.plain.read(self.plain.problem.ask(texts))
        known = self.plain.shelf
        means = np.stack([np.concatenate([np.atleast_2d(one) for one in known[text]]).mean(0) for text in texts])
        means = means.astype(np.float32)
        return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))

    def _rows(self, examples: Sequence[Example]) -> list[Rows]:
        from satiety.training.encoder import load_encoder, load_tokenizer, positions
        from satiety.training.hardware import hardware
        from satiety.tuning.inputs import head_of
        from satiety.tuning.model import Model
        from satiety.tuning.predict import features_of

        here = hardware(self.device)
        if self._model is None:
            encoder = load_encoder(self.encoder)
            reach = positions(encoder)
            if reach is not None and self.how.max_length > reach:
                raise ParamsError(
                    f"max_length: {self.how.max_length} tokens, but {self.encoder} reads at most {reach}; lower "
                    "project.max_length, or worth.max_length where it stands"
                )
            head = Model(encoder, head_of(self.problem), 2, pooling=self.how.pooling, dropout=0.0)
            self._model = head.to(here.device), load_tokenizer(self.encoder)
        model, tokenizer = self._model
        found = windows(self.problem, examples, tokenizer, self.how)
        rows: list[list[Floats]] = [[] for _ in examples]
        for window, row in zip(found, features_of(model, found, here, pad=tokenizer.pad_token_id), strict=True):
            rows[window.example].append(row)
        return [tuple(one) for one in rows]


def windows(problem: Problem, examples: Sequence[Example], tokenizer: Any, how: Reading) -> list[Window]:
    """Return the windows of examples, in order."""
    from satiety.tuning.inputs import encode

    return encode(problem, examples, tokenizer, max_length=how.max_length, prefix=how.prefix)
