"""Pretrainers write an encoder in the format that they read, trained or unchanged."""

from pathlib import Path
from typing import Any

import pytest
import torch

from satiety.core.errors import DataError, ModelError, ParamsError
from satiety.core.files import manifest
from satiety.levers.pretrain import PRETRAINERS, Pretrain, PretrainOutcome
from satiety.levers.pretrain.base import TINY
from satiety.training.checkpoint import CheckpointStore
from satiety.training.encoder import load_encoder, load_tokenizer

TEXTS = ["the good film", "the bad hotel in paris", "anna lives in paris", "这部电影很好看", "王小明住在上海"] * 8


def run_pretrainer(base: Path, folder: Path, texts: list[str], kind: str = "mlm", **changes: Any) -> PretrainOutcome:
    pretrainer = PRETRAINERS[kind].model_validate({**dict(PRETRAINERS[kind].sample()), **changes})
    return pretrainer.run(base, texts, folder, seed=1, store=CheckpointStore(folder.parent / "run", 1e9), device="cpu")


@pytest.mark.parametrize("kind", list(PRETRAINERS))
def test_every_pretrainer_writes_an_encoder_with_its_tokenizer(kind: str, tiny: Path, tmp_path: Path) -> None:
    run_pretrainer(tiny, tmp_path / "out", TEXTS, kind)
    load_encoder(tmp_path / "out")
    assert load_tokenizer(tmp_path / "out")(TEXTS)["input_ids"] == load_tokenizer(tiny)(TEXTS)["input_ids"]


def test_the_pretrainer_none_copies_the_model_byte_for_byte(tiny: Path, tmp_path: Path) -> None:
    outcome = run_pretrainer(tiny, tmp_path / "out", [], "none")
    assert manifest(tmp_path / "out") == manifest(tiny)
    assert outcome.text_count == 0
    assert outcome.curve.points == []


def test_masked_language_modelling_learns_the_texts(tiny: Path, tmp_path: Path) -> None:
    recipe = TINY | {"epochs": 30, "max_steps": 150, "batch_size": 8, "evaluations": 3}
    outcome = run_pretrainer(tiny, tmp_path / "out", TEXTS, learning_rate=3e-3, training=recipe)
    losses = outcome.facts["held_out"]
    assert losses["after"] < 0.8 * losses["before"]
    assert outcome.text_count == len(TEXTS)
    assert outcome.facts["steps"] == len(outcome.curve.points)
    initial, trained = load_encoder(tiny), load_encoder(tmp_path / "out")
    changed = [not torch.equal(a, b) for a, b in zip(initial.parameters(), trained.parameters(), strict=True)]
    assert sum(changed) > len(changed) / 2


def test_equal_seeds_give_equal_encoders(tiny: Path, tmp_path: Path) -> None:
    for name in "ab":
        run_pretrainer(tiny, tmp_path / name / "out", TEXTS, held_out=0)
    assert manifest(tmp_path / "a" / "out") == manifest(tmp_path / "b" / "out")


def test_without_a_document_mlm_says_what_to_do(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no retrieved documents to train on: add a lever of"):
        run_pretrainer(tiny, tmp_path / "out", [])
    assert not (tmp_path / "out").exists()


def test_documents_without_a_token_are_named(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the retrieved documents contain no tokens"):
        run_pretrainer(tiny, tmp_path / "out", ["", " "])


def test_windows_longer_than_the_base_reads_are_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"max_length: 65 tokens, but .* reads at most 64: lower `max_length`"):
        run_pretrainer(tiny, tmp_path / "out", TEXTS, max_length=65)


def test_the_section_keeps_the_fields_of_the_component() -> None:
    section = Pretrain.model_validate({"seed": 1, "pretrainer": PRETRAINERS["mlm"].sample().model_dump()})
    assert section.model_dump()["pretrainer"]["share"] == 0.15
