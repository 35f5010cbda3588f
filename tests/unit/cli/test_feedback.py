"""Corrections: all are recorded, or none is and every mistake is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.feedback import record_corrections
from satiety.core.answers import Label, Span, dump, load
from satiety.core.errors import DataError, ModelError, SetupError
from satiety.core.records import Served
from satiety.problems import PROBLEMS
from satiety.problems.base import Prediction
from satiety.serving.traffic import Traffic
from tests.recording import served_texts

TEXTS = ["a good film", "很难看的电影", "Anna lives in 上海"]


@pytest.fixture
def traffic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Traffic:
    monkeypatch.setenv("SATIETY_TRAFFIC", str(tmp_path / "traffic"))
    return Traffic(tmp_path / "traffic")


@pytest.fixture
def rows(traffic: Traffic) -> list[Served]:
    served = list(served_texts(TEXTS, [Prediction(Label("good"))] * len(TEXTS), "film", "model", 0.1))
    traffic.add(served)
    return served


def write_package(folder: Path, kind: str = "classify") -> Path:
    fields = {"labels": ["好", "bad"], "names": {}} if kind == "classify" else {"labels": ["LOC", "PER"]}
    PROBLEMS[kind].model_validate(fields).save(folder / "package/model/problem.json")
    return folder / "package"


def test_correction_is_recorded_with_its_author(traffic: Traffic, rows: list[Served], tmp_path: Path) -> None:
    output = record_corrections(rows[0].id, "bad", None, "Li", write_package(tmp_path))
    assert output == "1 correction recorded; the next retraining uses them"
    (recorded,) = traffic.corrections().values()
    assert (recorded.id, recorded.answer, recorded.by) == (rows[0].id, dump(Label("bad")), "Li")
    record_corrections(rows[0].id, "好", None, "Li", write_package(tmp_path))
    assert traffic.corrections()[rows[0].id].answer == dump(Label("好")), "the latest counts"


@pytest.mark.parametrize(
    "author", ["jane@example.com", "jane&#64;exam\u200bple.com", "138 1234 5678", "sk-Ab3dEf6hIj9kLm2nOp5qRs8t"]
)
def test_author_is_recorded_without_personal_data(
    traffic: Traffic, rows: list[Served], tmp_path: Path, author: str
) -> None:
    record_corrections(rows[0].id, "bad", None, f"Li {author}", write_package(tmp_path))
    (recorded,) = traffic.corrections().values()
    assert recorded.by in ("Li <email>", "Li <phone>", "Li <secret>")


@pytest.mark.parametrize("label", ["<email>", "jane@example.com", "jane&#64;exam\u200bple.com"])
def test_label_is_redacted_as_by_ingest(traffic: Traffic, rows: list[Served], tmp_path: Path, label: str) -> None:
    for kind, fields in (("classify", {"labels": ["<email>", "bad"], "names": {}}), ("ner", {"labels": ["<email>"]})):
        file = tmp_path / kind / "model/problem.json"
        PROBLEMS[kind].model_validate(fields).save(file)
        value = label if kind == "classify" else json.dumps([[0, 1, label]])
        record_corrections(rows[0].id, value, None, "", file.parent.parent)
        assert "jane" not in repr(traffic.corrections())
    with pytest.raises(DataError, match="label '<email>' is not one of: 好, bad"):
        record_corrections(rows[0].id, label, None, "", write_package(tmp_path))


@pytest.mark.parametrize("name", ["corrections.csv", "corrections.jsonl"])
def test_file_gives_many_corrections(name: str, traffic: Traffic, rows: list[Served], tmp_path: Path) -> None:
    pairs = list(zip((row.id for row in rows), ("bad", "好", "bad"), strict=True))
    lines = [json.dumps({"id": key, "label": label}, ensure_ascii=False) for key, label in pairs]
    cells = ["\ufeffid,label", *(f"{key},{label}" for key, label in pairs)]
    (tmp_path / name).write_text("\n".join(cells if name.endswith("csv") else [*lines, ""]), encoding="utf-8")
    assert record_corrections(None, None, tmp_path / name, "", write_package(tmp_path)).startswith(
        "3 corrections recorded"
    )
    assert {key: str(load(row.answer)) for key, row in traffic.corrections().items()} == dict(pairs)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_file_may_have_semicolons_or_tabs(separator: str, traffic: Traffic, rows: list[Served], tmp_path: Path) -> None:
    lines = [("ID", " Label", "Note"), (rows[0].id, "bad", "a, b"), ("", "", "")]
    (tmp_path / "corrections.csv").write_text(
        "".join(separator.join(line) + "\r\n" for line in lines), encoding="utf-8-sig"
    )
    assert record_corrections(None, None, tmp_path / "corrections.csv", "", write_package(tmp_path)).startswith(
        "1 correction"
    )


def test_entities_are_given_by_their_place(traffic: Traffic, rows: list[Served], tmp_path: Path) -> None:
    record_corrections(rows[2].id, '[[14, 16, "LOC"], [0, 4, "PER"]]', None, "", write_package(tmp_path, "ner"))
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": rows[0].id, "label": []}), encoding="utf-8")
    record_corrections(None, None, tmp_path / "a.jsonl", "", write_package(tmp_path, "ner"))
    recorded = {key: load(row.answer).mentions for key, row in traffic.corrections().items()}
    assert recorded == {rows[2].id: (Span(0, 4, "PER"), Span(14, 16, "LOC")), rows[0].id: ()}
    assert TEXTS[2][14:16] == "上海"


def test_all_mistakes_are_named_at_once_and_nothing_is_recorded(
    traffic: Traffic, rows: list[Served], tmp_path: Path
) -> None:
    near_id = rows[0].id[:-1] + "x"
    lines = ["id,label", f"{rows[1].id},好", f"{near_id},bad", f"{rows[2].id},ugly", *(f"{n},bad" for n in range(5))]
    (tmp_path / "corrections.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError) as error:
        record_corrections(None, None, tmp_path / "corrections.csv", "", write_package(tmp_path))
    first, second, *_, last = str(error.value).splitlines()
    assert first.endswith(
        f"corrections.csv:3: id {near_id!r}: no such prediction is recorded; did you mean {rows[0].id!r}?"
    )
    assert second.endswith("corrections.csv:4: label 'ugly' is not one of: 好, bad")
    assert last == "and 2 more"
    assert traffic.corrections() == {}


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("Paris", r"spans 'Paris': spans must be a list such as \[\[start, end, label\], …\]"),
        ("[[0, 99, \"LOC\"]]", r"span 0:99 is outside a text of 16 characters"),
        ("[[0, 4, \"BIRD\"]]", r"entity type 'BIRD' is not one of: LOC, PER"),
    ],
)  # fmt: skip
def test_wrong_entities_are_named(label: str, message: str, rows: list[Served], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        record_corrections(rows[2].id, label, None, "", write_package(tmp_path, "ner"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,label\na,b\n", r"corrections.csv: 2: no id or no label; fill in both columns"),
        (b"", r"corrections.csv: the file: no id or no label"),
        (b"id,label\n\xff\xfe,b\n", r"corrections.csv: not UTF-8 at byte 9"),
    ],
)
def test_file_without_id_and_label_is_refused(content: bytes, message: str, traffic: Traffic, tmp_path: Path) -> None:
    (tmp_path / "corrections.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        record_corrections(None, None, tmp_path / "corrections.csv", "", write_package(tmp_path))


def test_invalid_json_lines_are_refused(traffic: Traffic, tmp_path: Path) -> None:
    path = tmp_path / "corrections.jsonl"
    for text, message in (
        ("{", r"corrections.jsonl:1: not JSON"),
        ("\n[1]", r"corrections.jsonl:2: not a JSON object"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            record_corrections(None, None, path, "", write_package(tmp_path))
    with pytest.raises(DataError, match=r"nowhere.csv: cannot read: No such file"):
        record_corrections(None, None, tmp_path / "nowhere.csv", "", write_package(tmp_path))


def test_incomplete_command_is_refused(traffic: Traffic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"give a prediction ID and its correct LABEL, or a --file"):
        record_corrections("abc", None, None, "", write_package(tmp_path))
    with pytest.raises(DataError, match=r"give ID and LABEL, or --file, not both"):
        record_corrections("abc", "bad", Path("x.csv"), "", write_package(tmp_path))
    with pytest.raises(ModelError, match=r"nowhere: package not found; run `dvc repro` or `dvc checkout`"):
        record_corrections("abc", "bad", None, "", tmp_path / "nowhere")
    monkeypatch.delenv("SATIETY_TRAFFIC")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError, match=r"not in a project, so no predictions are recorded"):
        record_corrections("abc", "bad", None, "", write_package(tmp_path))
