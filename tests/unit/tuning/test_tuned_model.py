"""The folder of a tuned model is refused with a reason unless it is whole and safe."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from satiety.core.errors import ModelError, SetupError
from satiety.heads import HEADS
from satiety.problems import PROBLEMS
from satiety.training.encoder import load_encoder, load_tokenizer
from satiety.training.hardware import detect_hardware
from satiety.tuning import METHODS, load
from satiety.tuning.model import Model
from satiety.tuning.tuned_model import ModelCard, TunedModel

CARD = {
    "method": METHODS["full"].sample().model_dump(),
    "pooling": "mean",
    "max_length": 32,
    "prefix": "",
    "seed": 1,
    "base": "0" * 64,
}


@pytest.fixture(scope="module")
def model_folder(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    problem = PROBLEMS["classify"].sample()
    torch.manual_seed(3)
    model = Model(load_encoder(tiny), HEADS["text"](), 2, pooling="mean", dropout=0.0)
    torch.nn.init.normal_(model.head.weight)
    folder = tmp_path_factory.mktemp("made") / "tuned"
    card = ModelCard.model_validate(CARD)
    TunedModel(problem, model, load_tokenizer(tiny), card, detect_hardware("cpu")).save(folder, tiny)
    return folder


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(model_folder, tmp_path / "tuned")
    return tmp_path / "tuned"


TEXTS = ["the good film", "这部电影很好看", "", "the hotel in paris " * 40, "我爱北京天安门" * 40]


def test_the_folder_needs_nothing_but_itself(copy: Path) -> None:
    names = {path.name for path in copy.iterdir()}
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "head.safetensors",
        "problem.json",
        "tuned.json",
    } <= names
    predictions = load(copy, "cpu").predict(TEXTS)
    assert [str(p.answer) in {"bad", "good"} for p in predictions] == [True] * len(TEXTS)
    assert all(sum(p.scores.values()) == pytest.approx(1) for p in predictions)


def test_answers_do_not_depend_on_order_or_other_texts(copy: Path) -> None:
    tuned = load(copy, "cpu")
    together = tuned.predict(TEXTS)
    backwards = tuned.predict(TEXTS[::-1])[::-1]
    separate = [tuned.predict([text])[0] for text in TEXTS]
    for first, second, third in zip(together, backwards, separate, strict=True):
        assert str(first.answer) == str(second.answer) == str(third.answer)
        assert first.confidence == pytest.approx(second.confidence, abs=0.02)
        assert first.confidence == pytest.approx(third.confidence, abs=0.02)


def test_an_answer_that_is_not_finite_is_refused(copy: Path) -> None:
    """The weights are finite, but too large to compute with."""
    save_file({"weight": torch.full((2, 32), 3e38), "bias": torch.zeros(2)}, copy / "head.safetensors")
    with pytest.raises(
        ModelError, match="the model's output for text 1 of 5 is NaN or infinite: its weights are damaged"
    ):
        load(copy, "cpu").predict(TEXTS)


def _spoil(folder: Path, name: str) -> None:
    from safetensors.torch import load_file

    tensors = load_file(folder / name)
    tensors[max(tensors)].view(-1)[0] = float("nan")
    save_file(tensors, folder / name, {"format": "pt"})


def test_no_texts_have_no_answers(copy: Path) -> None:
    assert load(copy, "cpu").predict([]) == []


def test_a_model_loads_on_available_devices_only(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert load(copy, "auto").hardware.device == "cpu"
    with pytest.raises(SetupError, match="finds no CUDA device"):
        load(copy, "cuda")


def _change(name: str, **fields: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return change


def _delete(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def _truncate(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:40])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (shutil.rmtree, "no such folder: run the stage that makes it"),
        *[
            (_delete(name), f"has no {name}: rebuild the folder")
            for name in ("config.json", "model.safetensors", "head.safetensors", "problem.json", "tuned.json")
        ],
        (_delete("tokenizer.json"), "has no tokenizer.json"),
        (lambda folder: (folder / "model.pkl").write_bytes(b"\x80\x04."), "model.pkl can run code when loaded"),
        (_truncate("head.safetensors"), "head.safetensors: not a complete safetensors file"),
        (_truncate("model.safetensors"), "cannot be loaded as an encoder"),
        (_truncate("problem.json"), "problem.json: not a valid problem"),
        (_truncate("tuned.json"), "tuned.json: not a complete JSON file"),
        (_change("tuned.json", pooling="largest"), "tuned.json: not a valid model card: Input should be"),
        (_change("tuned.json", version=3), "tuned.json: not a valid model card"),
        (
            _change("tuned.json", version=1),
            r"/tuned\.json: made by an earlier version of satiety \(layout 1, now 2\): rebuild the model with "
            "`dvc repro`, or use the version that made it$",
        ),
        (_change("config.json", auto_map={"AutoModel": "evil.Evil"}), "`auto_map` needs custom code"),
        (
            _change("problem.json", labels=["a", "b", "c"]),
            r"head.safetensors: shapes .*\(2, 32\).*, but .* need .*\(3, 32\)",
        ),
        (
            lambda folder: _spoil(folder, "head.safetensors"),
            "head.safetensors: weight contains NaN or infinity",
        ),
        (lambda folder: _spoil(folder, "model.safetensors"), "model.safetensors: .* contains NaN or infinity"),
        (
            lambda folder: save_file({"weight": torch.zeros(2, 32)}, folder / "head.safetensors"),
            "head.safetensors: shapes ",
        ),
    ],
)
def test_a_folder_that_is_not_whole_or_not_safe_is_refused(
    harm: Callable[[Path], object], message: str, copy: Path
) -> None:
    harm(copy)
    with pytest.raises(ModelError, match=message):
        load(copy, "cpu")
