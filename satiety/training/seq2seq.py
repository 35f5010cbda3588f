"""A folder in Hugging Face's format -> an encoder with a decoder, safely; or the encoder of whatever is in there.

As `encoder.py`, which see. Of the folder's generation config counts only with which tokens begins what is written; how
it is written, and how much at most, whoever asks says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from satiety.core.errors import ModelError
from satiety.training.encoder import load_checked, load_encoder, silence_transformers
from satiety.training.model_files import (
    CONFIG,
    WEIGHTS,
    check_folder,
    describe_role,
    has_decoder,
    read_config,
    read_json,
)

GENERATION = "generation_config.json"
START, FORCED = "decoder_start_token_id", "forced_bos_token_id"
"""The token before what is written, and one that some models want after it, as the language's."""


def load_seq2seq(folder: Path) -> nn.Module:
    """Read an encoder with a decoder, in float32, in evaluation mode.

    Raises:
        ModelError: as ``load_encoder``, or the model does not say with which token begins what it writes.
    """
    from transformers import AutoModelForSeq2SeqLM

    check_folder(folder, CONFIG, WEIGHTS)
    with silence_transformers():
        config = read_config(folder)
        if not has_decoder(config):
            raise ModelError(
                f"{folder}: is {describe_role(config)} ({config.model_type}), which cannot write; take one with a "
                "decoder, such "
                "as t5 or marian"
            )
        generation = _load_generation(folder, config)
        model = load_checked(folder, config, AutoModelForSeq2SeqLM, generation_config=generation)
    model.generation_config = generation
    return model.eval()  # type: ignore[no-any-return]


def load_text_encoder(folder: Path) -> nn.Module:
    """Read what makes states of a text: an encoder, or that of a model that has a decoder besides.

    Raises:
        ModelError: as ``load_encoder`` and ``load_writer``.
    """
    check_folder(folder, CONFIG)
    if has_decoder(read_config(folder)):
        return load_seq2seq(folder).get_encoder()  # type: ignore[no-any-return, operator]
    return load_encoder(folder)


def get_start_tokens(model: Any) -> list[int]:
    """Return the ids of the tokens before whatever a model writes."""
    config = model.generation_config
    return [token for token in (config.decoder_start_token_id, config.forced_bos_token_id) if token is not None]


def _load_generation(folder: Path, config: Any) -> Any:
    """Return what counts of the generation config; before there was one, config.json said it."""
    from transformers import GenerationConfig

    config_path = folder / CONFIG
    generation_path = folder / GENERATION if (folder / GENERATION).is_file() else config_path
    values = {**_read_tokens(config_path, config), **_read_tokens(generation_path, config)}
    start = getattr(config, START, None)
    if start is None and "t5" in config.model_type:
        start = config.pad_token_id  # Raffel et al. 2020 (arXiv:1910.10683), as Transformers does it
    if start is not None:
        values = {START: start} | values
    if START not in values:
        raise ModelError(f"{folder}: does not say with which token begins what it writes; add {START} to {GENERATION}")
    special = {name: getattr(config, name) for name in ("pad_token_id", "eos_token_id")}
    return GenerationConfig(**special, **values)  # type: ignore[no-untyped-call]


def _read_tokens(path: Path, config: Any) -> Mapping[str, int]:
    tokens = {name: token for name, token in read_json(path).items() if name in (START, FORCED) and token is not None}
    for name, token in tokens.items():
        if not isinstance(token, int) or not 0 <= token < config.vocab_size:
            raise ModelError(f"{path}: {name} is {token!r}; the model has tokens 0 to {config.vocab_size - 1:,}")
    return tokens
