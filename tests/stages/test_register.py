"""The stage on files: a verified package, one MLflow version per digest, loaded anywhere with pickles refused."""

import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from satiety import package
from satiety.core.errors import ModelError, ParamsError
from satiety.core.records import Example, read, write
from satiety.package import Register
from tasks.publish import publish
from tasks.register import main
from tests.packaging import TEXTS, Workspace, examples

ROOT = Path(__file__).parents[2]


def find_versions(client: Any) -> list[Any]:
    return list(client.search_model_versions("name = 'made-up'"))


def test_the_stage_writes_a_verified_package_and_registers_a_version(registering: Workspace, client: Any) -> None:
    main.run(**registering.paths())
    folder = Path("models/package")
    assert package.verify(folder) == []
    report = json.loads(Path("reports/register.json").read_text())
    assert report["digest"] == package.inspect(folder).digest
    assert (report["in"], report["out"], report["name"]) == (200, 1, "made-up")
    (version,) = find_versions(client)
    assert version.tags["satiety.digest"] == report["digest"]
    assert re.fullmatch(r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", version.tags["satiety.before"])
    assert re.fullmatch(r"\+0\.\d{3} \[\+0\.\d{3}, \+0\.\d{3}\]", version.tags["satiety.difference"])
    assert set(version.tags) >= {"satiety.data.train", "satiety.data.test", "satiety.run", "satiety.revision"}
    assert "frozen test examples" in version.description
    assert version.description.startswith("Not compared yet")
    assert "models:/made-up/1" in client.get_registered_model("made-up").description
    assert client.get_model_version_by_alias("made-up", "challenger").version == version.version
    assert (registering.root / "mlartifacts").is_dir()
    assert not (registering.root / "mlruns").exists()


def test_the_card_leaves_out_rare_languages(registering: Workspace) -> None:
    train = registering.paths()["train"]
    examples = list(read(train, Example))
    few, many = examples[0], [replace(e, language="en" if i % 3 else "zh") for i, e in enumerate(examples[1:])]
    write(train, [replace(few, language="la"), *(many * 20)[:60]], Example)
    main.run(**registering.paths())
    assert package.inspect(Path("models/package")).facts().languages == ["en", "zh"]


def test_registering_the_same_model_again_adds_no_version(registering: Workspace, client: Any) -> None:
    main.run(**registering.paths())
    main.run(**registering.paths())
    assert len(find_versions(client)) == 1
    registering.fill(seed=2)
    main.run(**registering.paths())
    assert len(find_versions(client)) == 2
    assert str(client.get_model_version_by_alias("made-up", "challenger").version) == "2"
    registering.fill(seed=1)
    main.run(**registering.paths())
    assert len(find_versions(client)) == 2
    assert str(client.get_model_version_by_alias("made-up", "challenger").version) == "1"


def test_the_version_links_to_its_run_in_mlflow(registering: Workspace, client: Any) -> None:
    main.run(**registering.paths())
    assert publish() == 1
    (version,) = find_versions(client)
    run = client.get_run(version.run_id)
    assert (run.info.run_name, run.info.status) == ("register", "FINISHED")
    assert run.data.tags["satiety.run"] == version.tags["satiety.run"]
    assert run.data.metrics["bytes"] > 0
    assert {dataset_input.dataset.name for dataset_input in run.inputs.dataset_inputs} == {
        "train",
        "dev",
        "test",
        "predictions",
    }
    assert [artifact.path for artifact in client.list_artifacts(run.info.run_id, "models/package")] == [
        "models/package/README.md"
    ]
    assert run.data.params == {"register.name": '"made-up"'}


@pytest.mark.slow
def test_a_fresh_process_loads_it_with_pickles_refused_and_answers(registering: Workspace) -> None:
    main.run(**registering.paths())
    script = (
        "import json, mlflow\n"
        "model = mlflow.pyfunc.load_model('models:/made-up@challenger')\n"
        "print(json.dumps(model.predict(['the good film', '这部电影很好看'])))\n"
    )
    env = os.environ | {
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_TRACKING_URI": f"sqlite:///{registering.root / 'mlflow.db'}",
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=False)
    assert process.returncode == 0, process.stderr
    answers = json.loads(process.stdout)
    expected = package.open(Path("models/package"), "cpu").predict(["the good film", "这部电影很好看"])
    assert [answer["label"] for answer in answers] == [str(prediction.answer) for prediction in expected]


def test_the_artifacts_contain_no_python_and_no_pickles(registering: Workspace) -> None:
    main.run(**registering.paths())
    kinds = {path.suffix for path in (registering.root / "mlartifacts").rglob("*") if path.is_file()}
    assert kinds <= {"", ".json", ".md", ".parquet", ".safetensors", ".txt", ".yaml"}


def test_no_text_of_the_data_reaches_mlflow(registering: Workspace) -> None:
    texts = [*TEXTS, *(example.text for example in examples("classify", 200))]
    main.run(**registering.paths())
    publish()
    for path in (registering.root / "mlflow.db", *(registering.root / "mlartifacts").rglob("*")):
        if path.is_file() and path.name != "tokenizer.json":
            content = path.read_bytes()
            assert not any(text.encode() in content for text in texts), path


def test_an_unreachable_mlflow_does_not_stop_the_stage(
    registering: Workspace, client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SATIETY_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    main.run(**registering.paths())
    assert package.verify(Path("models/package")) == []
    assert "does not answer" in caplog.text
    assert "`promote` will register it" in caplog.text
    assert "secret" not in caplog.text
    assert publish() == 0
    monkeypatch.delenv("SATIETY_TRACKING_URI")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # MLflow set it when its address was set
    assert publish() == 1
    assert find_versions(client) == []


def test_a_model_that_does_not_load_is_not_registered(registering: Workspace, client: Any) -> None:
    (registering.root / "models/tuned/head.safetensors").write_bytes(b"\x80\x04not weights")
    with pytest.raises(ModelError, match=r"head\.safetensors"):
        main.run(**registering.paths())
    assert not Path("models/package").exists()
    assert find_versions(client) == []


def test_a_model_changed_after_its_evaluation_is_not_packaged(registering: Workspace, client: Any) -> None:
    """One bit of the bias of its head."""
    main.run(**registering.paths())
    digest = package.inspect(Path("models/package")).digest
    head = registering.root / "models/tuned/head.safetensors"
    content = bytearray(head.read_bytes())
    content[8 + int.from_bytes(content[:8], "little") + 3] ^= 0x40
    head.write_bytes(content)
    expected = r"^models/package/model: \d+ of 128 predictions differ from the evaluated ones, such as t\d+;"
    with pytest.raises(ModelError, match=expected):
        main.run(**registering.paths())
    assert package.inspect(Path("models/package")).digest == digest, "the earlier package was replaced"
    assert len(find_versions(client)) == 1


def test_predictions_of_another_test_set_are_not_packaged(registering: Workspace) -> None:
    paths = registering.paths()
    write(paths["test"], list(read(paths["test"], Example))[1:], Example)
    with pytest.raises(ModelError, match=r"models/package/predictions\.parquet: predictions of other examples"):
        main.run(**paths)
    assert not Path("models/package").exists()


def test_predictions_out_of_fold_are_of_other_models_but_of_the_labels(registering: Workspace, client: Any) -> None:
    registering.fill(after=0.6, count=64, folds=5)
    paths = registering.paths()
    main.run(**paths)
    stored = package.inspect(Path("models/package")).read_predictions()
    assert len(stored) == 64
    (version,) = find_versions(client)
    assert "on 64 labels, each by a model that had not seen it (5 folds)" in version.description
    write(paths["train"], list(read(paths["train"], Example))[1:], Example)
    with pytest.raises(ModelError, match=r"predictions\.parquet: predictions of other examples"):
        main.run(**paths)


@pytest.mark.parametrize("name", ["head.safetensors", "model.safetensors"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_with_non_finite_weights_is_not_packaged(
    registering: Workspace, client: Any, name: str, value: float
) -> None:
    from safetensors.torch import load_file, save_file

    path = registering.root / "models/tuned" / name
    tensors = load_file(path)
    first = sorted(tensors)[-1]
    tensors[first].view(-1)[3] = value
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(ModelError, match=rf"models/tuned/{name}: .* contains NaN or infinity"):
        main.run(**registering.paths())
    assert not Path("models/package").exists()
    assert find_versions(client) == []


@pytest.mark.parametrize("name", ["", "a/b", "..", "a'b", "模型", "x" * 101])
def test_an_invalid_model_name_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f'register: {{name: "{name}"}}\n', encoding="utf-8")
    with pytest.raises(ParamsError, match=r"params\.yaml:1: register\.name: must be at most 100 letters"):
        Register.load(path)


def test_the_log_names_the_new_version_and_mlflow_logs_nothing(
    registering: Workspace, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    main.run(**registering.paths())
    publish()
    assert "made-up version 1 was created" in caplog.text
    assert not [record for record in caplog.records if record.name.startswith(("mlflow", "alembic"))]
    assert capfd.readouterr().err == ""
