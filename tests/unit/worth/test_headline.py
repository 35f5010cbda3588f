"""The one sentence: the strongest finding in labels, in English and Chinese; never more than was measured."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from satiety.evaluate.bootstrap import Interval
from satiety.worth.advice import write_headline
from satiety.worth.decision import Decision, SampleSize
from satiety.worth.findings import Findings
from satiety.worth.label_count import LabelCount
from tests.unit.worth.material import AUGMENT, PSEUDO, worth

INF = float("inf")
SURE, UNSURE = Interval(0.05, 0.03, 0.07), Interval(0.002, -0.01, 0.015)
SETS = (("augment",), ("self_training",), ("augment", "self_training"))


def build_findings(
    gains: dict[Any, list[Interval]] | None = None,
    labels: dict[Any, list[LabelCount]] | None = None,
) -> Any:
    """Return findings at 120 and 1,240 labels: by default no gain is sure."""
    problem = SimpleNamespace(headline="accuracy")
    plan = SimpleNamespace(params=worth(levers=[AUGMENT, PSEUDO]), problem=problem, drop_idle=lambda levers: levers)
    gains = {levers: [UNSURE, UNSURE] for levers in SETS} | (gains or {})
    labels = {levers: [LabelCount(120, 100, 150), LabelCount(1240, 1100, INF)] for levers in SETS} | (labels or {})
    scores = SimpleNamespace(budgets=(120, 1240))
    findings: Any = SimpleNamespace(
        plan=plan,
        gains=gains,
        simultaneous_gains=gains,
        labels=labels,
        scores=scores,
        max_budget=1240,
        confidence_level=0.95,
    )
    findings.agreement, findings.is_zero_shot = None, lambda _: False
    findings.classify = lambda levers, budget: Findings.classify(findings, levers, budget)
    return findings


def build_headline(
    findings: Any, keep: tuple[str, ...] = (), expensive: tuple[str, ...] = (), undecided: tuple[str, ...] = ()
) -> dict[str, Any]:
    undecided_sets = {name: (name,) for name in undecided}
    return write_headline(findings, Decision(True, keep, expensive, (), undecided_sets, None, ()))


def test_headline_is_the_surest_gain_with_a_number_of_labels() -> None:
    gains = {("self_training",): [SURE, UNSURE], ("augment", "self_training"): [Interval(0.06, 0.04, 0.08), SURE]}
    labels = {("augment", "self_training"): [LabelCount(1131.2, 104.0, INF), LabelCount(INF, 1200.0, INF)]}
    headline = build_headline(build_findings(gains, labels))
    assert (headline["lever"], headline["budget"]) == ("augment+self_training", 120)
    assert headline["en"] == (
        "With augmentation and self-training, 120 labels score as high as 1,131 labels without them "
        "(95% CI 104 to more than 1,240)."
    )
    assert headline["zh"] == (
        "使用数据增强和自训练时，120 条标注的得分相当于不使用时的 1,131 条标注（95% 置信区间 104 至超过 1,240）。"
    )


def test_a_number_of_labels_precedes_one_beyond_the_curve() -> None:
    gains = {("self_training",): [SURE, Interval(0.2, 0.1, 0.3)]}
    labels = {("self_training",): [LabelCount(200, 150, 300), LabelCount(INF, INF, INF)]}
    headline = build_headline(build_findings(gains, labels))
    assert (headline["lever"], headline["budget"]) == ("self_training", 120)


def test_recommended_lever_precedes_a_surer_one_at_fewer_labels() -> None:
    gains = {("self_training",): [Interval(0.3, 0.2, 0.4), UNSURE], ("augment",): [UNSURE, SURE]}
    labels = {("augment",): [LabelCount(120, 90, 130), LabelCount(INF, 1200, INF)]}
    headline = build_headline(build_findings(gains, labels), keep=("augment",))
    assert (headline["lever"], headline["budget"]) == ("augment", 1240)


def test_the_best_of_levers_not_worth_it_is_no_idle_one() -> None:
    findings = build_findings({("augment",): [Interval(-0.001, -0.01, 0.008)] * 2})
    findings.plan.drop_idle = lambda levers: tuple(name for name in levers if name == "augment")
    assert "Best at 1,240 labels: augmentation, accuracy −0.001" in build_headline(findings)["en"]
    findings.plan.drop_idle = lambda _: ()
    assert "No measured lever changes" in build_headline(findings)["en"]


@pytest.mark.parametrize(
    ("labels", "en", "zh"),
    [
        (5600, "about 5,600 labels would confirm it.", "约需 5,600 条标注才能确认。"),
        (None, "with 800 test examples, no number of labels would confirm it.", "800 条测试样例时"),
    ],
)
def test_headline_without_a_sure_gain_names_the_labels_that_would_confirm_it(
    labels: int | None, en: str, zh: str
) -> None:
    findings = build_findings({("augment",): [Interval(0.03, -0.01, 0.07)] * 2})
    findings.plan.test = [None] * 800
    headline = write_headline(
        findings, Decision(True, (), (), (), {"augment": ("augment",)}, None, (), SampleSize(("augment",), labels))
    )
    assert headline["en"].startswith(
        "No lever is certain to help yet. Best at 1,240 labels: augmentation, accuracy +0.030"
    )
    assert headline["en"].endswith(en)
    assert zh in headline["zh"]


def test_labels_beyond_the_curve_are_more_than_the_largest_budget() -> None:
    headline = build_headline(
        build_findings(
            {("augment",): [UNSURE, SURE]}, {("augment",): [LabelCount(120, 90, 130), LabelCount(INF, 1200, INF)]}
        )
    )
    assert "as high as more than 1,240 labels without it (95% CI 1,200 to more than 1,240)" in headline["en"]
    assert "相当于不使用时的超过 1,240 条标注" in headline["zh"]


def test_gain_is_given_where_the_whole_interval_is_beyond_the_curve() -> None:
    headline = build_headline(
        build_findings(
            {("augment",): [UNSURE, SURE]}, {("augment",): [LabelCount(120, 90, 130), LabelCount(INF, INF, INF)]}
        )
    )
    assert headline["en"] == (
        "With augmentation, 1,240 labels score as high as more than 1,240 labels without it "
        "(accuracy +0.050, 95% CI +0.030 to +0.070)."
    )
    assert headline["zh"].endswith("超过 1,240 条标注（accuracy +0.050，95% 置信区间 +0.030 至 +0.070）。")


def test_gain_not_fine_tuned_at_its_budget_is_of_a_linear_head() -> None:
    findings = build_findings({("augment",): [SURE, UNSURE]})
    fine_tuned_gain = {"value": 0.05, "low": 0.03, "high": 0.07}
    findings.agreement = {
        "compared": [{"lever": "augment", "budget": 1240, "proxy": {}, "fine_tuned": fine_tuned_gain}]
    }
    assert build_headline(findings)["en"].endswith("), for a linear head on frozen embeddings.")


def test_headline_adds_a_small_fine_tuned_gain() -> None:
    findings = build_findings({("augment",): [UNSURE, SURE]})
    fine_tuned_gain = {"value": 0.003, "low": -0.002, "high": 0.008}
    findings.agreement = {
        "compared": [{"lever": "augment", "budget": 1240, "proxy": {}, "fine_tuned": fine_tuned_gain}]
    }
    assert "the gain is accuracy +0.003 (95% CI −0.002 to +0.008)" in build_headline(findings)["en"]


@pytest.mark.parametrize("place", [0, 1])
def test_gain_that_fine_tuning_does_not_show_is_of_a_linear_head(place: int) -> None:
    """Also where the headline has fewer labels than the fine-tuned gain."""
    gains = [SURE if i == place else UNSURE for i in range(2)]
    findings = build_findings(
        {("augment",): gains}, {("augment",): [LabelCount(120, 90, 130), LabelCount(INF, 1200, INF)]}
    )
    fine_tuned_gain = {"value": -0.003, "low": -0.031, "high": 0.024}
    findings.agreement = {
        "compared": [{"lever": "augment", "budget": 1240, "proxy": {}, "fine_tuned": fine_tuned_gain}]
    }
    headline = build_headline(findings)
    assert headline["en"].endswith(
        ", for a linear head on frozen embeddings; fine-tuned with 1,240 labels, the gain is accuracy −0.003 "
        "(95% CI −0.031 to +0.024)."
    )
    assert headline["zh"].endswith(
        "（冻结编码器上的线性头）；1,240 条标注、微调时，增益为 accuracy −0.003（95% 置信区间 −0.031 至 +0.024）。"
    )


def test_gain_that_fine_tuning_refutes_is_not_the_headline() -> None:
    findings = build_findings({("augment",): [UNSURE, Interval(0.3, 0.2, 0.4)], ("self_training",): [SURE, UNSURE]})
    fine_tuned_gain = {"value": -0.05, "low": -0.08, "high": -0.02}
    findings.agreement = {
        "compared": [{"lever": "augment", "budget": 1240, "proxy": {}, "fine_tuned": fine_tuned_gain}]
    }
    assert build_headline(findings)["lever"] == "self_training"


def test_headline_names_a_lever_that_is_too_expensive() -> None:
    findings = build_findings({("augment",): [UNSURE, SURE]})
    assert build_headline(findings, expensive=("augment",))["en"].endswith("; labels with the same effect cost less.")


def test_headline_says_that_no_lever_is_certain_to_be_worth_it() -> None:
    headline = build_headline(
        build_findings({("self_training",): [UNSURE, Interval(0.004, -0.002, 0.011)]}), undecided=("self_training",)
    )
    assert headline["en"] == (
        "No lever is certain to help yet. Best at 1,240 labels: self-training, accuracy +0.004 "
        "(95% CI −0.002 to +0.011), less than the smallest gain that matters (0.01)."
    )
    assert headline["zh"] == (
        "尚无确定有效的手段。1,240 条标注时最好的手段（自训练）：accuracy +0.004（95% 置信区间 −0.002 至 +0.011），"
        "低于有意义的最小增益（0.01）。"
    )
    assert "lever" not in headline


def test_headline_says_that_no_lever_is_worth_it() -> None:
    small, bad = Interval(0.001, -0.004, 0.007), Interval(-0.05, -0.07, -0.03)
    headline = build_headline(build_findings({levers: [bad, small] for levers in SETS}))
    assert headline["en"].startswith("No lever is worth it here. Best at 1,240 labels: ")
    assert "没有值得使用的手段" in headline["zh"]
    proved = build_headline(build_findings({levers: [bad, small] for levers in SETS}), undecided=("self_training",))
    assert proved["en"].startswith("No lever is certain to help yet"), "as in the advice"


@pytest.mark.parametrize("gain", [Interval(0.009, 0.001, 0.02), Interval(-0.05, -0.07, -0.03)])
def test_small_or_harmful_gains_are_no_headline(gain: Interval) -> None:
    assert build_headline(build_findings({("self_training",): [gain, gain]}))["en"].startswith("No lever is ")
