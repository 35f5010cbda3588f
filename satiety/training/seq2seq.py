"""Load an encoder-decoder model, or the encoder of any supported model, in Hugging Face's format.

The rules of `encoder.py` apply. From the generation config only the first tokens of the output are used; search and
maximum length are parameters of the problem.
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
"""Keys of the first token of the output, and of a second one that some models need, such as the language token."""


def load_seq2seq(folder: Path) -> nn.Module:
    """Load an encoder-decoder model in float32 and evaluation mode.

    Raises:
        ModelError: as for ``load_encoder``, or the first token of the output is not configured.
    """
    from transformers import AutoModelForSeq2SeqLM

    check_folder(folder, CONFIG, WEIGHTS)
    with silence_transformers():
        config = read_config(folder)
        if not has_decoder(config):
            raise ModelError(
                f"{folder}: {describe_role(config)} ({config.model_type}), which cannot generate text: use a model "
                "with a decoder, such as t5 or marian"
            )
        generation = _load_generation(folder, config)
        model = load_checked(folder, config, AutoModelForSeq2SeqLM, generation_config=generation)
    model.generation_config = generation
    return model.eval()  # type: ignore[no-any-return]


def load_text_encoder(folder: Path) -> nn.Module:
    """Load an encoder, or the encoder part of an encoder-decoder model.

    Raises:
        ModelError: as for ``load_encoder`` and ``load_seq2seq``.
    """
    check_folder(folder, CONFIG)
    if has_decoder(read_config(folder)):
        return load_seq2seq(folder).get_encoder()  # type: ignore[no-any-return, operator]
    return load_encoder(folder)


def get_start_tokens(model: Any) -> list[int]:
    """Return the ids of the first tokens of every output."""
    config = model.generation_config
    return [token for token in (config.decoder_start_token_id, config.forced_bos_token_id) if token is not None]


def _load_generation(folder: Path, config: Any) -> Any:
    """Return the generation config with the first tokens only; older models have them in config.json."""
    from transformers import GenerationConfig

    config_path = folder / CONFIG
    generation_path = folder / GENERATION if (folder / GENERATION).is_file() else config_path
    values = {**_read_tokens(config_path, config), **_read_tokens(generation_path, config)}
    start = getattr(config, START, None)
    if start is None and "t5" in config.model_type:
        start = config.pad_token_id  # as in Transformers (Raffel et al. 2020, arXiv:1910.10683)
    if start is not None:
        values = {START: start} | values
    if START not in values:
        raise ModelError(f"{folder}: the first token of the output is not configured: add {START} to {GENERATION}")
    special = {name: getattr(config, name) for name in ("pad_token_id", "eos_token_id")}
    return GenerationConfig(**special, **values)  # type: ignore[no-untyped-call]


def _read_tokens(path: Path, config: Any) -> Mapping[str, int]:
    tokens = {name: token for name, token in read_json(path).items() if name in (START, FORCED) and token is not None}
    for name, token in tokens.items():
        if not isinstance(token, int) or not 0 <= token < config.vocab_size:
            raise ModelError(f"{path}: {name} is {token!r}, but the model has tokens 0 to {config.vocab_size - 1:,}")
    return tokens
