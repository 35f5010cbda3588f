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


def trained(workspace: Workspace) -> None:
    """Say of every training example where it was read, and register what was made of them."""
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


def answered(*texts: str) -> Sequence[str]:
    """Let the package answer, on record; return the ids of the answers."""
    made = package.open(Path("models/package"), "cpu")
    rows = list(served_texts(texts, made.predict(texts), made.facts().name, made.digest, 0.1))
    Traffic(TRAFFIC).add(rows)
    return [row.id for row in rows]


def shown(id: str) -> str:
    out = io.StringIO()
    show(Path(), id, 3, "text", Console(file=out, width=100, highlight=False))
    return out.getvalue()


def test_an_answer_is_traced_to_its_model_and_the_examples_near_it(
    registering: Workspace, client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(registering)
    main.run()
    (id, _) = answered("这部电影很好看", "the bad hotel")
    show(Path(), id, 3, "json")
    told = json.loads(capsys.readouterr().out)
    assert told["prediction"]["inputs"] == {"text": "这部电影很好看"}
    assert told["prediction"]["answer"]["label"] in ("bad", "good")
    assert (told["model"]["version"], told["model"]["champion"]) == ("1", True)
    assert told["data"]["train"] == sha256(Path("data/train.parquet"))
    (support,) = told["support"]
    first = support["rows"][0]
    assert (first["text"], first["source"]) == ("这部电影很好看", "data/raw/labelled.csv:3")
    assert first["similarity"] == pytest.approx(1, abs=1e-3)
    assert support["agreement"] == sum(row["agrees"] for row in support["rows"]) / 3
    assert all(row["agrees"] == (row["gold"] == told["prediction"]["answer"]["label"]) for row in support["rows"])
    text = shown(id)
    for said in ("made-up, version 1, champion", "data/raw/labelled.csv:3", "of 3 have the predicted label"):
        assert said in text


def test_entities_are_traced_one_by_one(registering: Workspace, client: Any) -> None:
    names = Workspace(registering.root, registering.base, "ner")
    names.fill()
    trained(names)
    (id,) = answered("anna lives in paris")
    found = trace_prediction(Traffic(TRAFFIC), id, Path(), 2)
    spans = load(found.served.answer).mentions
    assert spans, "a random head finds something here"
    assert [neighbor.text for neighbor in found.neighbors] == [
        "anna lives in paris"[span.start : span.end] for span in spans
    ]
    for one in found.neighbors:
        assert one.rows[0].text in ("anna", "paris")
        assert all(row.agrees == (row.gold == one.answer_text) for row in one.rows)
    (id,) = answered("王小明住在上海")
    assert trace_prediction(Traffic(TRAFFIC), id, Path(), 2).neighbors


def test_an_older_model_comes_from_the_registry_and_says_how_its_data_come_back(
    registering: Workspace, client: Any
) -> None:
    trained(registering)
    (id,) = answered("the good film")
    old = package.inspect(Path("models/package"), "cpu").facts()
    registering.fill(seed=2)
    write(Path("data/train.parquet"), [Example("n", {"text": "new"}, answer=Label("good"))], Example)
    trained(registering)
    found = trace_prediction(Traffic(TRAFFIC), id, Path(), 3)
    assert (found.version, found.is_champion, found.neighbors) == ("1", False, ())
    assert f"a different data version: the model was trained on sha256 {old.data['train'][:12]}" in str(found.missing)
    assert re.search(r"support +data/train.parquet is a different data version", shown(id))
    back = "check out its dvc.lock (`git log --all -- dvc.lock`), then run `dvc checkout data/train.parquet`"
    assert str(found.missing).endswith(back)
    Path("data/train.parquet").unlink()
    assert "data/train.parquet does not exist" in str(trace_prediction(Traffic(TRAFFIC), id, Path(), 3).missing)


def test_it_needs_no_mlflow_where_the_package_is_here(registering: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(registering)
    (id,) = answered("the good film")
    monkeypatch.setenv("SATIETY_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    found = trace_prediction(Traffic(TRAFFIC), id, Path(), 3)
    assert (found.version, len(found.neighbors[0].rows)) == (None, 3)
    assert "not in the registry" in shown(id)
    shutil.rmtree("models/package")
    with pytest.raises(
        ModelError, match=r"the model of this prediction \(\w{12}\) is not in models/package, and MLflow"
    ):
        trace_prediction(Traffic(TRAFFIC), id, Path(), 3)


def test_what_is_not_on_record_and_whose_model_is_gone_is_said(registering: Workspace, client: Any) -> None:
    trained(registering)
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
