"""The report of a study: every number is there and agrees with the others, and sanity checks are judged."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from satiety.core.answers import Label
from satiety.levers.pretrain import PRETRAINERS
from satiety.worth.advice import advise, write_headline
from satiety.worth.decision import decide
from satiety.worth.findings import LEAKED, ZERO_SHOT, Findings, analyze_study, select_recipes
from satiety.worth.page import page
from satiety.worth.preparation import prepare_study
from satiety.worth.report import build_report, list_languages, list_targets
from satiety.worth.run_store import Outcome
from satiety.worth.runs import StudyRun
from satiety.worth.study import Measurements, list_lever_sets, run_study
from tests.unit.worth.material import AUGMENT, CONTROLS, PSEUDO, RETRIEVE, Inline, build_study_data, finetune, worth

OFF = {"replicates": 0}
CHANGES: dict[str, Any] = {"levers": [AUGMENT, PSEUDO], "fine_tuned": {"replicates": 3, "budgets": 2, "dev": 0.2}}


def analyze_small_study(home: Path, base: Path, **changes: Any) -> Findings:
    plan, inputs = prepare_study(build_study_data(base, test=60), worth(**CHANGES | changes), finetune(), home, "cpu")
    return analyze_study(plan, run_study(plan, inputs, Inline()))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def findings(home: Path, tiny: Path) -> Findings:
    return analyze_small_study(home, tiny)


@pytest.fixture(scope="module")
def report(findings: Findings) -> dict[str, Any]:
    return build_report(findings)


def collect_numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for child in value.values() for number in collect_numbers(child)]
    if isinstance(value, list):
        return [number for child in value for number in collect_numbers(child)]
    return [value] if isinstance(value, float) else []


def test_two_augmenters_are_compared_under_their_names(tmp_path: Path, tiny: Path) -> None:
    drop = AUGMENT | {"steps": [{"kind": "drop", "probability": 0.3, "copies": 1}]}
    findings = analyze_small_study(
        tmp_path, tiny, levers={"swaps": AUGMENT, "drops": drop}, controls=[], fine_tuned=CHANGES["fine_tuned"] | OFF
    )
    assert list(findings.plan.levers) == ["drops", "swaps"]
    report = build_report(findings) | {"next": advise(findings, decide(findings))}
    assert {row["lever"] for row in report["levers"]} == {"drops", "swaps", "drops+swaps"}
    assert sorted([*report["next"]["keep"], *report["next"]["off"], *report["next"]["undecided"]]) == ["drops", "swaps"]
    example_counts = {
        run.levers: outcome.num_examples for run, outcome in findings.measurements.outcomes.items() if run.budget == 32
    }
    assert (
        example_counts["drops", "swaps"] - example_counts["swaps",] == example_counts["drops",] - example_counts[()] > 0
    ), "examples of both levers, none lost"
    tallies = {run: outcome.tallies for run, outcome in findings.measurements.outcomes.items() if run.budget == 32}
    pairs = [(run, StudyRun(32, ("swaps",), run.replicate)) for run in tallies if run.levers == ("drops",)]
    assert any((tallies[drop_run] != tallies[swap_run]).any() for drop_run, swap_run in pairs), (
        "they are not the same lever"
    )


def test_report_is_json_of_finite_rounded_numbers(report: dict[str, Any]) -> None:
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert all(round(number, 6) == number for number in collect_numbers(report))


def test_the_curve_begins_with_no_label_and_has_every_budget(report: dict[str, Any]) -> None:
    assert report["budgets"] == [point["budget"] for point in report["curve"]] == [0, 4, 8, 16, 32]
    assert all(0 <= point["low"] <= point["value"] <= point["high"] <= 1 for point in report["curve"][:1])
    line = [point["value"] for point in report["fit"]["line"]]
    assert line == sorted(line)
    assert (report["fit"]["line"][0]["labels"], report["fit"]["line"][-1]["labels"]) == (4, 128)


def test_report_has_every_lever_set_at_every_budget(findings: Findings, report: dict[str, Any]) -> None:
    assert [(row["lever"], row["budget"]) for row in report["levers"]] == [
        ("+".join(levers), n) for levers in list_lever_sets(findings.plan.params) if levers for n in (4, 8, 16, 32)
    ]
    for row in report["levers"]:
        assert row["gain"]["low"] <= row["gain"]["value"] <= row["gain"]["high"]
        assert row["verdict"] == findings.classify(tuple(row["lever"].split("+")), row["budget"])
        baseline = float(findings.curve.predict(row["budget"]).point)
        assert row["score"] == pytest.approx(baseline + row["gain"]["value"], abs=2e-6)


def test_gains_are_worth_more_labels_and_losses_fewer(report: dict[str, Any]) -> None:
    for row in report["levers"]:
        labels, gain = row["labels"], row["gain"]["value"]
        worth = math.inf if labels["value"] is None else labels["value"]
        assert (worth > row["budget"]) is (gain > 0), row
        assert (worth < row["budget"]) is (gain < 0), row
        assert labels["low"] is None or labels["low"] <= worth
        assert labels["high"] is None or labels["high"] >= worth


def test_where_zero_shot_beats_training_there_is_no_forecast(findings: Findings, report: dict[str, Any]) -> None:
    proxy_outcomes = {run: outcome for run, outcome in findings.measurements.outcomes.items() if run.depth == "proxy"}
    zero_shot_outcomes = {
        run: replace(outcome, tallies=findings.plan.zero_shot, is_zero_shot=True)
        for run, outcome in proxy_outcomes.items()
    }
    zero_shot_findings = analyze_study(findings.plan, replace(findings.measurements, outcomes=zero_shot_outcomes))
    decision = decide(zero_shot_findings)
    zero_shot_report, advice = build_report(zero_shot_findings), advise(zero_shot_findings, decision)
    assert {row["verdict"] for row in zero_shot_report["levers"]} == {"inconclusive"}
    assert {(row["labels"]["low"], row["labels"]["high"]) for row in zero_shot_report["levers"]} == {(0.0, None)}
    assert zero_shot_report["forecast"] == []
    assert advice["sentence"]["en"].startswith(
        "Recommendation: label 32 more texts (with 32 labels, training scores no higher"
    )
    assert advice["undecided"] == ["augment", "self_training"]
    assert "label 32 more texts" in page(
        {**zero_shot_report, "headline": write_headline(zero_shot_findings, decision), "next": advice}, "en"
    )
    assert report["forecast"]


def test_every_budget_s_credit_adds_up_to_what_all_levers_gain(report: dict[str, Any]) -> None:
    joint = {row["budget"]: row["gain"]["value"] for row in report["levers"] if row["lever"] == "augment+self_training"}
    for credit in report["credit"]:
        assert sum(share["gain"]["value"] for share in credit["shares"]) == pytest.approx(
            joint[credit["budget"]], abs=1e-5
        )


def test_zero_shot_is_compared_with_the_baseline(findings: Findings, report: dict[str, Any]) -> None:
    assert [(method["method"], method["budget"]) for method in report["methods"]] == [
        ("zero-shot", n) for n in (4, 8, 16, 32)
    ]
    assert {method["score"] for method in report["methods"]} == {report["curve"][0]["value"]}
    assert all(method["chosen"] is (method["difference"]["value"] == 0) for method in report["methods"])
    assert findings.gains[ZERO_SHOT][0].value == pytest.approx(
        findings.scores.mean(ZERO_SHOT)[0] - findings.scores.mean(())[0]
    )


def test_report_shows_a_refused_leak_and_its_inflation(findings: Findings, report: dict[str, Any]) -> None:
    leak = report["calibration"]["leak"]
    assert (leak["budget"], leak["refused"], leak["let through"]) == (16, 4 * 8, 0)
    assert leak["score"] == round(float(findings.scores.mean(LEAKED)[2]), 6)
    refused = float(findings.scores.mean(("leak",))[2])
    assert leak["inflation"]["value"] == pytest.approx(leak["score"] - refused, abs=2e-6), "in all replicates"
    np.testing.assert_array_equal(findings.scores.mean(("leak",))[1:3], _compute_baseline_scores(findings, 4)[1:3])


def test_idle_lever_is_worth_exactly_the_labels_used(tmp_path: Path, tiny: Path) -> None:
    """Retrieval alone has no effect; pre-training on the retrieved documents has one."""
    pretrainer = PRETRAINERS["mlm"].sample().model_dump() | {"learning_rate": 0.01}
    pretrainer["training"] |= {"min_steps": 40, "max_steps": 40}
    levers = [RETRIEVE, {"kind": "pretrain", "seed": 1, "pretrainer": pretrainer}]
    report = build_report(
        analyze_small_study(
            tmp_path, tiny, levers=levers, controls=[], fine_tuned={"replicates": 0, "budgets": 2, "dev": 0.2}
        )
    )
    rows = {(row["lever"], row["budget"]): row for row in report["levers"]}
    for n in (4, 8, 16, 32):
        retrieval_row = rows["retrieve", n]
        assert (retrieval_row["labels"], retrieval_row["verdict"]) == (
            {"value": n, "low": n, "high": n},
            "not worth it here",
        )
        assert retrieval_row["gain"] == {"value": 0, "low": 0, "high": 0}
    assert any(rows["pretrain", n]["gain"]["value"] for n in (4, 8, 16, 32))
    assert any(rows["pretrain", n]["gain"] != rows["pretrain+retrieve", n]["gain"] for n in (4, 8, 16, 32))
    saves = {row["lever"]: row for row in report["advantage"]}
    assert (saves["retrieve"]["value"], saves["retrieve"]["low"], saves["retrieve"]["high"]) == (0, 0, 0)


def test_report_without_levers_has_curve_and_advice(tmp_path: Path, tiny: Path) -> None:
    findings = analyze_small_study(tmp_path, tiny, levers=[], controls=[])
    decision = decide(findings)
    report = {
        **build_report(findings),
        "headline": write_headline(findings, decision),
        "next": advise(findings, decision),
    }
    assert (report["levers"], report["credit"]) == ([], [])
    assert len(report["curve"]) == 5
    assert report["headline"]["en"].startswith("32 labels score macro-F1 0.")
    assert "没有测量任何手段" in report["headline"]["zh"]
    assert report["next"]["keep"] == report["next"]["off"] == []
    for language in ("en", "zh"):
        assert report["headline"][language] in page(report, language)


def _compute_baseline_scores(findings: Findings, replicates: int) -> Any:
    """Return baseline scores of the first replicates, computed anew, by budget."""
    from satiety.worth.evaluator import Evaluator
    from satiety.worth.runs import StudyRun

    evaluator, problem = Evaluator(findings.plan), findings.plan.problem
    return [
        float(
            np.mean(
                [
                    problem.metrics_from_counts(evaluator.evaluate(StudyRun(n, (), i), "").tallies.sum(0))[
                        problem.headline
                    ]
                    for i in range(replicates)
                ]
            )
        )
        for n in findings.scores.budgets
    ]


def test_sanity_checks_are_judged(report: dict[str, Any]) -> None:
    checks = report["calibration"]
    assert [(check["budget"], check["truth"]) for check in checks["oracle"]] == [(8, 13), (16, 26)]
    assert [(check["budget"], check["truth"]) for check in checks["copy"]] == [(8, 8), (16, 16)]
    for kind in ("oracle", "copy"):
        for check in checks[kind]:
            low, high = check["labels"]["low"], check["labels"]["high"]
            assert check["holds"] == (low <= check["truth"] and (high is None or check["truth"] <= high))
    for check in checks["poison"]:
        value = check["labels"]["value"]
        assert check["holds"] == (value is not None and value < check["budget"])


def test_controls_without_room_have_no_sanity_checks(tmp_path: Path, tiny: Path) -> None:
    controls = [CONTROLS[0] | {"share": 10.0}, *CONTROLS[1:]]
    checks = build_report(
        analyze_small_study(tmp_path, tiny, controls=controls, fine_tuned=CHANGES["fine_tuned"] | {"replicates": 0})
    )["calibration"]
    assert checks == {"oracle": [], "copy": [], "poison": []}


def test_without_controls_there_are_no_sanity_checks(home: Path, tiny: Path) -> None:
    assert build_report(analyze_small_study(home, tiny, controls=[]))["calibration"] == {}


def test_agreement_counts_agreeing_and_disagreeing_runs(findings: Findings, report: dict[str, Any]) -> None:
    assert report["depth"] == "fine_tuned"
    agreement = report["agreement"]
    assert agreement["agree"] + len(agreement["disagreements"]) == agreement["runs"]
    assert {run.budget for run in findings.measurements.outcomes if run.depth == "fine_tuned"} == {16, 32}


def test_contradicting_depths_are_listed_as_disagreements(findings: Findings) -> None:
    """The lever's fine-tuned runs are all right, its proxy runs all wrong."""
    plan = findings.plan
    right_tallies = plan.problem.tally(plan.test, [_build_prediction(str(example.answer)) for example in plan.test])
    wrong_tallies = plan.problem.tally(
        plan.test, [_build_prediction("good" if str(example.answer) == "bad" else "bad") for example in plan.test]
    )

    def replace_outcome(run: StudyRun, outcome: Outcome) -> Outcome:
        if run.levers == ("augment",):
            return Outcome(right_tallies if run.depth == "fine_tuned" else wrong_tallies, 1.0)
        return Outcome(plan.zero_shot, 1.0) if run.depth == "fine_tuned" else outcome

    outcomes = {run: replace_outcome(run, outcome) for run, outcome in findings.measurements.outcomes.items()}
    agreement = build_report(analyze_study(plan, replace(findings.measurements, outcomes=outcomes)))["agreement"]
    places = [(disagreement["lever"], disagreement["budget"]) for disagreement in agreement["disagreements"]]
    assert places == [("augment", 16), ("augment", 32)]
    assert all(
        disagreement["proxy"]["value"] < 0 < disagreement["fine_tuned"]["low"]
        for disagreement in agreement["disagreements"]
    )
    assert (agreement["runs"], agreement["agree"], agreement["share"]["value"]) == (2, 0, 0.0)


def _build_prediction(label: str | None) -> Any:
    from satiety.problems import Prediction

    return Prediction(Label(label))


def test_without_fine_tuned_runs_there_is_no_agreement(home: Path, tiny: Path) -> None:
    report = build_report(analyze_small_study(home, tiny, fine_tuned=CHANGES["fine_tuned"] | {"replicates": 0}))
    assert (report["depth"], report["agreement"]) == ("proxy", None)


def test_report_counts_saved_runs(findings: Findings, report: dict[str, Any]) -> None:
    assert report["saved"] == {"runs": 0, "of": 4 * 4 * 3, "share": 0.0, "stopped": [], "error": 0.05}
    measurements = replace(findings.measurements, stopped={("augment",): 1})
    saved = build_report(analyze_study(findings.plan, measurements))["saved"]
    assert (saved["runs"], saved["share"]) == (4 * 2, round(8 / 48, 6))
    assert saved["stopped"] == [{"lever": "augment", "after": 1}]


def test_targets_are_the_configured_ones_or_above_the_current_score(findings: Findings) -> None:
    current_score = float(findings.curve.predict(32).point)
    assert all(current_score < target <= 1 for target in list_targets(findings))
    findings_with_targets = replace(findings, plan=replace(findings.plan, params=worth(targets=[0.5, 0.9])))
    assert list_targets(findings_with_targets) == [0.5, 0.9]
    assert [row["target"] for row in build_report(findings_with_targets)["forecast"]] == [0.5, 0.9]


def test_languages_are_those_of_at_least_a_twentieth_of_the_pool(findings: Findings) -> None:
    assert set(list_languages(findings.plan)) == {"en", "zh"}
    pool = tuple(replace(example, language="en" if i else "zh") for i, example in enumerate(findings.plan.pool))
    assert list_languages(replace(findings.plan, pool=pool)) == ["en"]
    assert list_languages(replace(findings.plan, pool=tuple(replace(example, language="") for example in pool))) == []


def test_report_does_not_depend_on_the_order_of_runs(findings: Findings, report: dict[str, Any]) -> None:
    outcomes = dict(reversed(findings.measurements.outcomes.items()))
    reordered = Measurements(findings.measurements.budgets, outcomes, planned=findings.measurements.planned)
    assert build_report(analyze_study(findings.plan, reordered)) == report


PROBLEM: Any = SimpleNamespace(headline="score", score=lambda rows: {"score": rows[:, 0].sum() / rows[:, 1].sum()})


def build_tallies(share: float) -> Any:
    return np.stack([np.arange(100) < 100 * share, np.ones(100)], axis=1).astype(float)


ZERO = build_tallies(0.5)


def test_one_recipe_is_selected_for_all_replicates_of_a_budget() -> None:
    scores = {
        StudyRun(8, (), 0): 0.4, StudyRun(8, (), 1): 0.55, StudyRun(8, (), 1000): 0.45,
        StudyRun(8, ("self_training",), 0): 0.45, StudyRun(8, ("self_training",), 1): 0.6,
        StudyRun(16, (), 0): 0.49, StudyRun(16, (), 1): 0.52,
        StudyRun(8, ("leak",), 0, is_gated=False): 0.3, StudyRun(8, ("leak",), 0): 0.7,
        StudyRun(8, (), 0, depth="fine_tuned"): 0.1,
    }  # fmt: skip
    outcomes = select_recipes({run: Outcome(build_tallies(score), 1.0) for run, score in scores.items()}, ZERO, PROBLEM)
    untrained = {run for run, outcome in outcomes.items() if outcome.is_zero_shot}
    assert untrained == {run for run in scores if not run.levers and run.budget == 8 and run.depth == "proxy"} | {
        StudyRun(8, ("leak",), 0, is_gated=False)
    }
    assert all((outcomes[run].tallies == ZERO).all() for run in untrained)
    assert all((outcomes[run].tallies == build_tallies(scores[run])).all() for run in scores.keys() - untrained)
