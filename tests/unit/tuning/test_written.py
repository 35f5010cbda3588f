"""A tuned encoder-decoder: its folder, its base weights, and the nearest examples of its answers."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from satiety.core.answers import Text
from satiety.core.errors import ModelError, ParamsError
from satiety.core.records import Example
from satiety.problems import PROBLEMS
from satiety.problems.translate import Translate
from satiety.serving.nearest_examples import find_nearest
from satiety.training.arguments import TrainingArguments
from satiety.training.checkpoint import CheckpointStore
from satiety.tuning import load
from satiety.tuning.finetune import finetune
from satiety.tuning.tuned_model import TunedModel
from tests.contracts.test_methods import params
from tests.generating import write_writer

PROBLEM = Translate(max_new_tokens=12, beams=2)
TRAIN = PROBLEM.examples("en") + PROBLEM.examples("zh")
FILES = {
    *("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
    *("problem.json", "tuned.json"),
}


@pytest.fixture(scope="module")
def tuned_model(writer: Path, tmp_path_factory: pytest.TempPathFactory) -> TunedModel:
    section = params("full", writes=True)
    few = section.recipe.model_copy(update={"training": TrainingArguments(max_steps=20)})
    section = section.model_copy(update={"recipe": few})
    store = CheckpointStore(tmp_path_factory.mktemp("run"), 1e9)
    return finetune(writer, PROBLEM, TRAIN, TRAIN, params=section, store=store, device="cpu").model


@pytest.fixture
def folder(tuned_model: TunedModel, writer: Path, tmp_path: Path) -> Path:
    tuned_model.save(tmp_path / "tuned", writer)
    return tmp_path / "tuned"


def test_the_folder_has_a_decoder_and_no_head(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES
    assert json.loads((folder / "problem.json").read_text(encoding="utf-8")) == {
        "kind": "translate",
        "max_new_tokens": 12,
        "beams": 2,
    }
    weights = load_file(folder / "model.safetensors")
    assert any(name.startswith("decoder.") for name in weights)


def test_with_base_weights_the_answers_are_those_of_the_base(tuned_model: TunedModel, writer: Path) -> None:
    untrained = tuned_model.with_base_weights(writer)
    expected = load_file(writer / "model.safetensors")
    actual = untrained.model.encoder.state_dict()
    assert all(torch.equal(actual[name], weight) for name, weight in expected.items())
    texts = ["This film is bad."]
    assert untrained.predict(texts) == untrained.predict(texts)
    assert untrained.predict(texts) != tuned_model.predict(texts)


def test_a_problem_with_a_linear_head_cannot_answer_with_base_weights(tiny: Path, tmp_path: Path) -> None:
    problem = PROBLEMS["classify"].sample()
    examples, store = problem.examples("en"), CheckpointStore(tmp_path, 1e9)
    model = finetune(tiny, problem, examples, [], params=params("frozen"), store=store, device="cpu").model
    with pytest.raises(ModelError, match="an encoder without a head for classify cannot predict"):
        model.with_base_weights(tiny)


def test_the_bytes_of_a_base_of_another_kind_are_refused(folder: Path, tiny: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(tiny / name, folder / name)
    with pytest.raises(ModelError, match=r"an encoder \(bert\), which cannot generate text"):
        load(folder, "cpu")


def test_an_answer_that_overflows_is_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    huge = {name: weight * 1e38 if "final_layer_norm" in name else weight for name, weight in weights.items()}
    save_file(huge, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="the model's output for text 1 of 1 is NaN or infinite"):
        load(folder, "cpu").predict(["This film is bad."])


def test_more_tokens_than_the_base_can_generate_are_refused_before_training(tmp_path: Path) -> None:
    base = write_writer(tmp_path / "base", "marian")
    store = CheckpointStore(tmp_path / "run", 1e9)
    with pytest.raises(
        ParamsError, match=r"ingest\.problem\.max_new_tokens: 64 tokens, but the model generates at most 63"
    ):
        finetune(
            base, Translate(max_new_tokens=64), TRAIN, [], params=params("full", writes=True), store=store, device="cpu"
        )


def test_the_nearest_examples_of_an_answer_come_with_their_translations(tuned_model: TunedModel) -> None:
    train = [Example(example.id, example.inputs, example.answer, source="a.csv:1") for example in TRAIN]
    (actual,) = find_nearest(tuned_model, {"text": "This film is bad."}, Text("这部电影很差。"), train, 2)
    assert actual.answer_text == "这部电影很差。"
    assert (actual.rows[0].text, actual.rows[0].gold) == ("This film is bad.", "这部电影很差。")
    assert actual.rows[0].similarity == pytest.approx(1, abs=1e-3)
    assert (actual.rows[0].agrees, actual.rows[1].agrees) == (True, False)
