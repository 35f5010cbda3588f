"""`satiety monitor` on a model that the pipeline made: traffic like the tests, texts that are not, and feedback."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.made import BAD, GOOD, sentence
from tests.pipeline.project import Project
from tests.pipeline.server import CHROMIUM, FLAGS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

HOSTILE = "<script>alert(1)</script> {{ 7 * 7 }}"


@pytest.fixture(scope="module")
def answered(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project, after a look before anything was asked, and then 160 texts like those of the tests."""
    project = finished.copy(tmp_path_factory.mktemp("answered"))
    early = project.run("satiety", "monitor")
    assert early.returncode == 0, early.stderr
    assert early.stdout.strip() == "0 texts; a verdict needs at least 50 (monitor.min_texts)"
    (project.root / "asked.txt").write_text("\n".join(asked(160, 5)), encoding="utf-8")
    predicted = project.run("satiety", "predict", "--file", "asked.txt")
    assert predicted.returncode == 0, predicted.stderr
    return project


@pytest.fixture
def watched(answered: Project, tmp_path: Path) -> Project:
    """The same, for a test alone."""
    return answered.copy(tmp_path)


def asked(count: int, seed: int) -> list[str]:
    """Return texts of the same making as those of the project, three quarters of them English."""
    draw = random.Random(seed)
    languages = draw.choices(["en", "en", "en", "zh"], k=count)
    return [sentence(draw, language, draw.choice((GOOD, BAD))[language]) for language in languages]


def look(project: Project, *arguments: str) -> dict[str, Any]:
    process = project.run("satiety", "monitor", *arguments)
    assert process.returncode == 0, process.stderr
    report = project.report("monitor-table" if arguments else "monitor")
    assert process.stdout.startswith(report["sentence"]["en"][:40])
    return report


def test_traffic_like_the_test_examples_is_no_drift(watched: Project) -> None:
    report = look(watched)
    assert report["verdict"] == "no drift", report["drift"]
    assert report["window"]["texts"] == 160
    assert report["window"]["since"] <= report["window"]["until"]
    assert report["feedback"] is None
    assert report["today"]["low"] <= report["usual"]["value"] <= report["today"]["high"]
    assert {name: one["today"]["low"] <= 0.5 <= one["today"]["high"] for name, one in report["labels"].items()} == {
        "bad": True,
        "good": True,
    }


def test_what_was_made_of_the_test_examples_is_kept(watched: Project) -> None:
    look(watched)
    (kept,) = (watched.root / ".satiety/monitor").glob("*.safetensors")
    stamp = kept.stat().st_mtime_ns
    look(watched)
    assert kept.stat().st_mtime_ns == stamp


@pytest.mark.parametrize(("language", "word"), [("en", "lockdown"), ("zh", "疫情")])
def test_texts_with_a_new_word_are_drift_and_the_word_is_named(watched: Project, language: str, word: str) -> None:
    draw = random.Random(3)
    texts = [sentence(draw, language, [word, word, *GOOD[language][:2]]) for _ in range(80)] + [HOSTILE] * 20
    table, before = watched.root / "new.jsonl", watched.report("monitor")
    table.write_text("".join(json.dumps({"text": text}) + "\n" for text in [*texts, None]), encoding="utf-8")
    report = look(watched, "--table", "new.jsonl")
    assert report["verdict"] in ("harmful drift", "drift without harm")
    assert report["drift"]["tests"]["vocabulary"]["p"] <= 0.01
    assert word in [one["word"] for one in report["terms"]]
    assert report["window"]["left_out"]["reasons"] == {"missing": 1}
    assert watched.report("monitor") == before, "what the model is asked is another report"
    for page in ("monitor-table.html", "monitor-table.zh.html"):
        written = (watched.root / "reports" / page).read_text(encoding="utf-8")
        assert word in written
        assert "new.jsonl:101: text is null" in written
        assert "<script" not in written
        assert "&lt;script&gt;" in written


def test_feedback_that_most_answers_are_wrong_is_harm_though_the_texts_are_as_before(watched: Project) -> None:
    (watched.root / "more.txt").write_text("\n".join(asked(60, 9)), encoding="utf-8")
    answers = watched.run("satiety", "predict", "--file", "more.txt").stdout.splitlines()
    other = {"good": "bad", "bad": "good"}
    rows = [json.loads(line) for line in answers]
    said = [{"id": row["id"], "label": other[row["label"]] if i % 4 else row["label"]} for i, row in enumerate(rows)]
    (watched.root / "said.jsonl").write_text("".join(json.dumps(one) + "\n" for one in said), encoding="utf-8")
    process = watched.run("satiety", "feedback", "--file", "said.jsonl", "--by", "ann")
    assert process.returncode == 0, process.stderr
    report = look(watched)
    assert report["feedback"]["answers"] == 60
    assert report["feedback"]["score"]["value"] == pytest.approx(0.25, abs=0.03)
    assert report["feedback"]["overconfidence"]["low"] > 0
    assert report["verdict"] == "harmful drift"
    assert report["cost"]["value"] > 0
    assert "labels" in report["sentence"]["en"]


def test_a_table_that_cannot_be_read_is_one_line_and_exit_1(watched: Project) -> None:
    process = watched.run("satiety", "monitor", "--table", "none.csv")
    assert process.returncode == 1
    assert "none.csv: no such file" in process.stderr
    assert "Traceback" not in process.stderr


def test_where_it_is_asked_for_evidently_s_page_stands_beside_ours(watched: Project) -> None:
    page, params = watched.root / "reports/monitor-evidently.html", watched.params()
    assert not page.exists()
    params["monitor"]["evidently"] = True
    watched.write_params(params)
    look(watched)
    params["monitor"]["evidently"] = False
    watched.write_params(params)
    assert "knn_distance" in page.read_text(encoding="utf-8")


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [400, 1600])
def test_the_page_opens_without_a_word_and_fits_the_window(watched: Project, width: int) -> None:
    from playwright.sync_api import sync_playwright

    look(watched)
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: said.append(message.text))
        for name in ("monitor.html", "monitor.zh.html"):
            page.goto((Path(watched.root) / "reports" / name).as_uri())
            assert page.locator("svg.picture:visible .point").count() >= 2
            assert page.locator("table").count() >= 2
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert said == []
