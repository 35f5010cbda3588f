"""What is said of a study: every number is there and agrees with the others, and known answers are judged."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from satiety.core.answers import Label
from satiety.levers.pretrain import PRETRAINERS
from satiety.worth.advice import advise, write_headline
from satiety.worth.agreement import estimate_wilson_interval
from satiety.worth.decision import decide
from satiety.worth.findings import LEAKED, ZERO_SHOT, Findings, analyze_study, select_recipes
from satiety.worth.page import page
from satiety.worth.preparation import prepare_study
from satiety.worth.report import build_report, list_languages, list_targets
from satiety.worth.run_store import Outcome
from satiety.worth.runs import StudyRun
from satiety.worth.study import Measurements, list_lever_sets, run_study
from tests.unit.worth.material import AUGMENT, CONTROLS, PSEUDO, RETRIEVE, Inline, finetune, material, worth

OFF = {"replicates": 0}
CHANGES: dict[str, Any] = {"levers": [AUGMENT, PSEUDO], "fine_tuned": {"replicates": 3, "budgets": 2, "dev": 0.2}}


def study_of(home: Path, base: Path, **changes: Any) -> Findings:
    plan, inputs = prepare_study(material(base, test=60), worth(**CHANGES | changes), finetune(), home, "cpu")
    return analyze_study(plan, run_study(plan, inputs, Inline()))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def found(home: Path, tiny: Path) -> Findings:
    return study_of(home, tiny)


@pytest.fixture(scope="module")
def told(found: Findings) -> dict[str, Any]:
    return build_report(found)


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for one in value.values() for number in numbers(one)]
    if isinstance(value, list):
        return [number for one in value for number in numbers(one)]
    return [value] if isinstance(value, float) else []


def test_two_augmenters_are_compared_under_their_names(tmp_path: Path, tiny: Path) -> None:
    drop = AUGMENT | {"steps": [{"kind": "drop", "probability": 0.3, "copies": 1}]}
    found = study_of(
        tmp_path, tiny, levers={"swaps": AUGMENT, "drops": drop}, controls=[], fine_tuned=CHANGES["fine_tuned"] | OFF
    )
    assert list(found.plan.levers) == ["drops", "swaps"]
    said = build_report(found) | {"next": advise(found, decide(found))}
    assert {one["lever"] for one in said["levers"]} == {"drops", "swaps", "drops+swaps"}
    assert sorted([*said["next"]["keep"], *said["next"]["off"], *said["next"]["undecided"]]) == ["drops", "swaps"]
    used = {
        cell.levers: outcome.num_examples for cell, outcome in found.measurements.outcomes.items() if cell.budget == 32
    }
    assert used["drops", "swaps"] - used["swaps",] == used["drops",] - used[()] > 0, "copies of both, none lost"
    tallies = {cell: outcome.tallies for cell, outcome in found.measurements.outcomes.items() if cell.budget == 32}
    pairs = [(cell, StudyRun(32, ("swaps",), cell.replicate)) for cell in tallies if cell.levers == ("drops",)]
    assert any((tallies[one] != tallies[other]).any() for one, other in pairs), "they are not the same lever"


def test_it_is_json_of_finite_rounded_numbers(told: dict[str, Any]) -> None:
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert all(round(number, 6) == number for number in numbers(told))


def test_the_curve_begins_with_no_label_and_has_every_budget(told: dict[str, Any]) -> None:
    assert told["budgets"] == [one["budget"] for one in told["curve"]] == [0, 4, 8, 16, 32]
    assert all(0 <= one["low"] <= one["value"] <= one["high"] <= 1 for one in told["curve"][:1])
    line = [one["value"] for one in told["fit"]["line"]]
    assert line == sorted(line)
    assert (told["fit"]["line"][0]["labels"], told["fit"]["line"][-1]["labels"]) == (4, 128)


def test_every_lever_set_is_told_at_every_budget(found: Findings, told: dict[str, Any]) -> None:
    assert [(one["lever"], one["budget"]) for one in told["levers"]] == [
        ("+".join(levers), n) for levers in list_lever_sets(found.plan.params) if levers for n in (4, 8, 16, 32)
    ]
    for one in told["levers"]:
        assert one["gain"]["low"] <= one["gain"]["value"] <= one["gain"]["high"]
        assert one["verdict"] == found.classify(tuple(one["lever"].split("+")), one["budget"])
        plain = float(found.curve.predict(one["budget"]).point)
        assert one["score"] == pytest.approx(plain + one["gain"]["value"], abs=2e-6)


def test_what_gains_is_worth_more_labels_than_there_are_and_what_loses_fewer(told: dict[str, Any]) -> None:
    for one in told["levers"]:
        labels, gain = one["labels"], one["gain"]["value"]
        worth = math.inf if labels["value"] is None else labels["value"]
        assert (worth > one["budget"]) is (gain > 0), one
        assert (worth < one["budget"]) is (gain < 0), one
        assert labels["low"] is None or labels["low"] <= worth
        assert labels["high"] is None or labels["high"] >= worth


def test_where_nothing_learned_beats_label_names_nothing_is_foretold(found: Findings, told: dict[str, Any]) -> None:
    quick = {cell: outcome for cell, outcome in found.measurements.outcomes.items() if cell.depth == "proxy"}
    zero = {cell: replace(outcome, tallies=found.plan.zero_shot, is_zero_shot=True) for cell, outcome in quick.items()}
    few = analyze_study(found.plan, replace(found.measurements, outcomes=zero))
    decision = decide(few)
    said, next_ = build_report(few), advise(few, decision)
    assert {one["verdict"] for one in said["levers"]} == {"inconclusive"}
    assert {(one["labels"]["low"], one["labels"]["high"]) for one in said["levers"]} == {(0.0, None)}
    assert said["forecast"] == []
    assert next_["sentence"]["en"].startswith(
        "Recommendation: label 32 more texts (with 32 labels, training scores no higher"
    )
    assert next_["undecided"] == ["augment", "self_training"]
    assert "label 32 more texts" in page({**said, "headline": write_headline(few, decision), "next": next_}, "en")
    assert told["forecast"]


def test_every_budget_s_credit_adds_up_to_what_all_levers_gain(told: dict[str, Any]) -> None:
    joint = {one["budget"]: one["gain"]["value"] for one in told["levers"] if one["lever"] == "augment+self_training"}
    for one in told["credit"]:
        assert sum(share["gain"]["value"] for share in one["shares"]) == pytest.approx(joint[one["budget"]], abs=1e-5)


def test_answering_without_training_is_compared_with_plain(found: Findings, told: dict[str, Any]) -> None:
    assert [(one["method"], one["budget"]) for one in told["methods"]] == [("zero-shot", n) for n in (4, 8, 16, 32)]
    assert {one["score"] for one in told["methods"]} == {told["curve"][0]["value"]}
    assert all(0 <= one["chosen"] <= 1 for one in told["methods"])
    assert found.gains[ZERO_SHOT][0].value == pytest.approx(found.scores.mean(ZERO_SHOT)[0] - found.scores.mean(())[0])


def test_a_leak_is_refused_and_what_it_would_have_done_is_shown(found: Findings, told: dict[str, Any]) -> None:
    leak = told["calibration"]["leak"]
    assert (leak["budget"], leak["refused"], leak["let through"]) == (16, 4 * 8, 0)
    assert leak["score"] == round(float(found.scores.mean(LEAKED)[2]), 6)
    refused = float(found.scores.mean(("leak",))[2])
    assert leak["inflation"]["value"] == pytest.approx(leak["score"] - refused, abs=2e-6), "in all of its chains"
    np.testing.assert_array_equal(found.scores.mean(("leak",))[1:3], _plain_of(found, 4)[1:3])


def test_what_changes_nothing_is_worth_just_the_labels_there_are(tmp_path: Path, tiny: Path) -> None:
    """Retrieval alone, which nobody reads; what is pre-trained on what it finds is another matter."""
    pretrainer = PRETRAINERS["mlm"].sample().model_dump() | {"learning_rate": 0.01}
    pretrainer["training"] |= {"min_steps": 40, "max_steps": 40}
    levers = [RETRIEVE, {"kind": "pretrain", "seed": 1, "pretrainer": pretrainer}]
    told = build_report(
        study_of(tmp_path, tiny, levers=levers, controls=[], fine_tuned={"replicates": 0, "budgets": 2, "dev": 0.2})
    )
    rows = {(one["lever"], one["budget"]): one for one in told["levers"]}
    for n in (4, 8, 16, 32):
        alone = rows["retrieve", n]
        assert (alone["labels"], alone["verdict"]) == ({"value": n, "low": n, "high": n}, "not worth it here")
        assert alone["gain"] == {"value": 0, "low": 0, "high": 0}
    assert any(rows["pretrain", n]["gain"]["value"] for n in (4, 8, 16, 32))
    assert any(rows["pretrain", n]["gain"] != rows["pretrain+retrieve", n]["gain"] for n in (4, 8, 16, 32))
    saves = {one["lever"]: one for one in told["advantage"]}
    assert (saves["retrieve"]["value"], saves["retrieve"]["low"], saves["retrieve"]["high"]) == (0, 0, 0)


def test_without_levers_the_curve_is_told_and_what_to_label(tmp_path: Path, tiny: Path) -> None:
    found = study_of(tmp_path, tiny, levers=[], controls=[])
    decision = decide(found)
    told = {**build_report(found), "headline": write_headline(found, decision), "next": advise(found, decision)}
    assert (told["levers"], told["credit"]) == ([], [])
    assert len(told["curve"]) == 5
    assert told["headline"]["en"].startswith("32 labels score macro-F1 0.")
    assert "没有测量任何手段" in told["headline"]["zh"]
    assert told["next"]["keep"] == told["next"]["off"] == []
    for language in ("en", "zh"):
        assert told["headline"][language] in page(told, language)


def _plain_of(found: Findings, chains: int) -> Any:
    """Return plain's scores in the controls' chains, for the budgets where the lever chains have them all."""
    from satiety.worth.evaluator import Evaluator
    from satiety.worth.runs import StudyRun

    at, problem = Evaluator(found.plan), found.plan.problem
    return [
        float(
            np.mean(
                [
                    problem.metrics_from_counts(at.evaluate(StudyRun(n, (), i), "").tallies.sum(0))[problem.headline]
                    for i in range(chains)
                ]
            )
        )
        for n in found.scores.budgets
    ]


def test_known_answers_are_judged(told: dict[str, Any]) -> None:
    known = told["calibration"]
    assert [(one["budget"], one["truth"]) for one in known["oracle"]] == [(8, 13), (16, 26)]
    assert [(one["budget"], one["truth"]) for one in known["copy"]] == [(8, 8), (16, 16)]
    for kind in ("oracle", "copy"):
        for one in known[kind]:
            low, high = one["labels"]["low"], one["labels"]["high"]
            assert one["holds"] == (low <= one["truth"] and (high is None or one["truth"] <= high))
    for one in known["poison"]:
        value = one["labels"]["value"]
        assert one["holds"] == (value is not None and value < one["budget"])


def test_where_no_budget_has_room_for_the_controls_the_rest_is_told(tmp_path: Path, tiny: Path) -> None:
    controls = [CONTROLS[0] | {"share": 10.0}, *CONTROLS[1:]]
    known = build_report(
        study_of(tmp_path, tiny, controls=controls, fine_tuned=CHANGES["fine_tuned"] | {"replicates": 0})
    )["calibration"]
    assert known == {"oracle": [], "copy": [], "poison": []}


def test_without_controls_nothing_is_known(home: Path, tiny: Path) -> None:
    assert build_report(study_of(home, tiny, controls=[]))["calibration"] == {}


def test_both_depths_agree_where_the_full_one_is_sure(found: Findings, told: dict[str, Any]) -> None:
    assert told["depth"] == "fine_tuned"
    agreement = told["agreement"]
    assert agreement["agree"] + len(agreement["disagreements"]) == agreement["runs"]
    assert {cell.budget for cell in found.measurements.outcomes if cell.depth == "fine_tuned"} == {16, 32}


def test_depths_that_contradict_each_other_are_shown(found: Findings) -> None:
    """The lever's cells are made all right at full depth, and all wrong at the quick one."""
    plan = found.plan
    right = plan.problem.tally(plan.test, [_answer(str(one.answer)) for one in plan.test])
    wrong = plan.problem.tally(plan.test, [_answer("good" if str(one.answer) == "bad" else "bad") for one in plan.test])

    def made(cell: StudyRun, outcome: Outcome) -> Outcome:
        if cell.levers == ("augment",):
            return Outcome(right if cell.depth == "fine_tuned" else wrong, 1.0)
        return Outcome(plan.zero_shot, 1.0) if cell.depth == "fine_tuned" else outcome

    outcomes = {cell: made(cell, outcome) for cell, outcome in found.measurements.outcomes.items()}
    agreement = build_report(analyze_study(plan, replace(found.measurements, outcomes=outcomes)))["agreement"]
    found_at = [(one["lever"], one["budget"]) for one in agreement["disagreements"]]
    assert found_at == [("augment", 16), ("augment", 32)]
    assert all(one["proxy"]["value"] < 0 < one["fine_tuned"]["low"] for one in agreement["disagreements"])
    assert (agreement["runs"], agreement["agree"], agreement["share"]["value"]) == (2, 0, 0.0)


def _answer(label: str | None) -> Any:
    from satiety.problems import Prediction

    return Prediction(Label(label))


def test_at_quick_depth_there_is_no_agreement(home: Path, tiny: Path) -> None:
    told = build_report(study_of(home, tiny, fine_tuned=CHANGES["fine_tuned"] | {"replicates": 0}))
    assert (told["depth"], told["agreement"]) == ("proxy", None)


def test_what_was_saved_is_counted(found: Findings, told: dict[str, Any]) -> None:
    assert told["saved"] == {"runs": 0, "of": 4 * 4 * 3, "share": 0.0, "stopped": [], "error": 0.05}
    course = replace(found.measurements, stopped={("augment",): 1})
    saved = build_report(analyze_study(found.plan, course))["saved"]
    assert (saved["runs"], saved["share"]) == (4 * 2, round(8 / 48, 6))
    assert saved["stopped"] == [{"lever": "augment", "after": 1}]


def test_targets_are_those_asked_for_or_some_above_what_there_is(found: Findings) -> None:
    now = float(found.curve.predict(32).point)
    assert all(now < one <= 1 for one in list_targets(found))
    asked = replace(found, plan=replace(found.plan, params=worth(targets=[0.5, 0.9])))
    assert list_targets(asked) == [0.5, 0.9]
    assert [one["target"] for one in build_report(asked)["forecast"]] == [0.5, 0.9]


def test_languages_are_those_of_a_twentieth_or_more(found: Findings) -> None:
    assert set(list_languages(found.plan)) == {"en", "zh"}
    pool = tuple(replace(one, language="en" if i else "zh") for i, one in enumerate(found.plan.pool))
    assert list_languages(replace(found.plan, pool=pool)) == ["en"]
    assert list_languages(replace(found.plan, pool=tuple(replace(one, language="") for one in pool))) == []


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (5, 10), (10, 10), (1, 1), (37, 800)])
def test_wilson_s_interval_is_the_closed_form(hits: int, trials: int) -> None:
    z, share = NormalDist().inv_cdf(0.975), hits / trials
    center, scale = share + z**2 / (2 * trials), 1 + z**2 / trials
    half = z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    interval = estimate_wilson_interval(hits, trials, 0.95)
    expected = [share, (center - half) / scale, (center + half) / scale]
    assert [interval.value, interval.low, interval.high] == pytest.approx(expected, rel=0, abs=1e-12)


def test_a_study_of_the_same_cells_says_the_same(found: Findings, told: dict[str, Any]) -> None:
    outcomes = dict(reversed(found.measurements.outcomes.items()))
    again = Measurements(found.measurements.budgets, outcomes, planned=found.measurements.planned)
    assert build_report(analyze_study(found.plan, again)) == told


PROBLEM: Any = SimpleNamespace(headline="score", score=lambda rows: {"score": rows[:, 0].sum() / rows[:, 1].sum()})


def right(share: float) -> Any:
    return np.stack([np.arange(100) < 100 * share, np.ones(100)], axis=1).astype(float)


ZERO = right(0.5)


def test_one_recipe_is_chosen_for_all_chains_of_a_place() -> None:
    scores = {
        StudyRun(8, (), 0): 0.4, StudyRun(8, (), 1): 0.55, StudyRun(8, (), 1000): 0.45,
        StudyRun(8, ("self_training",), 0): 0.45, StudyRun(8, ("self_training",), 1): 0.6,
        StudyRun(16, (), 0): 0.49, StudyRun(16, (), 1): 0.52,
        StudyRun(8, ("leak",), 0, is_gated=False): 0.3, StudyRun(8, ("leak",), 0): 0.7,
        StudyRun(8, (), 0, depth="fine_tuned"): 0.1,
    }  # fmt: skip
    found = select_recipes({cell: Outcome(right(score), 1.0) for cell, score in scores.items()}, ZERO, PROBLEM)
    untrained = {cell for cell, outcome in found.items() if outcome.is_zero_shot}
    assert untrained == {cell for cell in scores if not cell.levers and cell.budget == 8 and cell.depth == "proxy"} | {
        StudyRun(8, ("leak",), 0, is_gated=False)
    }
    assert all((found[cell].tallies == ZERO).all() for cell in untrained)
    assert all((found[cell].tallies == right(scores[cell])).all() for cell in scores.keys() - untrained)
