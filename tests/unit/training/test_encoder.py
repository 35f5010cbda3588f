"""Loading an encoder: safe files only, each fault with its message."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from satiety.core.errors import ModelError
from satiety.training.encoder import count_positions, load_encoder, load_tokenizer, save_encoder


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny, tmp_path / "model")
    return tmp_path / "model"


def test_an_encoder_loads_in_float32_and_is_saved_unchanged(copy: Path, tmp_path: Path) -> None:
    half = {name: tensor.half() for name, tensor in load_file(copy / "model.safetensors").items()}
    save_file(half, copy / "model.safetensors", {"format": "pt"})
    model = load_encoder(copy)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    save_encoder(model, copy, tmp_path / "out")
    repeated = load_encoder(tmp_path / "out")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), repeated.parameters(), strict=True))
    assert (
        load_tokenizer(tmp_path / "out")("我爱 paris")["input_ids"] == load_tokenizer(copy)("我爱 paris")["input_ids"]
    )


def test_roberta_keeps_two_positions_for_itself() -> None:
    from types import SimpleNamespace

    def count(**config: object) -> int | None:
        return count_positions(SimpleNamespace(config=SimpleNamespace(**config)))

    assert count(model_type="bert", max_position_embeddings=512) == 512
    assert count(model_type="xlm-roberta", max_position_embeddings=514) == 512
    assert count(model_type="none") is None


def _truncate(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def _lose_a_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["embeddings.word_embeddings.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def _change_shape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 48}))


def _add_custom_code(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "evil.Evil"}}))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (shutil.rmtree, "no such folder: run the stage that makes it"),
        (lambda folder: (folder / "model.safetensors").unlink(), "has no model.safetensors"),
        (lambda folder: (folder / "pytorch_model.bin").write_bytes(b"x"), "pytorch_model.bin can run code"),
        (lambda folder: (folder / "modeling.py").write_text("1"), "modeling.py can run code"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json: not a complete JSON file"),
        (lambda folder: (folder / "config.json").write_text("[]"), "not a JSON object"),
        (
            lambda folder: (folder / "config.json").write_text('{"model_type": "无"}'),
            "model_type '无' is not supported",
        ),
        (_add_custom_code, "`auto_map` needs custom code, which is never run"),
        (_truncate, "cannot be loaded as an encoder"),
        (
            _lose_a_weight,
            "does not match config.json: 1 weights are missing, such as embeddings.word_embeddings.weight",
        ),
        (_change_shape, "cannot be loaded as an encoder|does not fit config.json"),
    ],
)
def test_a_folder_that_is_not_whole_or_not_safe_is_refused(
    harm: Callable[[Path], object], message: str, copy: Path
) -> None:
    harm(copy)
    with pytest.raises(ModelError, match=message):
        load_encoder(copy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "has no tokenizer.json"),
        ("{", "tokenizer.json: not a complete JSON file"),
        ("{}", "cannot load the tokenizer"),
    ],
)
def test_a_tokenizer_that_is_not_whole_is_refused(text: str | None, message: str, copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    if text is not None:
        (copy / "tokenizer.json").write_text(text)
    with pytest.raises(ModelError, match=message):
        load_tokenizer(copy)
