"""Advice: the front has no dominated option, the recommended one is on it, and the sentence matches the numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from satiety.evaluate.bootstrap import Interval, Resampling
from satiety.report.numbers import signed
from satiety.worth import decision
from satiety.worth.advice import advise
from satiety.worth.curve import fit
from satiety.worth.decision import build_option, decide, select_levers
from satiety.worth.findings import Findings
from satiety.worth.run_store import Outcome
from satiety.worth.runs import StudyRun
from satiety.worth.scores import compute_gain, resample_scores
from satiety.worth.verdicts import SimultaneousBand
from tests.additive import additive
from tests.unit.worth.material import AUGMENT, PSEUDO, worth

BUDGETS = (15, 30, 60, 120)
TEXTS = np.linspace(0, 1, 800)


def build_tallies(score: float) -> Any:
    return np.stack([score > TEXTS, np.ones(800)], axis=1).astype(float)


def build_findings(
    gains: dict[tuple[str, ...], float],
    *,
    slope: float = 0.05,
    seconds: float = 1.0,
    seconds_of: Any = None,
    **changes: Any,
) -> Any:
    """Return findings: the baseline rises by ``slope`` with each doubling, and lever sets add these gains to it."""
    params = worth(levers=[AUGMENT, PSEUDO], **changes)
    rng = np.random.default_rng(3)
    additions = {(): 0.0, ("augment",): 0.0, ("self_training",): 0.0, ("augment", "self_training"): 0.0} | gains
    lever_runs, curve_runs, outcomes = {}, {}, {}
    for replicate in range(6):
        for i, n in enumerate(BUDGETS):
            base = 0.5 + slope * i + 0.004 * rng.standard_normal()
            for levers, added in additions.items():
                lever_runs[n, levers, replicate] = build_tallies(base + added + 0.001 * rng.standard_normal())
                outcomes[StudyRun(n, levers, replicate)] = Outcome(
                    lever_runs[n, levers, replicate], (seconds_of or {}).get(levers, seconds)
                )
            curve_runs[n, (), 100 + replicate] = build_tallies(0.5 + slope * i + 0.004 * rng.standard_normal())
    scores = resample_scores(
        additive(lambda sums: {"score": sums[..., 0] / sums[..., 1]}),
        "score",
        lever_runs.items(),
        curve_runs.items(),
        np.arange(800),
        Resampling(1, 200, 0.95),
    )
    gain_samples = {levers: [compute_gain(scores, levers)[i] for i in range(4)] for levers in additions if levers}
    band = SimultaneousBand.fit((sample for samples in gain_samples.values() for sample in samples), 0.95)
    findings: Any = SimpleNamespace(
        plan=SimpleNamespace(
            params=params, problem=SimpleNamespace(headline="accuracy"), drop_idle=lambda levers: levers
        ),
        measurements=SimpleNamespace(outcomes=outcomes),
        scores=scores,
        curve=fit(scores.budgets, scores.curve),
        gains={levers: [sample.interval(0.95) for sample in samples] for levers, samples in gain_samples.items()},
        simultaneous_gains={
            levers: [band.interval(sample) for sample in samples] for levers, samples in gain_samples.items()
        },
        band=band,
        confidence_level=0.95,
        max_budget=120,
        agreement=None,
    )
    findings.is_zero_shot = lambda _: False
    findings.classify = lambda levers, budget: Findings.classify(findings, levers, budget)
    return findings


def build_advice(findings: Any) -> dict[str, Any]:
    return advise(findings, decide(findings))


def test_the_lever_set_whose_gain_is_surest_is_kept() -> None:
    assert select_levers(build_findings({("self_training",): 0.05, ("augment", "self_training"): 0.06})) == (
        "augment",
        "self_training",
    )
    assert select_levers(build_findings({("self_training",): 0.05, ("augment", "self_training"): 0.02})) == (
        "self_training",
    )
    assert select_levers(build_findings({("self_training",): -0.05})) == ()


def test_front_has_no_dominated_option_and_holds_the_recommended_one() -> None:
    advice = build_advice(
        build_findings({("self_training",): 0.05, ("augment", "self_training"): 0.04, ("augment",): -0.03})
    )
    front = advice["front"]
    hours, scores = [option["hours"] for option in front], [option["score"]["value"] for option in front]
    assert hours == sorted(hours)
    assert scores == sorted(scores)
    assert sum(option["chosen"] for option in front) == 1
    (choice,) = [option for option in front if option["chosen"]]
    assert choice["levers"] == ["self_training"]
    assert choice["labels"] == 120 + advice["more"]
    current = next(option for option in front if option["labels"] == 120 and option["levers"] == ["self_training"])
    assert choice["score"]["value"] - current["score"]["value"] >= 0.01
    smaller = [
        option
        for option in front
        if option["levers"] == ["self_training"] and 120 < option["labels"] < choice["labels"]
    ]
    assert all(option["score"]["value"] - current["score"]["value"] < 0.01 for option in smaller), (
        "the smallest that matters"
    )


def test_sentence_names_labels_to_add_and_levers_to_keep_and_turn_off() -> None:
    advice = build_advice(
        build_findings({("self_training",): 0.05, ("augment", "self_training"): 0.04, ("augment",): -0.03})
    )
    assert (advice["keep"], advice["off"], advice["undecided"]) == (["self_training"], ["augment"], [])
    assert re.fullmatch(
        r"Recommendation: label \d+ more texts, keep self-training on, turn augmentation off\.",
        advice["sentence"]["en"],
    )
    assert re.fullmatch(r"建议：再标注 \d+ 条文本，继续使用自训练，关闭数据增强。", advice["sentence"]["zh"])
    numbers = [re.findall(r"\d+", advice["sentence"][language]) for language in ("en", "zh")]
    assert numbers[0] == numbers[1] == [str(advice["more"])]


@pytest.mark.parametrize(
    ("low", "high", "keep", "turned_off"),
    [(-0.09, -0.01, [], ["self_training"]), (-0.03, 0.02, [], []), (-0.02, 0.04, ["self_training"], [])],
)
def test_fine_tuning_refutes_doubts_or_confirms_a_gain(
    low: float, high: float, keep: list[str], turned_off: list[str]
) -> None:
    findings = build_findings({("self_training",): 0.05})
    fine_tuned_gain = {"value": (low + high) / 2, "low": low, "high": high}
    findings.agreement = {
        "compared": [{"lever": "self_training", "budget": 120, "proxy": fine_tuned_gain, "fine_tuned": fine_tuned_gain}]
    }
    findings.gains["augment", "self_training"][3] = findings.gains["augment",][3]
    advice = build_advice(findings)
    assert advice["keep"] == keep
    assert [name for name in advice["off"] if name == "self_training"] == turned_off
    assert ("self_training" in advice["undecided"]) == (not keep and not turned_off)
    assert any("fine-tuned" in sentence["en"] and signed(low) in sentence["en"] for sentence in advice["evidence"])


def test_idle_lever_does_not_hide_that_another_was_refuted() -> None:
    findings = build_findings({("self_training",): 0.05, ("augment", "self_training"): 0.05})
    findings.plan.drop_idle = lambda levers: tuple(name for name in levers if name != "augment")
    fine_tuned_gain = {"value": -0.05, "low": -0.09, "high": -0.01}
    findings.agreement = {
        "compared": [{"lever": "self_training", "budget": 120, "proxy": fine_tuned_gain, "fine_tuned": fine_tuned_gain}]
    }
    advice = build_advice(findings)
    assert (advice["keep"], "self_training" in advice["off"]) == ([], True)


@pytest.mark.parametrize(("gains", "keep"), [({("self_training",): 0.05}, ["self_training"]), ({}, [])])
def test_where_zero_shot_wins_there_is_no_forecast_and_sure_gains_are_kept(
    gains: dict[tuple[str, ...], float], keep: list[str]
) -> None:
    findings = build_findings(gains)
    findings.is_zero_shot = lambda _: True
    advice = build_advice(findings)
    assert (advice["more"], advice["keep"], advice["front"]) == (120, keep, [])
    assert "no forecast is possible" in advice["sentence"]["en"]
    assert "无法预测" in advice["sentence"]["zh"]


def test_hours_of_options_count_runs_of_one_depth() -> None:
    findings = build_findings({}, cost={"label_minutes": 0.5, "computer_hour": 1.0}, seconds=1.0)
    fine_tuned_outcomes = {
        replace(run, depth="fine_tuned"): replace(outcome, seconds=7200.0)
        for run, outcome in findings.measurements.outcomes.items()
    }
    findings.measurements.outcomes |= fine_tuned_outcomes
    assert build_option(findings, 0, ()).hours == pytest.approx(1 / 3600)


def test_gain_that_only_fine_tuning_finds_is_undecided_and_reported() -> None:
    findings = build_findings({("self_training",): -0.05, ("augment", "self_training"): -0.05})
    fine_tuned_gain = {"value": 0.08, "low": 0.05, "high": 0.1}
    findings.agreement = {
        "compared": [{"lever": "self_training", "budget": 120, "proxy": fine_tuned_gain, "fine_tuned": fine_tuned_gain}]
    }
    advice = build_advice(findings)
    assert (advice["keep"], advice["off"], advice["undecided"]) == ([], ["augment"], ["self_training"])
    assert any(
        "self-training at 120 labels, fine-tuned: accuracy +0.080 (95% CI +0.050 to +0.100)" in sentence["en"]
        for sentence in advice["evidence"]
    )


def test_both_levers_of_a_pair_that_fine_tuning_doubts_are_undecided() -> None:
    findings = build_findings({("augment", "self_training"): 0.05})
    fine_tuned_gain = {"value": -0.003, "low": -0.03, "high": 0.02}
    findings.agreement = {
        "compared": [
            {"lever": "augment+self_training", "budget": 120, "proxy": fine_tuned_gain, "fine_tuned": fine_tuned_gain}
        ]
    }
    advice = build_advice(findings)
    assert (advice["keep"], advice["undecided"]) == ([], ["augment", "self_training"])


def test_lever_that_adds_nothing_to_the_kept_ones_is_turned_off() -> None:
    advice = build_advice(
        build_findings({("self_training",): 0.05, ("augment",): 0.04, ("augment", "self_training"): 0.03})
    )
    assert (advice["keep"], advice["off"], advice["undecided"]) == (["self_training"], ["augment"], [])
    assert any(
        re.match(r"augmentation added to self-training at 120 labels: accuracy −0.0\d\d \(", sentence["en"])
        for sentence in advice["evidence"]
    )


def test_gain_of_a_pair_with_a_kept_lever_does_not_keep_the_other_lever() -> None:
    findings = build_findings({("self_training",): 0.06, ("augment",): -0.02, ("augment", "self_training"): 0.04})
    fine_tuned_gains = {("self_training",): 0.06, ("augment",): -0.02, ("augment", "self_training"): 0.04}
    findings.agreement = {
        "compared": [
            {"lever": "+".join(levers), "budget": 120, "fine_tuned": {"value": x, "low": x - 0.01, "high": x + 0.01}}
            for levers, x in fine_tuned_gains.items()
        ]
    }
    advice = build_advice(findings)
    assert (advice["keep"], advice["off"], advice["undecided"]) == (["self_training"], ["augment"], [])


def test_lever_with_unclear_added_gain_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = build_findings({("self_training",): 0.05, ("augment", "self_training"): 0.04})
    monkeypatch.setattr(decision, "compute_added_gain", lambda *_: Interval(0.002, -0.01, 0.03))
    advice = build_advice(findings)
    assert advice["undecided"] == ["augment"]
    assert "; inconclusive: adding augmentation." in advice["sentence"]["en"]
    assert "；尚无定论：再加数据增强。" in advice["sentence"]["zh"]


def test_lever_that_does_nothing_alone_is_undecided_in_its_set() -> None:
    findings = build_findings({("self_training",): -0.05, ("augment",): 0.0, ("augment", "self_training"): 0.0})
    nothing, unclear = Interval(0.0, 0.0, 0.0), Interval(0.004, -0.01, 0.02)
    findings.gains["augment",][3] = findings.simultaneous_gains["augment",][3] = nothing
    findings.simultaneous_gains["augment", "self_training"][3] = unclear
    advice = build_advice(findings)
    assert findings.classify(("augment",), 120) == "not worth it here"
    assert "augment" in advice["undecided"]
    assert "; inconclusive: augmentation + self-training." in advice["sentence"]["en"]
    assert "；尚无定论：数据增强 + 自训练。" in advice["sentence"]["zh"]


def test_lever_that_costs_more_than_equivalent_labels_is_turned_off() -> None:
    expensive: dict[str, Any] = {"seconds": 3600.0, "cost": {"label_minutes": 0.01, "computer_hour": 100.0}}
    advice = build_advice(
        build_findings(
            {("self_training",): 0.03, ("augment", "self_training"): 0.015, ("augment",): -0.05},
            seconds_of={(): 1.0},
            **expensive,
        )
    )
    assert (advice["keep"], advice["off"]) == ([], ["augment", "self_training"])
    assert any("labels with the same effect cost fewer hours: " in sentence["en"] for sentence in advice["evidence"])
    assert advice["more"] > 0
    assert sum(option["chosen"] for option in advice["front"]) == 1


def test_no_labels_are_recommended_where_the_gain_is_too_small() -> None:
    advice = build_advice(build_findings({}, slope=0.0))
    assert advice["more"] == 0
    assert advice["sentence"]["en"].startswith("Recommendation: label no more texts (the expected gain is too small), ")
    assert advice["sentence"]["zh"].startswith("建议：不再标注（预期增益太小），")
    assert not any(option["chosen"] for option in advice["front"])


@pytest.mark.parametrize(("minutes", "computer", "hours"), [(0.5, 0.0, 1.0), (6.0, 0.0, 12.0), (0.5, 2.0, 1.0 + 2.0)])
def test_hours_add_labelling_time_and_converted_computer_time(minutes: float, computer: float, hours: float) -> None:
    findings = build_findings({}, seconds=3600.0, cost={"label_minutes": minutes, "computer_hour": computer})
    assert build_option(findings, 120, ()).hours == pytest.approx(hours)


def test_the_evidence_carries_intervals() -> None:
    advice = build_advice(build_findings({("self_training",): 0.05}))
    gain, head, *other_gains = advice["evidence"]
    assert "worth.fine_tuned.replicates" in head["en"], "the report says that no gain was fine-tuned"
    assert "worth.fine_tuned.replicates" in head["zh"]
    texts = [text for sentence in (gain, *other_gains) for text in (sentence["en"], sentence["zh"])]
    assert len(texts) == 8
    assert all(re.search(r"95% (CI|置信区间) [+−]?\d\.\d{3} (to|至) [+−]?\d\.\d{3}", text) for text in texts)


def test_more_labels_are_never_forecast_to_do_worse_and_levers_add_what_they_gained() -> None:
    findings = build_findings({("self_training",): 0.05})
    without_lever, with_lever = (
        [build_option(findings, n, levers).score.value for n in (0, 30, 360)] for levers in ((), ("self_training",))
    )
    assert without_lever == sorted(without_lever)
    assert np.subtract(with_lever, without_lever) == pytest.approx(findings.gains["self_training",][3].value, abs=1e-9)
