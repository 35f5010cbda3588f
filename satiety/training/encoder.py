"""A folder in Hugging Face's format -> an encoder and its tokenizer, safely; and back.

Safetensors and JSON only; code that comes with a model is never run. Weights are float32 in memory and on disk,
whatever the base has: the steps of fine-tuning are smaller than what float16 can tell apart.
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
"""What a tokenizer must be able to read."""


def load_encoder(folder: Path) -> nn.Module:
    """Read the encoder, in float32, in evaluation mode, without a pooler (which nothing here uses).

    Raises:
        ModelError: a file is missing, broken or unsafe, weights and config do not fit together, or one is not finite.
    """
    from transformers import AutoModel

    check_folder(folder, CONFIG, WEIGHTS)
    with silence_transformers():
        config = read_config(folder)
        if has_decoder(config):
            raise ModelError(
                f"{folder}: is {describe_role(config)} ({config.model_type}), and what is asked of it here an "
                "encoder alone "
                "answers; take one, such as bert or roberta"
            )
        model = load_checked(folder, config, AutoModel)
    if hasattr(model, "pooler"):
        model.pooler = None
    return model.eval()  # type: ignore[no-any-return]


def load_checked(folder: Path, config: Any, model_class: Any, **options: Any) -> Any:
    """Return the model of a config that was read, all of its weights there, and finite.

    Args:
        folder: of the model.
        config: of it, read.
        model_class: the class of Transformers that makes it.
        options: arguments of ``from_pretrained``.

    Raises:
        ModelError: the weights do not fit the config, or one is not finite.
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
    except Exception as error:  # Transformers raises whatever it meets
        raise ModelError(f"{folder}: cannot be loaded as {describe_role(config)}: {first_line(error)}") from None
    missing = [*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])]
    if unloaded := sorted(key for key in missing if "pooler" not in key):
        raise ModelError(
            f"{folder}: {WEIGHTS} does not fit {CONFIG}: {len(unloaded)} weights are not there, as {unloaded[0]}"
        )
    check_finite(folder / WEIGHTS, model.state_dict())
    return model


def load_tokenizer(folder: Path) -> Any:
    """Read the tokenizer; that of a model with a decoder as tokenizer.json has it, whatever its class makes of that.

    Some of these classes want SentencePiece's own format, and others put tokens in for tasks that are none of ours.

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
        except Exception as error:  # the Rust tokenizers raise a bare one
            raise ModelError(f"{folder}: its tokenizer cannot be loaded: {first_line(error)}") from None
    if tokenizer.pad_token_id is None:
        raise ModelError(f"{folder}: its tokenizer has no padding token; name one in tokenizer_config.json")
    if set(ids) <= set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}:
        raise ModelError(f"{folder}: its tokenizer knows no word, and none for unknown ones; take another {TOKENIZER}")
    if (largest := max(tokenizer.get_vocab().values())) >= config.vocab_size:
        raise ModelError(
            f"{folder}: its tokenizer has ids up to {largest:,}, but the model only {config.vocab_size:,} embeddings"
        )
    tokenizer.model_max_length = 10**9  # a text is cut by the problem, into windows; no warning about long ones
    return tokenizer


def count_positions(model: Any) -> int | None:
    """Return how many tokens the model reads, or writes, at most; RoBERTa keeps two of its positions for itself."""
    count: int | None = getattr(model.config, "max_position_embeddings", None)
    return count - 2 if count and "roberta" in model.config.model_type else count


def check_finite(path: Path, weights: Mapping[str, torch.Tensor]) -> None:
    """Raise ModelError where a tensor of the file holds NaN or an infinity; a model with one answers nothing."""
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path}: {name} holds numbers that are not finite; make the model anew, or restore it")


def save_encoder(model: nn.Module, base: Path, folder: Path) -> None:
    """Write the encoder into the folder ``folder``, with the tokenizer files of ``base`` as they are."""
    with silence_transformers():
        model.save_pretrained(folder)  # type: ignore[operator]
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)


def _choose_attention(config: Any) -> str:
    """Return the attention that Transformers computes itself, the quicker where the model has it."""
    from transformers import MODEL_MAPPING

    model_class: Any = MODEL_MAPPING[type(config)]
    model = model_class[0] if isinstance(model_class, tuple) else model_class
    return "sdpa" if getattr(model, "_supports_sdpa", False) else "eager"


@contextmanager
def silence_transformers() -> Iterator[None]:
    """Keep Transformers from bars and from reports on weights that we check ourselves."""
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
