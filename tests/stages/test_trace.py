"""A prediction is traced to its model, version, data, levers and nearest training examples."""

import io
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.trace import show
from satiety import package
from satiety.core.answers import Label, load
from satiety.core.errors import DataError, ModelError, SetupError
from satiety.core.files import sha256
from satiety.core.records import Example, read, write
from satiety.serving.traffic import Traffic
from tasks.promote import main
from tasks.register import main as register
from tasks.trace import trace_prediction
from tests.packaging import Workspace
from tests.recording import served_texts

TRAFFIC = Path(".satiety/traffic")


def register_with_sources(workspace: Workspace) -> None:
    """Give every training example a source, and register the model."""
    train = workspace.root / "data/train.parquet"
    rows = [
        Example(
            e.id,
            e.inputs,
            e.answer,
            language=e.language,
            source=f"data/raw/labelled.csv:{i}",
        )
        for i, e in enumerate(read(train, Example), start=2)
    ]
    write(train, rows, Example)
    pipeline = workspace.root / "dvc.yaml"
    pipeline.write_text(pipeline.read_text() + "  - train: data/train.parquet\n")
    register.run(**workspace.paths())


def serve(*texts: str) -> Sequence[str]:
    """Predict texts with the package, record the predictions, and return their ids."""
    model = package.open(Path("models/package"), "cpu")
    rows = list(served_texts(texts, model.predict(texts), model.facts().name, model.digest, 0.1))
    Traffic(TRAFFIC).add(rows)
    return [row.id for row in rows]


def render_trace(id: str) -> str:
    output = io.StringIO()
    show(Path(), id, 3, "text", Console(file=output, width=100, highlight=False))
    return output.getvalue()


def test_a_prediction_is_traced_to_its_model_and_its_nearest_training_examples(
    registering: Workspace, client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    register_with_sources(registering)
    main.run()
    (id, _) = serve("这部电影很好看", "the bad hotel")
    show(Path(), id, 3, "json")
    report = json.loads(capsys.readouterr().out)
    assert report["prediction"]["inputs"] == {"text": "这部电影很好看"}
    assert report["prediction"]["answer"]["label"] in ("bad", "good")
    assert (report["model"]["version"], report["model"]["champion"]) == ("1", True)
    assert report["data"]["train"] == sha256(Path("data/train.parquet"))
    (support,) = report["support"]
    first = support["rows"][0]
    assert (first["text"], first["source"]) == ("这部电影很好看", "data/raw/labelled.csv:3")
    assert first["similarity"] == pytest.approx(1, abs=1e-3)
    assert support["agreement"] == sum(row["agrees"] for row in support["rows"]) / 3
    assert all(row["agrees"] == (row["gold"] == report["prediction"]["answer"]["label"]) for row in support["rows"])
    text = render_trace(id)
    for words in ("made-up, version 1, champion", "data/raw/labelled.csv:3", "of 3 have the predicted label"):
        assert words in text


def test_each_entity_has_its_own_neighbors(registering: Workspace, client: Any) -> None:
    names = Workspace(registering.root, registering.base, "ner")
    names.fill()
    register_with_sources(names)
    (id,) = serve("anna lives in paris")
    trace = trace_prediction(Traffic(TRAFFIC), id, Path(), 2)
    spans = load(trace.served.answer).mentions
    assert spans, "the random head predicts no entity here"
    assert [neighbor.text for neighbor in trace.neighbors] == [
        "anna lives in paris"[span.start : span.end] for span in spans
    ]
    for neighbor in trace.neighbors:
        assert neighbor.rows[0].text in ("anna", "paris")
        assert all(row.agrees == (row.gold == neighbor.answer_text) for row in neighbor.rows)
    (id,) = serve("王小明住在上海")
    assert trace_prediction(Traffic(TRAFFIC), id, Path(), 2).neighbors


def test_an_older_model_is_loaded_from_the_registry_and_the_trace_names_its_data_version(
    registering: Workspace, client: Any
) -> None:
    register_with_sources(registering)
    (id,) = serve("the good film")
    old_facts = package.inspect(Path("models/package"), "cpu").facts()
    registering.fill(seed=2)
    write(Path("data/train.parquet"), [Example("n", {"text": "new"}, answer=Label("good"))], Example)
    register_with_sources(registering)
    trace = trace_prediction(Traffic(TRAFFIC), id, Path(), 3)
    assert (trace.version, trace.is_champion, trace.neighbors) == ("1", False, ())
    assert f"a different data version: the model was trained on sha256 {old_facts.data['train'][:12]}" in str(
        trace.missing
    )
    assert re.search(r"nearest examples +data/train.parquet is a different data version", render_trace(id))
    advice = "check out its dvc.lock (`git log --all -- dvc.lock`), then run `dvc checkout data/train.parquet`"
    assert str(trace.missing).endswith(advice)
    Path("data/train.parquet").unlink()
    assert "data/train.parquet does not exist" in str(trace_prediction(Traffic(TRAFFIC), id, Path(), 3).missing)


def test_a_local_package_is_traced_without_mlflow(registering: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    register_with_sources(registering)
    (id,) = serve("the good film")
    monkeypatch.setenv("SATIETY_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    trace = trace_prediction(Traffic(TRAFFIC), id, Path(), 3)
    assert (trace.version, len(trace.neighbors[0].rows)) == (None, 3)
    assert "not in the registry" in render_trace(id)
    shutil.rmtree("models/package")
    with pytest.raises(
        ModelError, match=r"the model of this prediction \(\w{12}\) is not in models/package, and MLflow"
    ):
        trace_prediction(Traffic(TRAFFIC), id, Path(), 3)


def test_an_unknown_prediction_and_a_missing_model_are_errors(registering: Workspace, client: Any) -> None:
    register_with_sources(registering)
    with pytest.raises(DataError, match=r"trace: no prediction 'nobody' in .*; `satiety predict` prints the id"):
        show(Path(), "nobody", 3, "text")
    rows = list(
        served_texts(
            ["a text"], package.open(Path("models/package"), "cpu").predict(["a text"]), "made-up", "f" * 64, 0.1
        )
    )
    Traffic(TRAFFIC).add(rows)
    with pytest.raises(ModelError, match=r"is not in models/package, and no version of made-up in MLflow"):
        show(Path(), rows[0].id, 3, "text")
    shutil.rmtree(".dvc")
    with pytest.raises(SetupError, match="not in a project, so no predictions are recorded"):
        show(Path(), "nobody", 3, "text")
