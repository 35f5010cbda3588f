"""A promotion stands until something it saw has changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tasks import up_to_date

DB = Path("mlflow.db")


PROJECT = {"project": {"base": {"uri": "file:data/raw/base"}}}


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_TRACKING_URI", f"sqlite:///{tmp_path / DB}")
    places = [{"package": "models/package", "test": "data/test.parquet", "fresh": "data/fresh.parquet"}]
    Path("dvc.yaml").write_text(yaml.safe_dump({"vars": places}))
    Path("params.yaml").write_text(yaml.safe_dump(PROJECT | {"promote": {"seed": 3}, "register": {"name": "tweets"}}))
    for path in (Path("models/package/manifest.json"), Path("data/test.parquet"), DB):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    up_to_date.save_state()


def test_it_stands_while_nothing_changes() -> None:
    assert up_to_date.is_up_to_date()
    assert up_to_date.is_up_to_date()


@pytest.mark.parametrize(
    "change",
    [
        lambda: Path("models/package/manifest.json").write_text('{"digest": 1}'),
        lambda: Path("data/test.parquet").write_text("other"),
        lambda: DB.write_text("somebody else was here"),
        lambda: DB.with_name("mlflow.db-wal").write_text("written, not yet in the file"),
        DB.unlink,
        lambda: Path("models/package/manifest.json").unlink(),
        lambda: up_to_date.STATE_FILE.write_text("{"),
        up_to_date.STATE_FILE.unlink,
    ],
)
def test_it_falls_with_anything_it_saw(change: Callable[[], object]) -> None:
    change()
    assert not up_to_date.is_up_to_date()


def test_it_falls_with_its_params() -> None:
    Path("params.yaml").write_text(json.dumps(PROJECT | {"promote": {"seed": 4}, "register": {"name": "tweets"}}))
    assert not up_to_date.is_up_to_date()


@pytest.mark.parametrize("uri", ["postgresql://nobody@127.0.0.1:1/x", "http://127.0.0.1:1"])
def test_a_store_that_cannot_be_looked_into_never_stands(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_TRACKING_URI", uri)
    up_to_date.save_state()
    assert not up_to_date.is_up_to_date()
    assert not up_to_date.STATE_FILE.exists()
