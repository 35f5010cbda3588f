"""A random sample is written to a CSV, and its labels are imported: they can then support a promotion."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from cli.label import draw_texts, import_labels
from satiety.core.answers import Label, load
from satiety.core.errors import DataError, SetupError
from satiety.problems import PROBLEMS, Prediction
from satiety.retrain.draws import collect_random_ids
from satiety.serving.traffic import Traffic
from tests.recording import served_texts

TEXTS = [*(f"a film, number {i}" for i in range(30)), *(f"第{i}部电影" for i in range(9)), "=1+1 is no formula"]


@pytest.fixture
def traffic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Traffic:
    monkeypatch.setenv("SATIETY_TRAFFIC", str(tmp_path / "traffic"))
    record = Traffic(tmp_path / "traffic")
    record.add(list(served_texts(TEXTS, [Prediction(Label("bad"))] * len(TEXTS), "film", "model", 0.1)))
    record.add(list(served_texts(["of another model"], [Prediction(Label("bad"))], "hotel", "model", 0.1)))
    record.add(list(served_texts(["of another problem"], [Prediction(Label("LOC"))], "film", "model", 0.1)))
    return record


@pytest.fixture
def package(tmp_path: Path) -> Path:
    PROBLEMS["classify"].model_validate({"labels": ["好", "bad"], "names": {}}).save(tmp_path / "p/model/problem.json")
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["register"]["name"] = "film"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    return tmp_path / "p"


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill_labels(path: Path, labels: dict[int, str]) -> None:
    rows = read_rows(path)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, ["id", "text", "label"])
        table.writeheader()
        table.writerows(row | {"label": labels.get(i, "")} for i, row in enumerate(rows))


def test_a_sample_is_written_and_labelled(tmp_path: Path, traffic: Traffic, package: Path) -> None:
    path = tmp_path / "to_label.csv"
    output = draw_texts(tmp_path, 20, path, package)
    rows = read_rows(path)
    assert "20 texts drawn at random" in output
    assert f"satiety label import {path}" in output
    assert "About 6 of them become test examples" in output
    assert {row["id"] for row in rows} == set(traffic.draws())
    assert {row["text"].removeprefix("'") for row in rows} < set(TEXTS)
    assert {row["label"] for row in rows} == {""}, "predictions are not suggested to the person who labels"

    fill_labels(path, dict.fromkeys(range(18), "好"))
    output = import_labels(tmp_path, path, "Li", package)
    assert "18 of 20 drawn texts have a label; the sample is used once 95% have one" in output
    assert collect_random_ids(traffic.draws().values(), traffic.corrections()) == frozenset()
    fill_labels(path, dict.fromkeys(range(20), "bad"))
    output = import_labels(tmp_path, path, "Li", package)
    assert output.endswith(
        "20 of 20 drawn texts have a label\n"
        "They can support a promotion once 100 of them are test examples (promote.min_fresh_examples)"
    )
    assert collect_random_ids(traffic.draws().values(), traffic.corrections()) == set(traffic.draws())
    assert {str(load(correction.answer)) for correction in traffic.corrections().values()} == {"bad"}


def test_the_next_draw_has_other_texts_until_none_is_left(
    tmp_path: Path, traffic: Traffic, package: Path, caplog: pytest.LogCaptureFixture
) -> None:
    draw_texts(tmp_path, 25, tmp_path / "a.csv", package)
    draw_texts(tmp_path, 25, tmp_path / "b.csv", package)
    assert "25 texts requested, but only 15 are left to draw" in caplog.text
    first, second = ({row["id"] for row in read_rows(tmp_path / name)} for name in ("a.csv", "b.csv"))
    assert (len(first), len(second), first & second) == (25, 15, set())
    with pytest.raises(DataError, match="no predicted text is left to draw"):
        draw_texts(tmp_path, 1, tmp_path / "c.csv", package)
    assert not (tmp_path / "c.csv").exists()


def test_a_cell_that_a_spreadsheet_would_compute_is_quoted(tmp_path: Path, traffic: Traffic, package: Path) -> None:
    draw_texts(tmp_path, len(TEXTS), tmp_path / "a.csv", package)
    assert "'=1+1 is no formula" in {row["text"] for row in read_rows(tmp_path / "a.csv")}


def test_existing_file_of_labels_is_not_overwritten(tmp_path: Path, traffic: Traffic, package: Path) -> None:
    (tmp_path / "a.csv").write_text("labels of an afternoon")
    with pytest.raises(DataError, match=r"a\.csv exists and may contain labels"):
        draw_texts(tmp_path, 5, tmp_path / "a.csv", package)
    assert traffic.draws() == {}


def test_text_that_was_not_drawn_is_named_and_nothing_is_recorded(
    tmp_path: Path, traffic: Traffic, package: Path
) -> None:
    path = tmp_path / "a.csv"
    draw_texts(tmp_path, 5, path, package)
    fill_labels(path, dict.fromkeys(range(5), "bad"))
    stranger = next(row.id for row in traffic.read() if row.id not in traffic.draws())
    content = path.read_text(encoding="utf-8")
    path.write_text(f"{content}{stranger},x,bad\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"a\\.csv:7: id '{stranger}': not drawn by `satiety label next`"):
        import_labels(tmp_path, path, "", package)
    path.write_text(content, encoding="utf-8")
    fill_labels(path, {0: "ugly"})
    with pytest.raises(DataError, match="label 'ugly' is not one of"):
        import_labels(tmp_path, path, "", package)
    assert traffic.corrections() == {}


def test_labels_beside_the_text_of_another_id_are_refused(tmp_path: Path, traffic: Traffic, package: Path) -> None:
    """As where a column of a spreadsheet was sorted by itself."""
    path = tmp_path / "a.csv"
    draw_texts(tmp_path, 5, path, package)
    fill_labels(path, dict.fromkeys(range(5), "bad"))
    first, second, *remaining = read_rows(path)
    swapped = [first | {"text": second["text"]}, second | {"text": first["text"]}, *remaining]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["id", "text", "label"])
        table.writeheader()
        table.writerows(swapped)
    with pytest.raises(DataError, match=r"a\.csv:2, .*a\.csv:3: text and id do not match; keep both columns unchanged"):
        import_labels(tmp_path, path, "", package)
    assert traffic.corrections() == {}


def test_outside_of_a_project_there_is_nothing_to_label(
    tmp_path: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError, match="not in a project"):
        draw_texts(tmp_path, 5, tmp_path / "a.csv", package)


def test_only_texts_predicted_since_a_time_are_drawn(tmp_path: Path, traffic: Traffic, package: Path) -> None:
    start = datetime.now(UTC).replace(tzinfo=None, microsecond=0) + timedelta(seconds=1)
    with pytest.raises(DataError, match=f"left to draw in .* since {start:%Y-%m-%d}"):
        draw_texts(tmp_path, 5, tmp_path / "a.csv", package, start)
    rows = list(served_texts(["a new film"], [Prediction(Label("bad"))], "film", "model", 0.1))
    traffic.add([replace(row, time=(start + timedelta(days=1)).isoformat(timespec="microseconds")) for row in rows])
    draw_texts(tmp_path, 5, tmp_path / "a.csv", package, start)
    assert [row["text"] for row in read_rows(tmp_path / "a.csv")] == ["a new film"]
