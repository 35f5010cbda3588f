"""A tenth of the simulated year: two months of the made-up problem, with new words in the second, and random labels."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from examples.year.page import page
from examples.year.plan import Year
from examples.year.project_copy import ProjectCopy, isolate_environment
from examples.year.server import prefect
from examples.year.simulation import HARMFUL, Month, iterate_months, summarize_year
from satiety.core.answers import Label
from satiety.core.files import manifest
from satiety.core.records import Example
from satiety.core.settings import Settings
from satiety.serving.traffic import Traffic
from tests.pipeline.made import BAD, GOOD, sentence
from tests.pipeline.project import Project
from tests.pipeline.server import CHROMIUM, FLAGS

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("year")]

TENTH: dict[str, Any] = {
    "months": 2,
    "texts": 120,
    "judged": 160,
    "drawn": 60,
    "every": 2,
    "shifts": [
        {
            "kind": "vocabulary",
            "first": 2,
            "last": 2,
            "shares": [1.0],
            "spared": 0,
            "commonest": 200,
            "replaced": 200,
        }
    ],
    "params": {},
}


@pytest.fixture(scope="module")
def project_copy(committed_project: Project, tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    project = committed_project.copy(tmp_path_factory.mktemp("year"))
    params = project.read_params()
    params["retrain"]["merge"] = True
    project.write_params(params)
    assert project.run("git", "commit", "-qam", "promoted models are taken over").returncode == 0
    return ProjectCopy(project.root, {})


@pytest.fixture(scope="module")
def year() -> Year:
    return Year.model_validate(Year.read().model_dump() | TENTH)


@pytest.fixture(scope="module")
def months(project_copy: ProjectCopy, year: Year) -> list[Month]:
    with pytest.MonkeyPatch.context() as patch, prefect(project_copy.root.parent / "prefect") as environment:
        patch.setenv("SATIETY_DEVICE", "cpu")
        pool = [Example(f"{i}", {"text": text}, Label(label)) for i, (text, label) in enumerate(make_texts(700))]
        return list(iterate_months(ProjectCopy(project_copy.root, environment), year, pool))


def make_texts(count: int) -> list[tuple[str, str]]:
    """Return labelled texts from the distribution of the project, three quarters of them English."""
    draw = random.Random(21)
    texts = []
    for _ in range(count):
        label, lexicon = draw.choice([("good", GOOD), ("bad", BAD)])
        language = draw.choice(["en", "en", "en", "zh"])
        texts.append((sentence(draw, language, lexicon[language]), label))
    return texts


def test_new_words_are_drift_and_lower_the_score_of_the_first_champion(months: list[Month]) -> None:
    first, second = months
    assert (first.world.planted, second.world.planted) == ((), ("vocabulary",))
    assert first.verdict == "no drift", first
    assert second.verdict in (HARMFUL, "drift without harm")
    assert second.true.first["value"] < first.true.first["value"]
    assert second.estimate["value"] < first.estimate["value"]


def test_only_the_schedule_or_harmful_drift_retrains_and_the_reason_is_recorded(
    months: list[Month], project_copy: ProjectCopy
) -> None:
    assert [month.retraining is not None for month in months] == [False, True]
    retraining = months[1].retraining
    assert retraining is not None
    assert retraining.trigger == (HARMFUL if months[1].verdict == HARMFUL else "schedule")
    assert retraining.decision in ("promoted", "kept", "refused")
    decision = json.loads((project_copy.root / ".satiety/retrain/last.json").read_text(encoding="utf-8"))
    assert (decision["decision"], decision["decision_reason"]) == (retraining.decision, retraining.reason)
    assert decision["trained_on"] + decision["fresh"] == retraining.train_labels + retraining.test_labels > 60
    is_first_model = manifest(project_copy.root / ".satiety/year/first") == manifest(
        project_copy.root / "models/package"
    )
    assert is_first_model == (retraining.decision != "promoted")


def test_predictions_are_recorded_and_feedback_includes_correct_ones(
    months: list[Month], project_copy: ProjectCopy
) -> None:
    assert len(months) == 2
    traffic = Traffic(project_copy.root / ".satiety/traffic")
    answers, corrections = {row.id: row for row in traffic.read()}, traffic.corrections()
    assert (len(answers), len(corrections)) == (240, 120)
    are_correct = [answers[id].answer == correction.answer for id, correction in corrections.items()]
    assert any(are_correct)
    assert not all(are_correct)


def test_the_year_is_reported_as_json_and_as_a_page_that_fits_its_window(
    months: list[Month], year: Year, tmp_path: Path
) -> None:
    report = json.loads(json.dumps(summarize_year(year, months)))
    assert report["metric"] == "macro_f1"
    assert report["error"] == pytest.approx(
        sum(abs(month["estimate"]["value"] - month["true"]["champion"]["value"]) for month in report["months"]) / 2,
        abs=1e-4,
    )
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        for language in ("en", "zh"):
            (tmp_path / "year.html").write_text(page(report, language), encoding="utf-8")  # type: ignore[arg-type]
            for width in (400, 1600):
                tab = browser.new_page(viewport={"width": width, "height": 900})
                tab.goto((tmp_path / "year.html").as_uri())
                assert tab.locator("svg:visible").count() == 1
                assert tab.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()


def test_isolating_removes_settings_that_point_outside_the_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SATIETY_TRAFFIC": "x", "MLFLOW_TRACKING_URI": "x", "PREFECT_API_URL": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    for name in ("SATIETY_JOIN", "PREFECT_HOME", "GIT_CONFIG_GLOBAL", "DVC_NO_ANALYTICS"):  # monkeypatch restores them
        monkeypatch.setenv(name, "x")
    isolate_environment()
    settings = Settings()
    assert (settings.traffic, settings.device, settings.join) == (None, "cpu", False)
