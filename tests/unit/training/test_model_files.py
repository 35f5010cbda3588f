"""Model folders are checked before loading: known encoders load, anything else is refused with the reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from satiety.core.errors import ModelError
from satiety.training.encoder import load_encoder, load_tokenizer
from satiety.training.model_files import MAX_ADDED_TOKENS, read_config
from tests.patience import at_once

WIDTHS = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
ENCODERS: dict[str, dict[str, Any]] = {
    "albert": WIDTHS | {"embedding_size": 16},
    "bert": WIDTHS,
    "big_bird": WIDTHS,
    "camembert": WIDTHS,
    "convbert": WIDTHS | {"embedding_size": 32},
    "deberta": WIDTHS,
    "deberta-v2": WIDTHS,
    "distilbert": {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2},
    "electra": WIDTHS | {"embedding_size": 16},
    "ernie": WIDTHS,
    "mobilebert": WIDTHS | {"true_hidden_size": 16, "intra_bottleneck_size": 16, "embedding_size": 16},
    "modernbert": WIDTHS,
    "mpnet": WIDTHS,
    "nystromformer": WIDTHS,
    "rembert": WIDTHS | {"input_embedding_size": 16, "output_embedding_size": 32},
    "roberta": WIDTHS,
    "roformer": WIDTHS,
    "xlm-roberta": WIDTHS,
}


def update_json(folder: Path, name: str = "config.json", **values: Any) -> None:
    path = folder / name
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps(content | values, ensure_ascii=False), encoding="utf-8")


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("kind", ENCODERS)
def test_the_encoders_that_transformers_knows_load_as_transformers_loads_them(kind: str, tmp_path: Path) -> None:
    from transformers import CONFIG_MAPPING, AutoModel

    config = CONFIG_MAPPING[kind](vocab_size=99, pad_token_id=1, **ENCODERS[kind])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        AutoModel.from_config(config).save_pretrained(tmp_path)
    expected = AutoModel.from_pretrained(tmp_path).eval()
    actual: Any = load_encoder(tmp_path)
    ids = torch.arange(2, 66).view(2, 32)  # BigBird's blocks want some tokens
    with torch.inference_mode():
        assert torch.equal(actual(input_ids=ids).last_hidden_state, expected(input_ids=ids).last_hidden_state)
    assert actual.config._attn_implementation == expected.config._attn_implementation


@pytest.mark.parametrize(
    "values",
    [
        {"architectures": ["BertForMaskedLM"], "directionality": "bidi", "pooler_fc_size": 768, "pooler_type": "first"},
        {"_name_or_path": "x", "gradient_checkpointing": False, "position_embedding_type": "absolute"},
        {"torch_dtype": "float32", "output_past": True, "id2label": {"0": "A"}, "label2id": {"A": 0}},
        {"is_decoder": False, "add_cross_attention": False, "use_cache": True, "transformers_version": "4.8.2"},
    ],
)
def test_keys_of_published_configs_are_accepted(copy: Path, values: dict[str, Any]) -> None:
    update_json(copy, **values)
    load_encoder(copy)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"attn_implementation": "kernels-community/x"}, "unknown key `attn_implementation`"),
        ({"_attn_implementation": "kernels-community/x"}, "unknown key `_attn_implementation`"),
        ({"_attn_implementation_internal": "kernels-community/x"}, "unknown key `_attn_implementation_internal`"),
        ({"use_kernels": True}, "unknown key `use_kernels`"),
        ({"quantization_config": {"load_in_4bit": True}}, "unknown key `quantization_config`"),
        ({"custom_pipelines": {}}, "unknown key `custom_pipelines`"),
        ({"num_labels": 10_000_000}, "unknown key `num_labels`"),
        ({"auto_map": {"AutoModel": "m.M"}}, "`auto_map` needs custom code"),
        ({"is_decoder": True}, "is_decoder is True, but must be False for encoders"),
        ({"return_dict": False}, "return_dict is False, but must be True for encoders"),
        ({"model_type": "gpt2"}, "model_type 'gpt2' is not supported"),
        ({"model_type": "bart"}, "is_encoder_decoder|does not read plain texts|unknown key"),
        ({"model_type": "perceiver"}, "unknown key|does not read plain texts"),
        ({"model_type": "robreta"}, "is not supported; did you mean 'roberta'"),
        ({"model_type": ["bert"]}, "is not supported"),
        ({"num_hidden_layers": 10_000_000}, "num_hidden_layers is 10,000,000; the maximum is 256"),
        ({"num_attention_heads": 10**30}, "num_attention_heads is 1,000,000,000"),
        ({"hidden_size": 9_600_000}, r"needs [\d,]+ weights, but model.safetensors has [\d,]+"),
        ({"vocab_size": 9_000_000}, r"needs [\d,]+ weights, but model.safetensors has [\d,]+"),
        ({"max_position_embeddings": 9_000_000}, r"needs [\d,]+ weights, but model.safetensors has [\d,]+"),
        ({"num_hidden_layers": 250}, r"needs [\d,]+ weights, but model.safetensors has [\d,]+"),
        ({"num_hidden_layers": 3}, "does not match config.json: 16 weights are missing"),
        ({"hidden_size": "many"}, "not a valid config"),
        ({"hidden_size": None}, "not a valid config|does not read plain texts"),
        ({"num_attention_heads": 0}, "cannot be loaded as an encoder"),
        ({"num_attention_heads": 5}, "cannot be loaded as an encoder"),
        ({"hidden_act": "exec"}, "cannot be loaded as an encoder"),
    ],
)
def test_an_unsafe_or_invalid_config_is_refused_at_once(copy: Path, values: dict[str, Any], message: str) -> None:
    update_json(copy, **values)
    with at_once(), pytest.raises(ModelError, match=message):
        load_encoder(copy)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("albert", {"num_hidden_groups": 100_000, "inner_group_num": 100_000}),
        ("mobilebert", {"num_feedforward_networks": 100_000}),
        ("funnel", {"block_sizes": [200] * 1000}),
        ("xmod", {"languages": ["x"] * 100_000}),
    ],
)
def test_the_number_of_modules_is_limited(copy: Path, kind: str, values: dict[str, Any]) -> None:
    from transformers import CONFIG_MAPPING

    (copy / "config.json").write_text(json.dumps(CONFIG_MAPPING[kind]().to_dict() | values), encoding="utf-8")
    with pytest.raises(ModelError, match=r"is [\d,]+; the maximum is 256"):
        read_config(copy)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000, "", "null"])
def test_a_config_that_is_no_json_object_is_refused(copy: Path, content: str) -> None:
    (copy / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config.json: (not a complete JSON file|not a JSON object)"):
        load_encoder(copy)


def _add_tokens(folder: Path) -> None:
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    token = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    content["added_tokens"] += [token | {"id": 500 + i, "content": f"<t{i}>"} for i in range(MAX_ADDED_TOKENS)]
    path.write_text(json.dumps(content), encoding="utf-8")


def _empty_vocabulary(folder: Path) -> None:
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["model"]["vocab"] = {}
    path.write_text(json.dumps(content), encoding="utf-8")


def _drop_embeddings(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.word_embeddings.weight"] = weights["embeddings.word_embeddings.weight"][:50].clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    update_json(folder, vocab_size=50)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_add_tokens, r"tokenizer.json: added_tokens has 10,005 tokens; the maximum is 10,000"),
        (
            lambda folder: update_json(
                folder, "tokenizer_config.json", extra_special_tokens=[f"<{i}>" for i in range(10_001)]
            ),
            "tokenizer_config.json: extra_special_tokens has 10,001 tokens",
        ),
        (
            lambda folder: update_json(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["m.M", None]}),
            "tokenizer_config.json: `auto_map` needs custom code",
        ),
        (_empty_vocabulary, "cannot load the tokenizer|encodes no word"),
        (_drop_embeddings, r"the tokenizer has ids up to \d+, but the model only 50 embeddings"),
        (
            lambda folder: (folder / "tokenizer.json").write_text("[" * 100_000),
            "tokenizer.json: not a complete JSON file",
        ),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
    ],
)
def test_an_oversize_empty_or_foreign_tokenizer_is_refused_at_once(
    copy: Path, harm: Callable[[Path], None], message: str
) -> None:
    harm(copy)
    with at_once(), pytest.raises(ModelError, match=message):
        load_tokenizer(copy)


def test_weights_are_compared_without_drawing_a_random_number(copy: Path) -> None:
    """Otherwise, training with equal seeds would give different weights."""
    weights = load_file(copy / "model.safetensors")
    assert any("pooler" in name for name in weights), "otherwise Transformers draws random weights itself"
    initial = torch.random.get_rng_state()
    load_encoder(copy)
    assert torch.equal(initial, torch.random.get_rng_state())
