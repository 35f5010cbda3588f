"""A model's folder -> its config, or why it is not loaded: nothing in it may run code, fetch something, or be endless.

Safetensors and JSON only. Of config.json nothing counts but what the config class of a known model has itself, an
encoder or an encoder with a decoder, and it may promise no more weights than the file of weights holds. All of this is
read before anything is made of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from math import prod
from pathlib import Path
from typing import Any

from satiety.core.errors import ModelError
from satiety.core.section import suggest
from satiety.training.config_keys import FIXED_VALUES, GENERATION_KEYS, LEGACY_KEYS, NAME_MAPPINGS, SEQ2SEQ_KINDS

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
TOKENIZER_FILES = (TOKENIZER, "tokenizer_config.json", "special_tokens_map.json")
UNSAFE_SUFFIXES = frozenset(
    {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack", ".joblib", ".npy", ".npz", ".py"}
)
"""Endings of files that can run code when loaded; a model's folder that holds one is refused whole."""
MAX_JSON_BYTES = 2**26
"""Bytes of a JSON file of a model at most."""
MAX_COUNT, MAX_SIZE = 256, 10_000_000
"""Largest count that a config may name, of layers for one, and largest size, of a vocabulary for one."""
_IS_SIZE = re.compile(r"(?<!block_)size|dim|^d_|posi|length|width|_ids?$|index|theta|words|window|seed")
"""What keys of sizes have in their names."""
MAX_PROMISE_RATIO = 2
"""How many times the weights that there are a config may promise: below, those that are missing are named later."""
MAX_COMPUTED = 2**24
"""Numbers about positions that a model may compute for itself, whatever its weights."""
MAX_ADDED_TOKENS = 10_000
"""Tokens beside the vocabulary at most: a tokenizer takes them in one by one."""
_TOKEN_LISTS = ("added_tokens", "added_tokens_decoder", "additional_special_tokens", "extra_special_tokens")


def check_folder(folder: Path, *filenames: str) -> None:
    """Refuse a model's folder before anything in it is loaded.

    Raises:
        ModelError: it is missing, lacks one of ``filenames``, holds a file that could run code, or needs its own code.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder; run the stage that makes it, or `dvc repro`")
    if unsafe := sorted(path.name for path in folder.iterdir() if path.suffix in UNSAFE_SUFFIXES):
        raise ModelError(f"{folder}: holds {unsafe[0]}, which can run code when loaded; keep safetensors and JSON only")
    if missing := [name for name in filenames if not (folder / name).is_file()]:
        raise ModelError(f"{folder}: has no {', '.join(missing)}; make it anew with `dvc repro`")
    if CONFIG in filenames and "auto_map" in read_json(folder / CONFIG):
        raise ModelError(f"{folder / CONFIG}: has an `auto_map`: it wants code of its own run, which is never done")


def read_config(folder: Path) -> Any:
    """Return the config of an encoder, or of one with a decoder.

    Raises:
        ModelError: it is of no known model, or says something that no such config says, or is out of all bounds.
    """
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as ENCODERS

    path = folder / CONFIG
    values = read_json(path)
    kind = values.get("model_type")
    if not isinstance(kind, str) or kind not in {*ENCODERS, *SEQ2SEQ_KINDS}:
        hint = suggest(str(kind), [*ENCODERS, *SEQ2SEQ_KINDS])
        raise ModelError(
            f"{path}: model_type {kind!r} is no encoder of Transformers; {hint}bert and roberta are two, and of those "
            f"that write there are: {', '.join(sorted(SEQ2SEQ_KINDS))}"
        )
    config_class = CONFIG_MAPPING[kind]
    known_keys = {
        *(field.name for field in fields(config_class)),
        *config_class.attribute_map,
        *config_class().to_dict(),
    }
    _check_keys(
        path,
        values,
        known_keys | GENERATION_KEYS if kind in SEQ2SEQ_KINDS else known_keys,
        is_seq2seq=kind in SEQ2SEQ_KINDS,
    )
    _check_sizes(path, values)
    try:
        config = config_class.from_dict(
            {key: value for key, value in values.items() if key in known_keys or key not in GENERATION_KEYS}
        )
    except Exception as error:  # of a value's type, in classes of Transformers' own
        raise ModelError(f"{path}: cannot be read as a config: {first_line(error)}") from None
    if config.sub_configs or not all(
        isinstance(getattr(config, name, None), int) for name in ("hidden_size", "vocab_size")
    ):
        raise ModelError(f"{path}: model_type {kind!r} reads more, or other things, than texts; take a text encoder")
    return config


def check_weights(folder: Path, config: Any, attention: str, model_class: Any) -> None:
    """Hold what a config promises against the weights that there are, while nothing is in memory.

    Args:
        folder: of the model.
        config: of it, read.
        attention: how it is computed.
        model_class: the class of Transformers that makes a model of a config.

    Raises:
        ModelError: the file is no whole safetensors file, or holds far less.
    """
    import torch
    from safetensors import safe_open

    try:
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            stored = sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118  # no mapping
        limit = MAX_PROMISE_RATIO * stored
        promised = int(getattr(config, "max_position_embeddings", 0) or 0) * config.hidden_size
        if promised <= max(limit, MAX_COMPUTED):
            with torch.random.fork_rng(devices=[]), torch.device("meta"):
                model: Any = model_class.from_config(config, attn_implementation=attention)
            promised = sum(weight.numel() for weight in model.parameters())
    except Exception as error:  # Transformers raises whatever it meets
        raise ModelError(f"{folder}: cannot be loaded as {describe_role(config)}: {first_line(error)}") from None
    if promised > limit:
        raise ModelError(f"{folder / CONFIG}: promises {promised:,} weights, but {WEIGHTS} holds {stored:,}")


def check_tokenizer(folder: Path) -> None:
    """Look at the files of a tokenizer before it is made.

    Raises:
        ModelError: one is broken, wants code of its own, or has endless tokens beside its vocabulary.
    """
    for name in TOKENIZER_FILES:
        path = folder / name
        values = read_json(path) if path.is_file() else {}
        if "auto_map" in values:
            raise ModelError(f"{path}: has an `auto_map`: it wants code of its own run, which is never done")
        for key in _TOKEN_LISTS:
            count = len(values[key]) if isinstance(values.get(key), list | dict) else 0
            if count > MAX_ADDED_TOKENS:
                raise ModelError(f"{path}: {key}: {count:,} tokens; at most {MAX_ADDED_TOKENS:,} are taken in")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raise ModelError where it is missing, broken or too large."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ModelError(f"{path}: has more than {MAX_JSON_BYTES:,} bytes")
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not a whole JSON file: {first_line(error)}") from None
    if not isinstance(value, dict):
        raise ModelError(f"{path}: must hold one JSON object")
    return value


def has_decoder(config: Any) -> bool:
    """Return whether a config that was read is of a model that writes: one with a decoder."""
    return config.model_type in SEQ2SEQ_KINDS


def describe_role(config: Any) -> str:
    """Return what a model of this config is."""
    return "an encoder with a decoder" if has_decoder(config) else "an encoder"


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, 300 characters at most."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _check_keys(path: Path, values: Mapping[str, Any], known_keys: set[str], *, is_seq2seq: bool) -> None:
    fixed = FIXED_VALUES | {"is_encoder_decoder": is_seq2seq}
    for key, value in values.items():
        if key in fixed:
            if value != fixed[key]:
                description = "one that writes" if is_seq2seq else "an encoder"
                raise ModelError(f"{path}: {key} is {value!r}; of {description} it is {fixed[key]!r}")
        elif key not in known_keys and key not in LEGACY_KEYS:
            raise ModelError(f"{path}: `{key}` is no field of its config, and not taken; remove it if it is harmless")


def _check_sizes(path: Path, values: Mapping[str, Any]) -> None:
    for key, value in _iter_sizes(values):
        limit = MAX_SIZE if _IS_SIZE.search(key) else MAX_COUNT
        if value > limit:
            raise ModelError(f"{path}: {key} is {value:,}; at most {limit:,} is taken")


def _iter_sizes(values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield every whole number, and of lists the sum of these or the length, with the key that it stands under."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _iter_sizes(value) if key not in NAME_MAPPINGS else ()
        elif isinstance(value, list):
            yield key, max(len(value), sum(abs(number) for number in value if isinstance(number, int)))
        elif isinstance(value, int):
            yield key, abs(value)
