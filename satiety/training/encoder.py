"""Load and save an encoder and its tokenizer in Hugging Face's format.

Only safetensors and JSON are read; code that comes with a model is never run. Weights are float32 in memory and on
disk, because updates of fine-tuning are smaller than the resolution of float16.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from satiety.core.errors import ModelError
from satiety.training.model_files import (
    CONFIG,
    TOKENIZER,
    TOKENIZER_FILES,
    WEIGHTS,
    check_folder,
    check_tokenizer,
    check_weights,
    describe_role,
    first_line,
    has_decoder,
    read_config,
)

PROBE = "a text 一段文字"
"""Text that a tokenizer must be able to encode."""


def load_encoder(folder: Path) -> nn.Module:
    """Load an encoder in float32 and evaluation mode, without its (unused) pooler.

    Raises:
        ModelError: a file is missing, broken or unsafe, weights and config do not match, or a weight is not finite.
    """
    from transformers import AutoModel

    check_folder(folder, CONFIG, WEIGHTS)
    with silence_transformers():
        config = read_config(folder)
        if has_decoder(config):
            raise ModelError(
                f"{folder}: {describe_role(config)} ({config.model_type}), but this problem needs an encoder: "
                "use one such as bert or roberta"
            )
        model = load_checked(folder, config, AutoModel)
    if hasattr(model, "pooler"):
        model.pooler = None
    return model.eval()  # type: ignore[no-any-return]


def load_checked(folder: Path, config: Any, model_class: Any, **options: Any) -> Any:
    """Load a model of a checked config and verify that all weights are present and finite.

    Args:
        folder: folder of the model.
        config: config of the model, as returned by ``read_config``.
        model_class: auto class of Transformers.
        options: arguments of ``from_pretrained``.

    Raises:
        ModelError: the weights do not match the config, or one is not finite.
    """
    attention = _choose_attention(config)
    check_weights(folder, config, attention, model_class)
    try:
        model, info = model_class.from_pretrained(
            folder,
            config=config,
            attn_implementation=attention,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            **options,
        )
    except Exception as error:  # Transformers raises errors of any class
        raise ModelError(f"{folder}: cannot be loaded as {describe_role(config)}: {first_line(error)}") from None
    missing = [*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])]
    if unloaded := sorted(key for key in missing if "pooler" not in key):
        raise ModelError(
            f"{folder}: {WEIGHTS} does not match {CONFIG}: {len(unloaded)} weights are missing, such as {unloaded[0]}"
        )
    check_finite(folder / WEIGHTS, model.state_dict())
    return model


def load_tokenizer(folder: Path) -> Any:
    """Load a tokenizer.

    For models with a decoder, tokenizer.json is used as it is: some tokenizer classes need SentencePiece's format,
    others add tokens for unrelated tasks.

    Raises:
        ModelError: a file is missing, broken or unsafe.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    check_folder(folder, TOKENIZER, CONFIG)
    check_tokenizer(folder)
    with silence_transformers():
        config = read_config(folder)
        tokenizer_class: Any = PreTrainedTokenizerFast if has_decoder(config) else AutoTokenizer
        try:
            tokenizer = tokenizer_class.from_pretrained(
                folder, use_fast=True, local_files_only=True, trust_remote_code=False
            )
            ids = tokenizer.backend_tokenizer.encode(PROBE).ids
        except Exception as error:  # the Rust tokenizers raise a bare Exception
            raise ModelError(f"{folder}: cannot load the tokenizer: {first_line(error)}") from None
    if tokenizer.pad_token_id is None:
        raise ModelError(f"{folder}: the tokenizer has no padding token: set `pad_token` in tokenizer_config.json")
    if set(ids) <= set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}:
        raise ModelError(
            f"{folder}: the tokenizer encodes no word and has no token for unknown words: use another {TOKENIZER}"
        )
    if (largest := max(tokenizer.get_vocab().values())) >= config.vocab_size:
        raise ModelError(
            f"{folder}: the tokenizer has ids up to {largest:,}, but the model only {config.vocab_size:,} embeddings: "
            f"use the {TOKENIZER} that belongs to the model"
        )
    tokenizer.model_max_length = 10**9  # problems split long texts into windows: no warning about their length
    return tokenizer


def count_positions(model: Any) -> int | None:
    """Return the maximum number of tokens the model reads or writes, None without a limit.

    RoBERTa reserves two of its positions.
    """
    count: int | None = getattr(model.config, "max_position_embeddings", None)
    return count - 2 if count and "roberta" in model.config.model_type else count


def check_finite(path: Path, weights: Mapping[str, torch.Tensor]) -> None:
    """Raise ModelError where a tensor of the file contains NaN or infinity."""
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path}: {name} contains NaN or infinity: rebuild the model or restore the file")


def average_tokens(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean state of each text's tokens, float32, shape (texts, hidden).

    Args:
        states: last hidden states, shape (texts, tokens, hidden).
        mask: 1 for tokens, 0 for padding, shape (texts, tokens).
    """
    weights = mask.unsqueeze(-1).float()
    return (states.float() * weights).sum(1) / weights.sum(1).clamp(min=1)


def save_encoder(model: nn.Module, base: Path, folder: Path) -> None:
    """Write the encoder into ``folder``, with unchanged copies of the tokenizer files of ``base``."""
    with silence_transformers():
        model.save_pretrained(folder)  # type: ignore[operator]
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)


def _choose_attention(config: Any) -> str:
    """Return ``sdpa`` where the model supports it, else the slower ``eager``."""
    from transformers import MODEL_MAPPING

    model_class: Any = MODEL_MAPPING[type(config)]
    model = model_class[0] if isinstance(model_class, tuple) else model_class
    return "sdpa" if getattr(model, "_supports_sdpa", False) else "eager"


@contextmanager
def silence_transformers() -> Iterator[None]:
    """Silence progress bars and reports on missing weights, which are checked here."""
    from transformers.utils import logging

    verbosity, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
