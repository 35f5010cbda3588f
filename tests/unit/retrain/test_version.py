"""Files of a data version: ingest reads the gathered labels, and params.yaml keeps its comments."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from satiety.core.answers import Label, Span, Spans
from satiety.core.errors import DataError
from satiety.core.records import Document, Example
from satiety.ingest.base import READERS, Limits
from satiety.ingest.clean import Cleaner, content_id
from satiety.params import load_params
from satiety.problems import PROBLEMS, Problem
from satiety.retrain import version
from satiety.retrain.dataset import RetrainingData

CLASSIFY = PROBLEMS["classify"].model_validate({"labels": ["坏", "good"], "names": {}})
NER = PROBLEMS["ner"].model_validate({"labels": ["LOC", "PER"]})
LIMITS = Limits(row_bytes=10_000, rows=1000, ratio=200)


def build_data(*learn: Example) -> RetrainingData:
    return RetrainingData(
        list(learn), [Example("f", {"text": "fresh"}, Label("good"))], [Document("d", "raw\u2028文")], {}, {}, ""
    )


def make_example(text: str, answer: str) -> Example:
    return Example(content_id({"text": text}), {"text": text}, Label(answer), source="feedback:abc")


@pytest.mark.parametrize(
    ("problem", "example"),
    [
        (CLASSIFY, make_example("写信给 <email>，谢谢", "坏")),
        (CLASSIFY, make_example('a "quoted" text, twice', "good")),
        (
            NER,
            Example(
                content_id({"text": "Anna in 上海"}),
                {"text": "Anna in 上海"},
                Spans((Span(8, 10, "LOC"),)),
                source="feedback:abc",
            ),
        ),
        (NER, Example(content_id({"text": "nobody"}), {"text": "nobody"}, Spans(()), source="feedback:abc")),
    ],
)
def test_ingest_and_the_next_retraining_read_the_written_labels(
    problem: Problem, example: Example, tmp_path: Path
) -> None:
    files = version.write_version(tmp_path, build_data(example), problem)
    assert files == [version.LABELS, version.TEXTS]
    source = version.list_sources(files, problem)["labelled"]
    (row,) = READERS[source["reader"]["kind"]]().read(tmp_path / version.LABELS, source["columns"], LIMITS)
    record = Cleaner(problem, LIMITS, ("email",)).clean("x", row).record
    assert isinstance(record, Example)
    assert (record.text, str(record.answer), record.answer.mentions) == (
        example.text,
        str(example.answer),
        example.answer.mentions,
    )
    assert version.read_training_labels(tmp_path / version.LABELS, problem) == [example]


def test_without_data_no_file_is_written(tmp_path: Path) -> None:
    assert version.write_version(tmp_path, RetrainingData([], [], [], {}, {}, ""), CLASSIFY) == []
    assert version.read_training_labels(tmp_path / version.LABELS, CLASSIFY) == []
    assert version.read_fresh(tmp_path / "fresh.parquet") == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_data_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    path.write_text('{"text": "a", "label": "good"}\n{"text": "b", "label": "ugly"}\n')
    with pytest.raises(
        DataError, match=r"feedback.jsonl:2: not a label of an earlier retraining \(label 'ugly' is not"
    ):
        version.read_training_labels(path, CLASSIFY)


@pytest.mark.parametrize("file", ["params.yaml", "examples/ner_zh/params.yaml", "examples/topics_zh/params.yaml"])
def test_sources_are_added_to_params_once_and_all_else_stays(file: str, tmp_path: Path) -> None:
    path, problem = tmp_path / "params.yaml", NER if "ner" in file else CLASSIFY
    shutil.copy(file, path)
    original = load_params(path)
    sources = version.list_sources([version.LABELS, version.TEXTS], problem)
    for _ in range(2):
        version.add_sources(path, sources)
        changed = load_params(path)
        assert changed.ingest.labelled[:-1] == original.ingest.labelled
        assert changed.ingest.corpus[:-1] == original.ingest.corpus
        assert (changed.ingest.labelled[-1].uri, changed.ingest.labelled[-1].split) == (
            f"file:{version.LABELS}",
            "extra",
        )
        assert changed.finetune == original.finetune
    comments = [
        [part.partition("# ")[2] for part in params_path.read_text().splitlines()] for params_path in (Path(file), path)
    ]
    assert [text.strip() for text in comments[0] if text] == [text.strip() for text in comments[1] if text]


def test_the_hash_of_a_folder_ignores_the_files_of_retraining(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    stamp = version.hash_folder(tmp_path)
    for name in ("feedback.jsonl", "feedback.jsonl.dvc", "traffic.jsonl"):
        (tmp_path / name).write_text("x")
    assert version.hash_folder(tmp_path) == stamp
    (tmp_path / "b.csv").write_text("2")
    assert version.hash_folder(tmp_path) != stamp
