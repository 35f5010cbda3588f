"""Stage `pretrain` on files."""

import json
from pathlib import Path

import pytest
import yaml

from satiety.core.errors import DataError
from satiety.core.files import manifest
from satiety.core.records import Document, write
from satiety.levers.pretrain import PRETRAINERS
from tasks.pretrain import main


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    return tmp_path


def prepare(kind: str, texts: list[str]) -> None:
    lever = {"kind": "pretrain", "seed": 2, "pretrainer": PRETRAINERS[kind].sample().model_dump()}
    Path("params.yaml").write_text(yaml.safe_dump({"levers": {"mine": lever}, "use": ["mine"]}), encoding="utf-8")
    write(Path("retrieved.parquet"), [Document(str(i), text) for i, text in enumerate(texts)], Document)


def run(base: Path) -> None:
    main.run(
        base=base, retrieved=Path("retrieved.parquet"), pretrained=Path("models/out"), curve=Path("plots/pretrain.csv")
    )


def test_none_copies_the_base_and_reports_it(workspace: Path, tiny: Path) -> None:
    prepare("none", ["the film", "电影"])
    run(tiny)
    assert manifest(Path("models/out")) == manifest(tiny)
    report = json.loads(Path("reports/pretrain.json").read_text())
    params = {"seed": 2, "pretrainer": {"kind": "none"}}
    assert report == {"in": 2, "out": 0, "quarantined": 0, "pretrainer": "none", "params": params}
    assert Path("plots/pretrain.csv").read_text() == "step,loss,lr\n"


def test_mlm_trains_and_leaves_no_checkpoint(workspace: Path, tiny: Path) -> None:
    prepare("mlm", ["the good film in paris", "这部电影很好看"] * 5)
    run(tiny)
    report = json.loads(Path("reports/pretrain.json").read_text())
    assert report["in"] == report["out"] == 10
    assert report["pretrainer"] == "mlm"
    assert report["device"] == "cpu"
    assert len(Path("plots/pretrain.csv").read_text().splitlines()) == 1 + report["steps"]
    assert not list(Path(".satiety/checkpoints").rglob("*.safetensors"))


def test_mlm_without_documents_stops_with_one_message_and_writes_nothing(workspace: Path, tiny: Path) -> None:
    prepare("mlm", [])
    with pytest.raises(DataError, match="no retrieved documents to train on"):
        run(tiny)
    assert not Path("models").exists()
    assert not Path("reports").exists()
