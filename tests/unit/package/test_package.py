"""A package answers as its model does, describes itself, and has one digest wherever it is made."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from satiety import package
from satiety.core.answers import Label
from satiety.core.errors import ModelError, OutdatedError
from satiety.package.card import Facts
from satiety.package.contents import PARTS
from satiety.tuning import load
from tests.packaging import TEXTS, Workspace, outdate, sign

BuildPackage = Callable[[str], Path]


@pytest.mark.parametrize("kind", ["classify", "ner"])
def test_a_package_answers_as_the_model_it_was_made_of(build_package: BuildPackage, kind: str) -> None:
    folder = build_package(kind)
    model_package = package.open(folder, "cpu")
    assert model_package.predict(TEXTS) == load(folder.parent / "tuned", "cpu").predict(TEXTS)
    model_package.check_example()
    assert model_package.problem.kind == kind
    assert len(model_package.read_predictions()) == 20
    assert model_package.scores()["examples"] == 20
    assert model_package.facts().name == "made-up"


@pytest.mark.parametrize("kind", ["classify", "ner"])
def test_a_package_contains_the_files_of_its_manifest_and_nothing_else(build_package: BuildPackage, kind: str) -> None:
    folder = build_package(kind)
    assert package.verify(folder) == []
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {*listed, "manifest.json"}
    assert set(PARTS) <= names
    assert {path.partition("/")[0] for path in names} == {*PARTS, "manifest.json", "model"}


def test_no_text_of_the_data_is_in_a_package(build_package: BuildPackage) -> None:
    for kind in ("classify", "ner"):
        for path in build_package(kind).rglob("*"):
            if path.is_file() and path.name != "tokenizer.json":
                content = path.read_bytes()
                assert not any(text.encode() in content for text in TEXTS), path


def test_the_same_model_from_another_commit_has_the_same_digest(tiny: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, tiny)
    workspace.fill(count=20)
    first = package.inspect(workspace.package(tmp_path / "a", revision="1111"))
    workspace.fill(count=20, before=0.3)
    second = package.inspect(workspace.package(tmp_path / "b", revision="2222"))
    assert first.digest == second.digest
    assert first.facts().revision != second.facts().revision
    assert first.scores() != second.scores()
    workspace.fill(seed=2, count=20)
    assert package.inspect(workspace.package(tmp_path / "c")).digest != first.digest


def test_packaging_twice_gives_the_same_bytes(tiny: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, tiny)
    workspace.fill(count=20)
    once = workspace.package(tmp_path / "p")
    manifest = (once / "manifest.json").read_bytes()
    assert (workspace.package(once) / "manifest.json").read_bytes() == manifest
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".p")) == []


def test_a_package_that_cannot_be_made_leaves_the_old_one(tiny: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, tiny)
    workspace.fill(count=20)
    folder = workspace.package(tmp_path / "p")
    (tmp_path / "models/tuned/head.safetensors").unlink()
    with pytest.raises(ModelError, match=r"head\.safetensors"):
        workspace.package(folder)
    assert package.verify(folder) == []


def test_the_card_contains_intended_use_scores_and_data(build_package: BuildPackage) -> None:
    card = (build_package("classify") / "README.md").read_text(encoding="utf-8")
    for phrase in (
        "# made-up",
        "## Intended use",
        "## Limits",
        "Weakest class",
        "language en, zh",
        "- labelled examples: 24 for training, 5 for validation, 1 in quarantine\n",
    ):
        assert phrase in card
    for phrase in (
        "20 frozen test examples",
        "| macro_f1 |",
        "95% confidence intervals",
        "`abc`",
        "1" * 64,
        "The delivery came",
        '`{"label": "',
        "## Limits\n\n- Weakest class: `",
    ):
        assert phrase in card
    limits = card.partition("## Limits\n\n")[2].partition("\n\n")[0]
    assert [line[:2] for line in limits.splitlines()] == ["- "] * 3


@pytest.mark.parametrize(
    ("trained", "dev", "splits", "text"),
    [
        (191, 48, [None], "191 for training, 48 for validation, 1 in quarantine"),
        (192, 48, [None], "192 for training, 48 for validation"),
        (180, 48, [None, "extra"], "180 for training, 48 for validation"),
        (1192, 48, [None, "extra"], "1,192 for training, 48 for validation"),
        (192, 30, ["train", "dev"], "192 for training, 30 for validation"),
        (191, None, [None], "191 for training"),
    ],
)
def test_the_labels_are_counted_by_their_use(
    trained: int, dev: int | None, splits: list[str | None], text: str
) -> None:
    ingest = {"budget": 240, "labelled": [{"split": split} for split in splits]}
    assert Facts("made-up", "abc", {}, ["en"], trained, {"ingest": ingest}, dev).describe_labels() == text


def test_the_input_example_of_a_chinese_model_is_chinese(tiny: Path, tmp_path: Path) -> None:
    from satiety.core.inputs import text_of
    from satiety.package.example import select_example_inputs
    from tests.packaging import build_problem

    assert text_of(select_example_inputs(build_problem("classify"), ["und", "zh", "en"])[0]).startswith("快递")
    assert text_of(select_example_inputs(build_problem("ner"), ["zh"])[0]) == "王小明在杭州开了一家店。"
    assert text_of(select_example_inputs(build_problem("ner"), ["de"])[0]).startswith("Maria Keller")


def test_another_answer_to_the_input_example_is_refused(copy: Path) -> None:
    example = json.loads((copy / "input_example.json").read_text(encoding="utf-8"))
    example["outputs"][0]["confidence"] += 0.2
    model_package = package.inspect(copy, "cpu")
    (copy / "input_example.json").write_text(json.dumps(example), encoding="utf-8")
    with pytest.raises(
        ModelError, match=r"input_example\.json: for .*The delivery .* the model predicts .* instead of "
    ):
        model_package.check_example()


def test_a_damaged_package_is_never_opened(copy: Path) -> None:
    for i in range(7):
        (copy / f"extra{i}.json").write_text("{}")
    with pytest.raises(ModelError, match=r"extra4\.json: not allowed(.|\n)*and 2 more$"):
        package.open(copy, "cpu")


@pytest.mark.parametrize("opening", [package.open, package.snapshot, package.inspect])
def test_a_package_of_an_earlier_version_is_refused(copy: Path, opening: Callable[[Path, str], object]) -> None:
    outdate(copy)
    assert package.verify(copy) == []  # every byte is as it was written
    with pytest.raises(OutdatedError) as caught:
        opening(copy, "cpu")
    assert str(caught.value) == (
        f"{copy}/model/tuned.json: made by an earlier version of satiety (layout 1, now 2): rebuild the model with "
        "`dvc repro`, or use the version that made it"
    )


def test_a_model_that_does_not_load_is_refused_on_opening(copy: Path) -> None:
    (copy / "model/config.json").write_text('{"model_type": "bert", "hidden_size": 8}')
    sign(copy)
    assert package.inspect(copy).problem.kind == "classify"
    with pytest.raises(ModelError, match="model"):
        package.open(copy, "cpu")


def test_a_moved_package_still_opens(copy: Path, tmp_path: Path) -> None:
    shutil.move(copy, tmp_path / "elsewhere")
    assert package.open(tmp_path / "elsewhere", "cpu").predict(["这部电影很好看"])[0].answer in {
        Label("bad"),
        Label("good"),
    }
