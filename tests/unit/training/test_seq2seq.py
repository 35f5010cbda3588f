"""Models with a decoder are checked as encoders are; decoding params of their folder are ignored."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from satiety.core.errors import ModelError
from satiety.training.embedding import load_embedder
from satiety.training.encoder import load_encoder, load_tokenizer, save_encoder
from satiety.training.seq2seq import get_start_tokens, load_seq2seq, load_text_encoder
from tests.generating import KINDS, write_writer

PUBLISHED: dict[str, dict[str, Any]] = {
    "t5": {
        "architectures": ["T5ForConditionalGeneration"],
        "n_positions": 512,
        "output_past": True,
        "decoder_start_token_id": 0,
        "task_specific_params": {"translation_en_to_de": {"max_length": 300, "num_beams": 4, "prefix": "x: "}},
    },
    "mt5": {"tokenizer_class": "T5Tokenizer", "torch_dtype": "float32", "output_past": True},
    "marian": {
        "bad_words_ids": [[0]],
        "add_bias_logits": False,
        "add_final_layer_norm": False,
        "classif_dropout": 0.0,
        "classifier_dropout": 0.0,
        "gradient_checkpointing": False,
        "max_length": 512,
        "normalize_before": False,
        "normalize_embedding": False,
        "num_beams": 6,
        "static_position_embeddings": True,
    },
    "bart": {
        "classif_dropout": 0.1,
        "early_stopping": True,
        "extra_pos_embeddings": 2,
        "forced_bos_token_id": 0,
        "no_repeat_ngram_size": 3,
        "length_penalty": 1.0,
        "task_specific_params": {"summarization": {"min_length": 12}},
    },
    "mbart": {"normalize_before": True, "add_final_layer_norm": True, "forced_bos_token_id": 5, "save_step": 12},
}
"""Further keys of the configs of published models."""


def update_json(folder: Path, name: str = "config.json", **values: Any) -> None:
    path = folder / name
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps(content | values, ensure_ascii=False), encoding="utf-8")


@pytest.fixture
def copy(writer: Path, tmp_path: Path) -> Path:
    shutil.copytree(writer, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_loads_as_transformers_loads_it_and_is_saved_unchanged(kind: str, tmp_path: Path) -> None:
    from transformers import AutoModelForSeq2SeqLM

    folder = write_writer(tmp_path / "base", kind)
    expected, actual = AutoModelForSeq2SeqLM.from_pretrained(folder).eval(), load_seq2seq(folder)
    (tmp_path / "out").mkdir()
    save_encoder(actual, folder, tmp_path / "out")
    repeated, ids = load_seq2seq(tmp_path / "out"), torch.arange(3, 13)[None]
    with torch.inference_mode():
        logits = [model(input_ids=ids, decoder_input_ids=ids).logits for model in (expected, actual, repeated)]
        states = load_text_encoder(folder)(input_ids=ids).last_hidden_state
        whole = actual(input_ids=ids, decoder_input_ids=ids).encoder_last_hidden_state
    assert torch.equal(logits[0], logits[1])
    assert torch.equal(logits[0], logits[2])
    assert torch.equal(states, whole)
    assert get_start_tokens(repeated) == get_start_tokens(actual)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_keys_of_published_configs_are_accepted(kind: str, tmp_path: Path) -> None:
    folder = write_writer(tmp_path, kind)
    (folder / "generation_config.json").unlink()
    update_json(folder, **PUBLISHED[kind])
    assert get_start_tokens(load_seq2seq(folder))[1:] == [
        PUBLISHED[kind][name] for name in ("forced_bos_token_id",) if name in PUBLISHED[kind]
    ]
    load_tokenizer(folder)


def test_decoding_params_of_the_folder_are_ignored(copy: Path) -> None:
    update_json(copy, "generation_config.json", do_sample=True, num_beams=10**6, max_length=10**9, temperature=9.0)
    config = load_seq2seq(copy).generation_config
    assert (config.do_sample, config.num_beams, config.max_length, config.temperature) == (None, None, None, None)
    assert get_start_tokens(load_seq2seq(copy)) == [0]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        (
            "config.json",
            {"is_encoder_decoder": False},
            "is_encoder_decoder is False, but must be True for encoder-decoder models",
        ),
        ("config.json", {"use_kernels": True}, "unknown key `use_kernels`"),
        ("config.json", {"auto_map": {"AutoModel": "m.M"}}, "`auto_map` needs custom code"),
        ("config.json", {"num_layers": 10_000_000}, "num_layers is 10,000,000; the maximum is 256"),
        ("config.json", {"d_ff": 9_000_000}, r"needs [\d,]+ weights, but model.safetensors has"),
        ("config.json", {"vocab_size": 9_000_000}, r"needs [\d,]+ weights, but model.safetensors has"),
        ("config.json", {"num_decoder_layers": 3}, "weights are missing"),
        ("config.json", {"num_heads": 0}, "cannot be loaded as an encoder-decoder model"),
        (
            "config.json",
            {"model_type": "t6"},
            "is not supported; .*encoder-decoders bart, m",
        ),
        (
            "generation_config.json",
            {"decoder_start_token_id": 10**6},
            "decoder_start_token_id is 1000000, but the model has",
        ),
        (
            "generation_config.json",
            {"forced_bos_token_id": "x"},
            "forced_bos_token_id is 'x', but the model has tokens 0 to",
        ),
    ],
)
def test_an_unsafe_or_invalid_folder_is_refused_by_name(
    copy: Path, name: str, values: dict[str, Any], message: str
) -> None:
    update_json(copy, name, **values)
    with pytest.raises(ModelError, match=message):
        load_seq2seq(copy)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "rust_model.ot.pt", "generate.py"])
def test_a_file_that_could_run_code_is_refused(copy: Path, name: str) -> None:
    (copy / name).write_bytes(b"\x80")
    with pytest.raises(ModelError, match=re.escape(name)):
        load_seq2seq(copy)


def test_a_config_must_name_the_first_token_of_a_kind_without_a_default(tmp_path: Path) -> None:
    folder = write_writer(tmp_path, "mbart")
    (folder / "generation_config.json").unlink()
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    values.pop("decoder_start_token_id")
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ModelError, match="the first token of the output is not configured: add decoder_start"):
        load_seq2seq(folder)
    update_json(folder, "generation_config.json", decoder_start_token_id=2, forced_bos_token_id=7)
    assert get_start_tokens(load_seq2seq(folder)) == [2, 7]


def test_weights_that_are_not_finite_are_refused(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    name = sorted(weights)[0]
    save_file(weights | {name: torch.full_like(weights[name], torch.nan)}, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="contains NaN or infinity"):
        load_seq2seq(copy)


def test_an_encoder_and_an_encoder_decoder_are_refused_in_place_of_each_other(tiny: Path, writer: Path) -> None:
    with pytest.raises(
        ModelError, match=r"an encoder \(bert\), which cannot generate text: use a model with a decoder"
    ):
        load_seq2seq(tiny)
    with pytest.raises(ModelError, match=r"an encoder-decoder model \(t5\), but this problem needs an encoder"):
        load_encoder(writer)


def test_the_encoder_of_an_encoder_decoder_embeds_texts(writer: Path) -> None:
    vectors = load_embedder(writer, "cpu", "")(["This film is bad.", "这部电影很差。", "This film is bad."])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[2], rtol=1e-5)
    assert not np.allclose(vectors[0], vectors[1])


@pytest.mark.parametrize("name", ["MarianTokenizer", "T5Tokenizer", "BartTokenizer", "MBartTokenizer", None])
def test_the_tokenizer_is_that_of_its_file_whatever_class_is_named(copy: Path, name: str | None) -> None:
    expected = load_tokenizer(copy)("This film is bad. 这部电影很差。")["input_ids"]
    update_json(copy, "tokenizer_config.json", tokenizer_class=name)
    tokenizer = load_tokenizer(copy)
    assert tokenizer("This film is bad. 这部电影很差。")["input_ids"] == expected
    assert tokenizer.decode(expected, skip_special_tokens=True) == "This film is bad. 这部电影很差。"
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id) == (0, 1)
