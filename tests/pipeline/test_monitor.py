"""`satiety monitor` on a model of the pipeline: traffic like the test examples, other texts, and feedback."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.made import BAD, GOOD, sentence
from tests.pipeline.project import Project
from tests.pipeline.server import CHROMIUM, FLAGS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("monitor")]

HOSTILE = "<script>alert(1)</script> {{ 7 * 7 }}"


@pytest.fixture(scope="module")
def project_with_traffic(finished_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project that was monitored without traffic and then predicted 160 texts like the test examples."""
    project = finished_project.copy(tmp_path_factory.mktemp("answered"))
    process = project.run("satiety", "monitor")
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip() == "0 texts; a verdict needs at least 50 (monitor.min_texts)"
    (project.root / "asked.txt").write_text("\n".join(make_texts(160, 5)), encoding="utf-8")
    predicted = project.run("satiety", "predict", "--file", "asked.txt")
    assert predicted.returncode == 0, predicted.stderr
    return project


@pytest.fixture
def project_copy(project_with_traffic: Project, tmp_path: Path) -> Project:
    """A copy of it for one test."""
    return project_with_traffic.copy(tmp_path)


def make_texts(count: int, seed: int) -> list[str]:
    """Return texts from the distribution of the project, three quarters of them English."""
    draw = random.Random(seed)
    languages = draw.choices(["en", "en", "en", "zh"], k=count)
    return [sentence(draw, language, draw.choice((GOOD, BAD))[language]) for language in languages]


def run_monitor(project: Project, *arguments: str) -> dict[str, Any]:
    process = project.run("satiety", "monitor", *arguments)
    assert process.returncode == 0, process.stderr
    report = project.read_report("monitor-table" if arguments else "monitor")
    assert process.stdout.startswith(report["sentence"]["en"][:40])
    return report


def test_traffic_like_the_test_examples_is_no_drift(project_copy: Project) -> None:
    report = run_monitor(project_copy)
    assert report["verdict"] == "no drift", report["drift"]
    assert report["window"]["texts"] == 160
    assert report["window"]["since"] <= report["window"]["until"]
    assert report["feedback"] is None
    assert report["today"]["low"] <= report["usual"]["value"] <= report["today"]["high"]
    assert {
        name: label["today"]["low"] <= 0.5 <= label["today"]["high"] for name, label in report["labels"].items()
    } == {
        "bad": True,
        "good": True,
    }


@pytest.mark.long
def test_the_features_of_the_test_examples_are_cached(project_copy: Project) -> None:
    run_monitor(project_copy)
    (cache,) = (project_copy.root / ".satiety/monitor").glob("*.safetensors")
    stamp = cache.stat().st_mtime_ns
    run_monitor(project_copy)
    assert cache.stat().st_mtime_ns == stamp


@pytest.mark.parametrize(("language", "word"), [("en", "lockdown"), ("zh", "疫情")])
def test_texts_with_a_new_word_are_drift_and_the_word_is_named(project_copy: Project, language: str, word: str) -> None:
    draw = random.Random(3)
    texts = [sentence(draw, language, [word, word, *GOOD[language][:2]]) for _ in range(80)] + [HOSTILE] * 20
    table, monitor_report = project_copy.root / "new.jsonl", project_copy.read_report("monitor")
    table.write_text("".join(json.dumps({"text": text}) + "\n" for text in [*texts, None]), encoding="utf-8")
    report = run_monitor(project_copy, "--table", "new.jsonl")
    assert report["verdict"] in ("harmful drift", "drift without harm")
    assert report["drift"]["tests"]["vocabulary"]["p"] <= 0.01
    assert word in [term["word"] for term in report["terms"]]
    assert report["window"]["left_out"]["reasons"] == {"missing": 1}
    assert project_copy.read_report("monitor") == monitor_report, "the report on traffic was overwritten"
    for page in ("monitor-table.html", "monitor-table.zh.html"):
        content = (project_copy.root / "reports" / page).read_text(encoding="utf-8")
        assert word in content
        assert "new.jsonl:101: text is null" in content
        assert "<script" not in content
        assert "&lt;script&gt;" in content


def test_feedback_with_mostly_wrong_predictions_is_harmful_drift(project_copy: Project) -> None:
    (project_copy.root / "more.txt").write_text("\n".join(make_texts(60, 9)), encoding="utf-8")
    answers = project_copy.run("satiety", "predict", "--file", "more.txt").stdout.splitlines()
    opposite = {"good": "bad", "bad": "good"}
    rows = [json.loads(line) for line in answers]
    corrections = [
        {"id": row["id"], "label": opposite[row["label"]] if i % 4 else row["label"]} for i, row in enumerate(rows)
    ]
    (project_copy.root / "corrections.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in corrections), encoding="utf-8"
    )
    process = project_copy.run("satiety", "feedback", "--file", "corrections.jsonl", "--by", "ann")
    assert process.returncode == 0, process.stderr
    report = run_monitor(project_copy)
    assert report["feedback"]["answers"] == 60
    assert report["feedback"]["score"]["value"] == pytest.approx(0.25, abs=0.03)
    assert report["feedback"]["overconfidence"]["low"] > 0
    assert report["verdict"] == "harmful drift"
    assert report["cost"]["value"] > 0
    assert "labels" in report["sentence"]["en"]


def test_a_table_that_cannot_be_read_is_one_line_and_exit_1(project_copy: Project) -> None:
    process = project_copy.run("satiety", "monitor", "--table", "none.csv")
    assert process.returncode == 1
    assert "none.csv: no such file" in process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.long
def test_the_evidently_page_is_written_if_enabled(project_copy: Project) -> None:
    page, params = project_copy.root / "reports/monitor-evidently.html", project_copy.read_params()
    assert not page.exists()
    params["monitor"]["evidently"] = True
    project_copy.write_params(params)
    run_monitor(project_copy)
    params["monitor"]["evidently"] = False
    project_copy.write_params(params)
    assert "knn_distance" in page.read_text(encoding="utf-8")


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [400, pytest.param(1600, marks=pytest.mark.long)])
def test_the_page_logs_nothing_and_fits_the_window(project_copy: Project, width: int) -> None:
    from playwright.sync_api import sync_playwright

    run_monitor(project_copy)
    messages: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: messages.append(message.text))
        for name in ("monitor.html", "monitor.zh.html"):
            page.goto((Path(project_copy.root) / "reports" / name).as_uri())
            assert page.locator("svg.picture:visible .point").count() >= 2
            assert page.locator("table").count() >= 2
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert messages == []
