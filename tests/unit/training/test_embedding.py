"""Texts become unit vectors, the same whatever else is embedded with them."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from satiety.core.errors import ModelError, SetupError
from satiety.training import embedding, hardware
from satiety.training.batches import MAX_BATCH_TOKENS
from satiety.training.embedding import load_embedder

TEXTS = ["good film", "我爱北京天安门", "anna lives in paris", "😀", ""]


def test_every_text_gets_a_unit_vector_in_its_own_place(tiny: Path) -> None:
    vectors = load_embedder(tiny, "cpu", "")(TEXTS)
    assert vectors.shape == (5, 32)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_vector_depends_neither_on_the_other_texts_nor_on_their_order(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MAX_BATCH_TOKENS, "cpu", 12)
    embed = load_embedder(tiny, "cpu", "")
    separate_vectors = np.concatenate([embed([text]) for text in TEXTS])
    monkeypatch.setattr(embedding, "BLOCK", 3)
    np.testing.assert_allclose(embed(TEXTS), separate_vectors, atol=0.02)  # bfloat16 has 8 bits
    np.testing.assert_allclose(embed(TEXTS[::-1])[::-1], separate_vectors, atol=0.02)


def test_padding_is_not_averaged(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_cpu_has_bf16", lambda: False)
    embed = load_embedder(tiny, "cpu", "")
    np.testing.assert_allclose(embed(["good", "good film " * 20])[0], embed(["good"])[0], atol=1e-5)


def test_the_mean_is_the_one_of_the_last_hidden_states(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    monkeypatch.setattr(hardware, "_cpu_has_bf16", lambda: False)
    encoded = AutoTokenizer.from_pretrained(str(tiny))("我爱 good film", return_tensors="pt")
    with torch.no_grad():
        mean = AutoModel.from_pretrained(str(tiny))(**encoded).last_hidden_state[0].mean(0).numpy()
    np.testing.assert_allclose(
        load_embedder(tiny, "cpu", "")(["我爱 good film"])[0], mean / np.linalg.norm(mean), atol=1e-5
    )


def test_a_prefix_is_put_before_every_text(tiny: Path) -> None:
    np.testing.assert_array_equal(
        load_embedder(tiny, "cpu", "query ")(["good", "我爱"]),
        load_embedder(tiny, "cpu", "")(["query good", "query 我爱"]),
    )


def test_a_text_longer_than_the_model_reads_is_truncated(tiny: Path) -> None:
    embed = load_embedder(tiny, "cpu", "")
    np.testing.assert_allclose(embed(["好 " * 5000]), embed(["好 " * 62]), atol=1e-5)


def test_no_texts_give_no_vectors(tiny: Path) -> None:
    assert load_embedder(tiny, "cpu", "")([]).shape == (0, 32)


def test_loading_and_embedding_print_nothing(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_embedder(tiny, "cpu", "")(TEXTS)
    assert capfd.readouterr() == ("", "")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="没有: no such folder: run the stage that makes it"):
        load_embedder(tmp_path / "没有", "cpu", "")


def test_weights_in_a_pickle_are_refused(tiny: Path, tmp_path: Path) -> None:
    import torch

    shutil.copytree(tiny, tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").unlink()
    torch.save({}, tmp_path / "model" / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"model: pytorch_model.bin can run code when loaded"):
        load_embedder(tmp_path / "model", "cpu", "")


def test_a_truncated_model_is_refused(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="model: cannot be loaded as an encoder"):
        load_embedder(tmp_path / "model", "cpu", "")


def test_a_model_without_some_of_its_weights_is_refused(tiny: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny, tmp_path / "model")
    weights = load_file(tiny / "model.safetensors")
    half = {name: value for name, value in weights.items() if "layer.1" not in name}
    save_file(half, tmp_path / "model" / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"model.safetensors does not match config.json: 16 weights are missing"):
        load_embedder(tmp_path / "model", "cpu", "")


def test_a_model_that_brings_code_of_its_own_is_refused(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    config.write_text(
        json.dumps({**json.loads(config.read_text()), "model_type": "mine", "auto_map": {"AutoModel": "m.M"}})
    )
    with pytest.raises(ModelError, match="`auto_map` needs custom code"):
        load_embedder(tmp_path / "model", "cpu", "")


def test_a_requested_gpu_that_is_missing_is_named(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SetupError, match="SATIETY_DEVICE=cuda: PyTorch finds no CUDA device"):
        load_embedder(tiny, "cuda", "")


def test_a_missing_extra_is_named(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "satiety.training.encoder", None)
    with pytest.raises(SetupError, match=r"embedding needs the extra `train`: pip install 'satiety\[train\]'"):
        load_embedder(tiny, "cpu", "")
