"""A folder in Hugging Face's format -> an encoder and its tokenizer, safely; and back.

Safetensors and JSON only; code that comes with a model is never run. Weights are float32 in memory and on disk,
whatever the base has: the steps of fine-tuning are smaller than what float16 can tell apart.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from satiety.errors import ModelError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
TOKENIZER_FILES = (TOKENIZER, "tokenizer_config.json", "special_tokens_map.json")
UNSAFE = frozenset(
    {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack", ".joblib", ".npy", ".npz", ".py"}
)
"""Endings of files that can run code when loaded; a model's folder that holds one is refused whole."""
FAILURES = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, SafetensorError)
"""What Transformers raises on a broken folder."""


def load_encoder(folder: Path) -> nn.Module:
    """Read the encoder, in float32, in evaluation mode, without a pooler (which nothing here uses).

    Raises:
        ModelError: a file is missing, broken or unsafe, or weights and config do not fit together.
    """
    from transformers import AutoModel

    guard(folder, CONFIG, WEIGHTS)
    try:
        with _quiet():
            model, info = AutoModel.from_pretrained(
                folder,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except FAILURES as error:
        raise ModelError(f"{folder}: cannot be loaded as an encoder: {_first_line(error)}") from None
    missing = [*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])]
    if lost := sorted(key for key in missing if "pooler" not in key):
        raise ModelError(f"{folder}: {WEIGHTS} does not fit {CONFIG}: {len(lost)} weights are not there, as {lost[0]}")
    if hasattr(model, "pooler"):
        model.pooler = None
    return model.eval()  # type: ignore[no-any-return]


def load_tokenizer(folder: Path) -> Any:
    """Read the tokenizer.

    Raises:
        ModelError: a file is missing, broken or unsafe.
    """
    from transformers import AutoTokenizer

    guard(folder, TOKENIZER)
    try:
        with _quiet():
            tokenizer = AutoTokenizer.from_pretrained(
                folder, use_fast=True, local_files_only=True, trust_remote_code=False
            )
    except (*FAILURES, Exception) as error:  # the Rust tokenizers raise a bare Exception
        raise ModelError(f"{folder}: its tokenizer cannot be loaded: {_first_line(error)}") from None
    if tokenizer.pad_token_id is None:
        raise ModelError(f"{folder}: its tokenizer has no padding token; name one in tokenizer_config.json")
    tokenizer.model_max_length = 10**9  # a text is cut by the problem, into windows; no warning about long ones
    return tokenizer


def positions(model: Any) -> int | None:
    """Return how many tokens the encoder reads at most; RoBERTa keeps two of its positions for itself."""
    count: int | None = getattr(model.config, "max_position_embeddings", None)
    return count - 2 if count and "roberta" in model.config.model_type else count


def save_encoder(model: nn.Module, base: Path, out: Path) -> None:
    """Write the encoder into the folder ``out``, with the tokenizer files of ``base`` as they are."""
    with _quiet():
        model.save_pretrained(out)  # type: ignore[operator]
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, out / name)


def guard(folder: Path, *needed: str) -> None:
    """Refuse a model's folder before anything in it is loaded.

    Raises:
        ModelError: it is missing, lacks one of ``needed``, holds a file that could run code, or wants code of its own.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder; run the stage that makes it, or `dvc repro`")
    if unsafe := sorted(path.name for path in folder.iterdir() if path.suffix in UNSAFE):
        raise ModelError(f"{folder}: holds {unsafe[0]}, which can run code when loaded; keep safetensors and JSON only")
    if missing := [name for name in needed if not (folder / name).is_file()]:
        raise ModelError(f"{folder}: has no {', '.join(missing)}; make it anew with `dvc repro`")
    if CONFIG in needed and "auto_map" in read_json(folder / CONFIG):
        raise ModelError(f"{folder / CONFIG}: has an `auto_map`: it wants code of its own run, which is never done")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raise ModelError where it is missing or broken."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not a whole JSON file: {_first_line(error)}") from None
    if not isinstance(value, dict):
        raise ModelError(f"{path}: must hold one JSON object")
    return value


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Transformers from bars and from reports on weights that we check ourselves."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
