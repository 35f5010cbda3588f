"""The stage `retrieve` on files."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from satiety.core.answers import Label
from satiety.core.errors import DataError
from satiety.core.records import Document, Example, Rejection, read, write
from satiety.problems import PROBLEMS
from tasks.retrieve import main

ROOT = Path.cwd()
HYBRID = "{kind: hybrid, documents: 4, candidates: 6, k1: 1.2, b: 0.75}"
OUTPUTS = {"retrieved": Path("retrieved.parquet"), "quarantine": Path("quarantine.parquet")}


@pytest.fixture
def paths(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A workspace with every input of the stage, English and Chinese mixed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    train = [
        Example("t1", {"text": "the film in paris was good"}, answer=Label("good"), language="en"),
        Example("t2", {"text": "这部电影很好看"}, answer=Label("good"), language="zh"),
        Example("t3", {"text": "bad hotel in paris"}, answer=Label("bad"), language="en"),
        Example("t4", {"text": "酒店很差"}, answer=Label("bad"), language="zh"),
    ]
    test_text = "anna lives in a good hotel in paris"
    corpus = [
        Document("d1", "a good film, anna", language="en", origin="unlabelled"),
        Document("d2", "这电影不好看", language="zh", origin="unlabelled"),
        Document("d3", "上海的酒店差", language="zh"),
        Document("d4", "the hotel was bad", language="en"),
        Document("d5", test_text.upper(), language="en", source="chat:5"),
        Document("d6", "qq xx yy zz", language="en"),
    ]
    PROBLEMS["classify"].model_validate({"labels": ["bad", "good"], "names": {}}).save(Path("problem.json"))
    write(Path("train.parquet"), train, Example)
    write(Path("dev.parquet"), [Example("v", {"text": "王小明住在上海"}, answer=Label("bad"), split="dev")], Example)
    write(Path("test.parquet"), [Example("x", {"text": test_text}, answer=Label("good"), split="test")], Example)
    write(Path("corpus.parquet"), corpus, Document)
    shutil.copytree(tiny, "base")
    write_params(HYBRID)
    names = ("train", "dev", "test", "corpus")
    return {
        "problem": Path("problem.json"),
        "base": Path("base"),
        **{n: Path(f"{n}.parquet") for n in names},
        **OUTPUTS,
    }


def write_params(retriever: str) -> None:
    lever = f"{{kind: retrieve, retriever: {retriever}, prefix: '', dedup_threshold: 0.8}}"
    text = f"levers:\n  mine: {lever}\nuse: [mine]\n"
    Path("params.yaml").write_text(text, encoding="utf-8")


def read_report() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(Path("reports/retrieve.json").read_text(encoding="utf-8"))
    return values


def test_documents_are_retrieved_and_test_texts_are_quarantined(paths: dict[str, Path]) -> None:
    main.run(**paths)
    documents = list(read(OUTPUTS["retrieved"], Document))
    assert {document.id for document in documents} <= {"d1", "d2", "d3", "d4"}
    assert all("bm25 " in (d.reason or "") and ", cosine " in (d.reason or "") for d in documents)
    (rejected,) = read(OUTPUTS["quarantine"], Rejection)
    assert (rejected.id, rejected.twin, rejected.source) == ("d5", "x", "chat:5")
    values = read_report()
    assert (values["in"], values["out"], values["quarantined"], values["contaminated"]) == (6, 3, 1, 1)
    assert values["hidden"]["corpus"] == pytest.approx(1 / 3, abs=1e-4)
    assert values["found_for"].keys() == {"bad", "good"}


def test_documents_that_contain_a_dev_or_test_text_are_quarantined(
    paths: dict[str, Path],
) -> None:
    main.run(**paths)
    assert "d4" in {document.id for document in read(OUTPUTS["retrieved"], Document)}
    write(paths["dev"], [Example("v", {"text": "The hotel was BAD"}, answer=Label("bad"), split="dev")], Example)
    main.run(**paths)
    assert "d4" not in {document.id for document in read(OUTPUTS["retrieved"], Document)}
    assert {(rejection.id, rejection.twin) for rejection in read(OUTPUTS["quarantine"], Rejection)} == {
        ("d5", "x"),
        ("d4", "v"),
    }
    assert read_report()["contaminated"] == 2


def test_equal_inputs_give_equal_bytes(paths: dict[str, Path]) -> None:
    main.run(**paths)
    first = OUTPUTS["retrieved"].read_bytes(), Path("reports/retrieve.json").read_bytes()
    main.run(**paths)
    assert (OUTPUTS["retrieved"].read_bytes(), Path("reports/retrieve.json").read_bytes()) == first


def test_the_retriever_none_needs_no_model_and_writes_empty_tables(paths: dict[str, Path]) -> None:
    write_params("{kind: none}")
    main.run(**{**paths, "base": Path("missing")})
    assert [list(read(OUTPUTS["retrieved"], Document)), list(read(OUTPUTS["quarantine"], Rejection))] == [[], []]
    assert (read_report()["in"], read_report()["out"]) == (6, 0)


def test_a_missing_input_is_named_and_nothing_is_written(paths: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r"没有.parquet: no such file; run `dvc repro`, or the stage that makes it"):
        main.run(**{**paths, "corpus": Path("没有.parquet")})
    assert not OUTPUTS["retrieved"].exists()
    assert not Path("reports/retrieve.json").exists()


@pytest.mark.slow
def test_a_wrong_retriever_is_one_line_and_exit_code_1(paths: dict[str, Path]) -> None:
    write_params("{kind: hybird}")
    arguments = [part for name, path in paths.items() for part in (f"--{name}", str(path))]
    process = subprocess.run(
        [sys.executable, "-m", "tasks.retrieve", *arguments],
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert process.stderr.startswith(
        "params.yaml:2: levers.mine.retriever: unknown retriever 'hybird'; did you mean 'hybrid'?"
    )
    assert process.stderr.count("\n") == 1
