"""SimCSE: two dropout masks of a text attract each other, different texts repel, and a killed run resumes exactly."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from satiety.core.errors import DataError, ModelError, ParamsError
from satiety.core.files import manifest
from satiety.core.project import make_placeholder
from satiety.levers.pretrain import PRETRAINERS, Pretrain, PretrainOutcome
from satiety.levers.pretrain.base import TINY
from satiety.levers.pretrain.simcse import Simcse, compare_views
from satiety.training.checkpoint import CheckpointStore
from satiety.training.embedding import load_embedder
from satiety.training.encoder import load_encoder

ENGLISH = [f"the {word} {noun} in {place}" for word in ("good", "bad") for noun in ("film", "hotel") for place in "abc"]
CHINESE = [
    f"{name}{verb}{place}" for name in ("王小明", "我") for verb in ("住在", "爱") for place in ("上海", "北京", "天")
]
TEXTS = [*ENGLISH, *CHINESE]
LONGER = TINY | {"epochs": 30, "max_steps": 60, "batch_size": 8, "evaluations": 3}


def run_simcse(base: Path, folder: Path, texts: list[str], log_point: Any = None, **changes: Any) -> PretrainOutcome:
    pretrainer = Simcse.model_validate({**dict(Simcse.sample()), **changes})
    store = CheckpointStore(folder.parent / "run", 1e9, **({"log_point": log_point} if log_point else {}))
    return pretrainer.run(base, texts, folder, seed=1, store=store, device="cpu")


def test_the_loss_is_the_cross_entropy_of_the_cosines() -> None:
    first, second = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    expected = [
        -math.log(math.exp(1 / 0.5) / (math.exp(1 / 0.5) + math.exp(math.sqrt(0.5) / 0.5))),
        -math.log(math.exp(math.sqrt(0.5) / 0.5) / (1 + math.exp(math.sqrt(0.5) / 0.5))),
    ]
    assert compare_views(first, second, 0.5).item() == pytest.approx(np.mean(expected), abs=1e-6)
    assert compare_views(first[:1], second[:1], 0.5).item() == 0


def test_training_separates_different_texts(tiny: Path, tmp_path: Path) -> None:
    outcome = run_simcse(tiny, tmp_path / "out", TEXTS, learning_rate=1e-3, training=LONGER)
    losses = outcome.facts["held_out"]
    assert losses["after"] < 0.8 * losses["before"]
    assert outcome.facts["windows"] + 5 == outcome.text_count == len(TEXTS)
    vectors = [load_embedder(folder, "cpu", "")(TEXTS) for folder in (tiny, tmp_path / "out")]
    before, after = (float((v @ v.T)[~np.eye(len(v), dtype=bool)].mean()) for v in vectors)
    assert after < before


def test_the_pooling_decides_what_is_trained(tiny: Path, tmp_path: Path) -> None:
    for pooling in ("mean", "first"):
        run_simcse(tiny, tmp_path / pooling / "out", TEXTS, pooling=pooling)
    assert manifest(tmp_path / "mean" / "out") != manifest(tmp_path / "first" / "out")


def test_a_killed_run_resumes_to_the_same_encoder(tiny: Path, tmp_path: Path) -> None:
    arguments = LONGER | {"max_steps": 8}

    def kill(name: str, value: float, step: int) -> None:
        if (name, step) == ("train_loss", 5):
            raise KeyboardInterrupt

    whole = run_simcse(tiny, tmp_path / "whole" / "out", TEXTS, training=arguments)
    with pytest.raises(KeyboardInterrupt):
        run_simcse(tiny, tmp_path / "killed" / "out", TEXTS, kill, training=arguments)
    assert not (tmp_path / "killed" / "out").exists()
    assert (tmp_path / "killed" / "run" / "5.safetensors").is_file()
    resumed = run_simcse(tiny, tmp_path / "killed" / "out", TEXTS, training=arguments)
    assert manifest(tmp_path / "whole" / "out") == manifest(tmp_path / "killed" / "out")
    assert (resumed.curve.points, resumed.facts) == (whole.curve.points, whole.facts)


def test_a_base_without_dropout_gets_it_in_training_only(tiny: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    model = load_encoder(tiny)
    model.config.update({"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0})
    model.save_pretrained(base)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (base / name).write_bytes((tiny / name).read_bytes())
    for name, dropout in (("a", 0.1), ("b", 0.5)):
        run_simcse(base, tmp_path / name / "out", TEXTS, dropout=dropout)
    config = json.loads((tmp_path / "a" / "out" / "config.json").read_text())
    assert (config["hidden_dropout_prob"], config["attention_probs_dropout_prob"]) == (0.0, 0.0)
    assert manifest(tmp_path / "a" / "out") != manifest(tmp_path / "b" / "out")


def test_an_encoder_without_a_dropout_layer_is_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_bare(folder: Path) -> torch.nn.Module:
        encoder = load_encoder(folder)
        for module in list(encoder.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, torch.nn.Dropout):
                    setattr(module, name, torch.nn.Identity())
        return encoder

    monkeypatch.setattr("satiety.training.encoder.load_encoder", load_bare)
    with pytest.raises(ModelError, match="no dropout layer, so that both views of a text would be equal"):
        run_simcse(tiny, tmp_path / "out", TEXTS)


@pytest.mark.parametrize("texts", [["the film", "the film", "The film"], ["the film", "", " "]])
def test_without_two_different_texts_it_says_what_to_do(texts: list[str], tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="of the 3 retrieved documents only 1 are different and not empty: retrieve"):
        run_simcse(tiny, tmp_path / "out", texts)


def test_without_a_document_it_says_what_to_do(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no retrieved documents to train on: add a lever of"):
        run_simcse(tiny, tmp_path / "out", [])


def test_texts_longer_than_the_base_reads_are_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"max_length: 65 tokens, but .* reads at most 64: lower `max_length`"):
        run_simcse(tiny, tmp_path / "out", TEXTS, max_length=65)


def test_few_texts_are_all_for_training(tiny: Path, tmp_path: Path) -> None:
    outcome = run_simcse(tiny, tmp_path / "out", TEXTS[:3])
    assert outcome.facts["windows"] == 3
    assert "held_out" not in outcome.facts


def test_prefix_and_pooling_are_those_of_the_project() -> None:
    values = {"seed": 1, "pretrainer": {"kind": "simcse", "training": {"max_steps": 9}}}
    section = Pretrain.model_validate(values, context={**make_placeholder(), "prefix": "query: ", "pooling": "first"})
    pretrainer = section.pretrainer
    assert isinstance(pretrainer, Simcse)
    assert (pretrainer.prefix, pretrainer.pooling) == ("query: ", "first")
    assert (pretrainer.training.batch_size, pretrainer.training.max_steps) == (64, 9)
    assert "simcse" in PRETRAINERS
