"""A tenth of the year, for real: two months of a made problem, new words in the second, labels of a random sample."""

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

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("pipeline")]

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
def copy(committed: Project, tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    made = committed.copy(tmp_path_factory.mktemp("year"))
    params = made.params()
    params["retrain"]["merge"] = True
    made.write_params(params)
    assert made.run("git", "commit", "-qam", "promoted models are taken over").returncode == 0
    return ProjectCopy(made.root, {})


@pytest.fixture(scope="module")
def year() -> Year:
    return Year.model_validate(Year.read().model_dump() | TENTH)


@pytest.fixture(scope="module")
def months(copy: ProjectCopy, year: Year) -> list[Month]:
    with pytest.MonkeyPatch.context() as patch, prefect(copy.root.parent / "prefect") as around:
        patch.setenv("SATIETY_DEVICE", "cpu")
        pool = [Example(f"{i}", {"text": text}, Label(label)) for i, (text, label) in enumerate(asked(700))]
        return list(iterate_months(ProjectCopy(copy.root, around), year, pool))


def asked(count: int) -> list[tuple[str, str]]:
    """Return texts as those of the project are made, three quarters of them English, with their labels."""
    draw = random.Random(21)
    found = []
    for _ in range(count):
        label, lexicon = draw.choice([("good", GOOD), ("bad", BAD)])
        language = draw.choice(["en", "en", "en", "zh"])
        found.append((sentence(draw, language, lexicon[language]), label))
    return found


def test_new_words_are_noticed_and_cost_the_first_champion_its_score(months: list[Month]) -> None:
    before, after = months
    assert (before.world.planted, after.world.planted) == ((), ("vocabulary",))
    assert before.verdict == "no drift", before
    assert after.verdict in (HARMFUL, "drift without harm")
    assert after.true.first["value"] < before.true.first["value"]
    assert after.estimate["value"] < before.estimate["value"]


def test_nothing_but_time_or_harm_retrains_and_the_flow_says_why(months: list[Month], copy: ProjectCopy) -> None:
    assert [month.retraining is not None for month in months] == [False, True]
    done = months[1].retraining
    assert done is not None
    assert done.asked_by == (HARMFUL if months[1].verdict == HARMFUL else "schedule")
    assert done.decision in ("promoted", "kept", "refused")
    note = json.loads((copy.root / ".satiety/retrain/last.json").read_text(encoding="utf-8"))
    assert (note["decision"], note["because"]) == (done.decision, done.because)
    assert note["learned"] + note["fresh"] == done.learned + done.fresh > 60
    same = manifest(copy.root / ".satiety/year/first") == manifest(copy.root / "models/package")
    assert same == (done.decision != "promoted")


def test_what_was_asked_is_on_record_and_people_spoke_of_right_answers_too(
    months: list[Month], copy: ProjectCopy
) -> None:
    assert len(months) == 2
    record = Traffic(copy.root / ".satiety/traffic")
    answers, said = {row.id: row for row in record.read()}, record.corrections()
    assert (len(answers), len(said)) == (240, 120)
    right = [answers[own].answer == one.answer for own, one in said.items()]
    assert any(right)
    assert not all(right)


def test_the_year_is_told_as_json_and_as_a_page_that_fits_its_window(
    months: list[Month], year: Year, tmp_path: Path
) -> None:
    report = json.loads(json.dumps(summarize_year(year, months)))
    assert report["metric"] == "macro_f1"
    assert report["error"] == pytest.approx(
        sum(abs(one["estimate"]["value"] - one["true"]["champion"]["value"]) for one in report["months"]) / 2, abs=1e-4
    )
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        for language in ("en", "zh"):
            (tmp_path / "year.html").write_text(page(report, language), encoding="utf-8")  # type: ignore[arg-type]
            for width in (400, 1600):
                opened = browser.new_page(viewport={"width": width, "height": 900})
                opened.goto((tmp_path / "year.html").as_uri())
                assert opened.locator("svg:visible").count() == 1
                assert opened.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()


def test_what_leads_out_of_the_copy_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SATIETY_TRAFFIC": "x", "MLFLOW_TRACKING_URI": "x", "PREFECT_API_URL": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    for name in ("SATIETY_JOIN", "PREFECT_HOME", "GIT_CONFIG_GLOBAL", "DVC_NO_ANALYTICS"):  # put back afterwards
        monkeypatch.setenv(name, "x")
    isolate_environment()
    found = Settings()
    assert (found.traffic, found.device, found.join) == (None, "cpu", False)
