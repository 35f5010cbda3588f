"""Checks of a model's folder before it is loaded: its files must not run code, access the network or exhaust memory.

Only safetensors and JSON are accepted. config.json may only have keys of the config class of a supported model (an
encoder or an encoder-decoder), and may not need more weights than the weights file has.
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

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
TOKENIZER_FILES = (TOKENIZER, "tokenizer_config.json", "special_tokens_map.json")
UNSAFE_SUFFIXES = frozenset(
    {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack", ".joblib", ".npy", ".npz", ".py"}
)
"""Suffixes of files that can run code when loaded; a folder with such a file is rejected."""
MAX_JSON_BYTES = 2**26
"""Maximum size of a JSON file in bytes."""
MAX_COUNT, MAX_SIZE = 256, 10_000_000
"""Maximum of counts in a config, such as layers, and of sizes, such as a vocabulary."""
_IS_SIZE = re.compile(r"(?<!block_)size|dim|^d_|posi|length|width|_ids?$|index|theta|words|window|seed")
"""Pattern of keys that are sizes; other numbers are counts."""
MAX_WEIGHT_RATIO = 2
"""Maximum ratio of weights in the config to weights in the file; smaller mismatches are reported after loading."""
MAX_COMPUTED = 2**24
"""Maximum size of a table of positions that a model computes itself, in numbers."""
MAX_ADDED_TOKENS = 10_000
"""Maximum number of tokens added to the vocabulary; adding them is slow."""
_TOKEN_LISTS = ("added_tokens", "added_tokens_decoder", "additional_special_tokens", "extra_special_tokens")
LEGACY_KEYS = frozenset({
    "_name_or_path", "adapters", "directionality", "finetuning_task", "gradient_checkpointing", "language",
    "output_past", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head",
    "pooler_type", "position_embedding_type", "pruned_heads", "task_specific_params", "tokenizer_class", "torch_dtype",
    "use_bfloat16",
})  # fmt: skip
"""Obsolete keys in configs of supported models; they have no effect."""
SEQ2SEQ_KINDS = frozenset({"bart", "marian", "mbart", "mt5", "t5"})
"""Supported ``model_type`` of encoder-decoder models."""
GENERATION_KEYS = frozenset({
    "add_bias_logits", "add_final_layer_norm", "bad_words_ids", "classif_dropout", "classifier_dropout",
    "decoder_start_token_id", "early_stopping", "extra_pos_embeddings", "forced_bos_token_id", "length_penalty",
    "max_length", "min_length", "n_positions", "no_repeat_ngram_size", "normalize_before", "normalize_embedding",
    "num_beams", "save_step", "static_position_embeddings",
})  # fmt: skip
"""Additional keys in configs of encoder-decoder models; only those of the first output tokens are used."""
FIXED_VALUES = {
    "add_cross_attention": False,
    "chunk_size_feed_forward": 0,
    "is_decoder": False,
    "is_encoder_decoder": False,  # True for encoder-decoder models
    "output_attentions": False,
    "output_hidden_states": False,
    "return_dict": True,
    "torchscript": False,
}
"""Keys that change a model's outputs; they must have these values."""
NAME_MAPPINGS = ("id2label", "label2id", "task_specific_params")
"""Mappings without a limit on their numbers."""


def check_folder(folder: Path, *filenames: str) -> None:
    """Check a model's folder before anything in it is loaded.

    Raises:
        ModelError: the folder or one of ``filenames`` is missing, or a file could run code or needs custom code.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder: run the stage that makes it, or `dvc repro`")
    if unsafe := sorted(path.name for path in folder.iterdir() if path.suffix in UNSAFE_SUFFIXES):
        raise ModelError(f"{folder}: {unsafe[0]} can run code when loaded: keep safetensors and JSON files only")
    if missing := [name for name in filenames if not (folder / name).is_file()]:
        raise ModelError(f"{folder}: has no {', '.join(missing)}: rebuild the folder with `dvc repro`")
    if CONFIG in filenames:
        _check_custom_code(folder / CONFIG, read_json(folder / CONFIG))


def read_config(folder: Path) -> Any:
    """Return the config of an encoder or an encoder-decoder model.

    Raises:
        ModelError: the model type is not supported, a key is unknown, or a value is out of bounds.
    """
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as ENCODERS

    path = folder / CONFIG
    values = read_json(path)
    kind = values.get("model_type")
    if not isinstance(kind, str) or kind not in {*ENCODERS, *SEQ2SEQ_KINDS}:
        hint = suggest(str(kind), [*ENCODERS, *SEQ2SEQ_KINDS])
        raise ModelError(
            f"{path}: model_type {kind!r} is not supported; {hint}supported are encoders such as bert and roberta, "
            f"and the encoder-decoders {', '.join(sorted(SEQ2SEQ_KINDS))}"
        )
    config_class, is_seq2seq = CONFIG_MAPPING[kind], kind in SEQ2SEQ_KINDS
    known_keys = {
        *(field.name for field in fields(config_class)),
        *config_class.attribute_map,
        *config_class().to_dict(),
    }
    _check_keys(path, values, known_keys | GENERATION_KEYS if is_seq2seq else known_keys, is_seq2seq=is_seq2seq)
    _check_sizes(path, values)
    try:
        config = config_class.from_dict(
            {key: value for key, value in values.items() if key in known_keys or key not in GENERATION_KEYS}
        )
    except Exception as error:  # Transformers validates types with errors of its own classes
        raise ModelError(f"{path}: not a valid config: {first_line(error)}") from None
    if config.sub_configs or not all(
        isinstance(getattr(config, name, None), int) for name in ("hidden_size", "vocab_size")
    ):
        raise ModelError(f"{path}: model_type {kind!r} does not read plain texts only: use a text encoder")
    return config


def check_weights(folder: Path, config: Any, attention: str, model_class: Any) -> None:
    """Compare the number of weights in the config with that in the file, without allocating memory for them.

    Args:
        folder: folder of the model.
        config: config of the model, as returned by ``read_config``.
        attention: implementation of attention, ``sdpa`` or ``eager``.
        model_class: auto class of Transformers.

    Raises:
        ModelError: the file is not a complete safetensors file, or has far fewer weights.
    """
    import torch
    from safetensors import safe_open

    try:
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            stored = sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118  # no mapping
        limit = MAX_WEIGHT_RATIO * stored
        configured = int(getattr(config, "max_position_embeddings", 0) or 0) * config.hidden_size
        if configured <= max(limit, MAX_COMPUTED):
            with torch.random.fork_rng(devices=[]), torch.device("meta"):
                model: Any = model_class.from_config(config, attn_implementation=attention)
            configured = sum(weight.numel() for weight in model.parameters())
    except Exception as error:  # Transformers raises errors of any class
        raise ModelError(f"{folder}: cannot be loaded as {describe_role(config)}: {first_line(error)}") from None
    if configured > limit:
        raise ModelError(f"{folder / CONFIG}: needs {configured:,} weights, but {WEIGHTS} has {stored:,}")


def check_tokenizer(folder: Path) -> None:
    """Check the files of a tokenizer before it is loaded.

    Raises:
        ModelError: a file is broken, needs custom code, or adds too many tokens to the vocabulary.
    """
    for name in TOKENIZER_FILES:
        path = folder / name
        values = read_json(path) if path.is_file() else {}
        _check_custom_code(path, values)
        for key in _TOKEN_LISTS:
            count = len(values[key]) if isinstance(values.get(key), list | dict) else 0
            if count > MAX_ADDED_TOKENS:
                raise ModelError(f"{path}: {key} has {count:,} tokens; the maximum is {MAX_ADDED_TOKENS:,}")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raise ModelError where the file is missing, broken or too large."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ModelError(f"{path}: larger than {MAX_JSON_BYTES:,} bytes")
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not a complete JSON file: {first_line(error)}") from None
    if not isinstance(value, dict):
        raise ModelError(f"{path}: not a JSON object")
    return value


def has_decoder(config: Any) -> bool:
    """Return whether a config is of an encoder-decoder model."""
    return config.model_type in SEQ2SEQ_KINDS


def describe_role(config: Any) -> str:
    """Return the kind of model, for error messages."""
    return "an encoder-decoder model" if has_decoder(config) else "an encoder"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, at most 300 characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _check_custom_code(path: Path, values: Mapping[str, Any]) -> None:
    if "auto_map" in values:
        raise ModelError(f"{path}: `auto_map` needs custom code, which is never run: use a model without it")


def _check_keys(path: Path, values: Mapping[str, Any], known_keys: set[str], *, is_seq2seq: bool) -> None:
    fixed = FIXED_VALUES | {"is_encoder_decoder": is_seq2seq}
    for key, value in values.items():
        if key in fixed:
            if value != fixed[key]:
                role = "encoder-decoder models" if is_seq2seq else "encoders"
                raise ModelError(f"{path}: {key} is {value!r}, but must be {fixed[key]!r} for {role}")
        elif key not in known_keys and key not in LEGACY_KEYS:
            raise ModelError(f"{path}: unknown key `{key}`: remove it if it has no effect")


def _check_sizes(path: Path, values: Mapping[str, Any]) -> None:
    for key, value in _iter_sizes(values):
        limit = MAX_SIZE if _IS_SIZE.search(key) else MAX_COUNT
        if value > limit:
            raise ModelError(f"{path}: {key} is {value:,}; the maximum is {limit:,}")


def _iter_sizes(values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield (key, size) of every integer and list; the size of a list is its length or the sum of its integers."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _iter_sizes(value) if key not in NAME_MAPPINGS else ()
        elif isinstance(value, list):
            yield key, max(len(value), sum(abs(number) for number in value if isinstance(number, int)))
        elif isinstance(value, int):
            yield key, abs(value)
