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


def made(
    gains: dict[Any, list[Interval]] | None = None,
    labels: dict[Any, list[LabelCount]] | None = None,
) -> Any:
    """Return findings at 120 and 1,240 labels: by default nothing is sure."""
    problem = SimpleNamespace(headline="accuracy")
    plan = SimpleNamespace(params=worth(levers=[AUGMENT, PSEUDO]), problem=problem, drop_idle=lambda levers: levers)
    gains = {levers: [UNSURE, UNSURE] for levers in SETS} | (gains or {})
    labels = {levers: [LabelCount(120, 100, 150), LabelCount(1240, 1100, INF)] for levers in SETS} | (labels or {})
    scores = SimpleNamespace(budgets=(120, 1240))
    found: Any = SimpleNamespace(
        plan=plan,
        gains=gains,
        simultaneous_gains=gains,
        labels=labels,
        scores=scores,
        max_budget=1240,
        confidence_level=0.95,
    )
    found.agreement, found.is_zero_shot = None, lambda _: False
    found.classify = lambda levers, budget: Findings.classify(found, levers, budget)
    return found


def told_of(
    found: Any, keep: tuple[str, ...] = (), dear: tuple[str, ...] = (), undecided: tuple[str, ...] = ()
) -> dict[str, Any]:
    return write_headline(found, Decision(True, keep, dear, (), undecided, None, ()))


def test_the_surest_that_can_be_told_in_a_number_is_told() -> None:
    gains = {("self_training",): [SURE, UNSURE], ("augment", "self_training"): [Interval(0.06, 0.04, 0.08), SURE]}
    labels = {("augment", "self_training"): [LabelCount(1131.2, 104.0, INF), LabelCount(INF, 1200.0, INF)]}
    told = told_of(made(gains, labels))
    assert (told["lever"], told["budget"]) == ("augment+self_training", 120)
    assert told["en"] == (
        "With augmentation and self-training, 120 labels score as high as 1,131 labels without them "
        "(95 % CI 104 to more than 1,240)."
    )
    assert told["zh"] == (
        "使用数据增强和自训练时，120 条标注的得分相当于不使用时的 1,131 条标注（95% 置信区间 104 至超过 1,240）。"
    )


def test_a_number_goes_before_what_is_beyond_measure() -> None:
    gains = {("self_training",): [SURE, Interval(0.2, 0.1, 0.3)]}
    labels = {("self_training",): [LabelCount(200, 150, 300), LabelCount(INF, INF, INF)]}
    told = told_of(made(gains, labels))
    assert (told["lever"], told["budget"]) == ("self_training", 120)


def test_what_is_advised_goes_before_what_is_surer_at_fewer_labels() -> None:
    gains = {("self_training",): [Interval(0.3, 0.2, 0.4), UNSURE], ("augment",): [UNSURE, SURE]}
    labels = {("augment",): [LabelCount(120, 90, 130), LabelCount(INF, 1200, INF)]}
    told = told_of(made(gains, labels), keep=("augment",))
    assert (told["lever"], told["budget"]) == ("augment", 1240)


def test_the_best_of_none_worth_it_is_one_that_changes_something() -> None:
    found = made({("augment",): [Interval(-0.001, -0.01, 0.008)] * 2})
    found.plan.drop_idle = lambda levers: tuple(name for name in levers if name == "augment")
    assert "the best, augmentation, gains accuracy -0.001" in told_of(found)["en"]
    found.plan.drop_idle = lambda _: ()
    assert "No measured lever changes" in told_of(found)["en"]


@pytest.mark.parametrize(
    ("labels", "en", "zh"),
    [
        (5600, "about 5,600 labels would confirm a gain of this size.", "约需 5,600 条标注才能确认这样的增益。"),
        (None, "with 800 test examples, no number of labels would confirm a gain of this size.", "800 条测试样例时"),
    ],
)
def test_where_nothing_is_sure_it_says_what_would_make_it_so(labels: int | None, en: str, zh: str) -> None:
    found = made({("augment",): [Interval(0.03, -0.01, 0.07)] * 2})
    found.plan.test = [None] * 800
    told = write_headline(found, Decision(True, (), (), (), ("augment",), None, (), SampleSize(("augment",), labels)))
    assert told["en"].startswith(
        "No lever is certain to be worth it yet: at 1,240 labels the best, augmentation, gains"
    )
    assert told["en"].endswith(en)
    assert zh in told["zh"]


def test_beyond_measure_is_said_so() -> None:
    told = told_of(
        made({("augment",): [UNSURE, SURE]}, {("augment",): [LabelCount(120, 90, 130), LabelCount(INF, 1200, INF)]})
    )
    assert "as high as more than 1,240 labels without it (95 % CI 1,200 to more than 1,240)" in told["en"]
    assert "相当于不使用时的超过 1,240 条标注" in told["zh"]


def test_where_all_of_the_interval_is_beyond_measure_the_gain_is_told() -> None:
    told = told_of(
        made({("augment",): [UNSURE, SURE]}, {("augment",): [LabelCount(120, 90, 130), LabelCount(INF, INF, INF)]})
    )
    assert told["en"] == (
        "With augmentation, 1,240 labels score as high as more than 1,240 labels without it "
        "(accuracy +0.050, 95 % CI 0.030 to 0.070)."
    )
    assert told["zh"].endswith("超过 1,240 条标注（accuracy +0.050，95% 置信区间 0.030 至 0.070）。")


def test_a_gain_that_was_not_fine_tuned_at_its_budget_is_said_to_be_a_heads() -> None:
    found = made({("augment",): [SURE, UNSURE]})
    full = {"value": 0.05, "low": 0.03, "high": 0.07}
    found.agreement = {"compared": [{"lever": "augment", "budget": 1240, "proxy": {}, "fine_tuned": full}]}
    assert told_of(found)["en"].endswith("), for a linear head on frozen embeddings.")


def test_a_small_gain_that_fine_tuning_is_sure_of_is_told_with_the_finding() -> None:
    found = made({("augment",): [UNSURE, SURE]})
    full = {"value": 0.003, "low": -0.002, "high": 0.008}
    found.agreement = {"compared": [{"lever": "augment", "budget": 1240, "proxy": {}, "fine_tuned": full}]}
    assert "the gain is accuracy +0.003 (95 % CI -0.002 to 0.008)" in told_of(found)["en"]


@pytest.mark.parametrize("place", [0, 1])
def test_a_gain_that_fine_tuning_does_not_have_is_said_to_be_a_heads(place: int) -> None:
    """Also where it was told at fewer labels than it was fine-tuned with."""
    gains = [SURE if i == place else UNSURE for i in range(2)]
    found = made({("augment",): gains}, {("augment",): [LabelCount(120, 90, 130), LabelCount(INF, 1200, INF)]})
    full = {"value": -0.003, "low": -0.031, "high": 0.024}
    found.agreement = {"compared": [{"lever": "augment", "budget": 1240, "proxy": {}, "fine_tuned": full}]}
    told = told_of(found)
    assert told["en"].endswith(
        ", for a linear head on frozen embeddings; fine-tuned with 1,240 labels, the gain is accuracy -0.003 "
        "(95 % CI -0.031 to 0.024)."
    )
    assert told["zh"].endswith(
        "（冻结编码器上的线性头）；1,240 条标注、微调时，增益为 accuracy -0.003（95% 置信区间 -0.031 至 0.024）。"
    )


def test_what_fine_tuning_does_not_refute_goes_first() -> None:
    found = made({("augment",): [UNSURE, Interval(0.3, 0.2, 0.4)], ("self_training",): [SURE, UNSURE]})
    full = {"value": -0.05, "low": -0.08, "high": -0.02}
    found.agreement = {"compared": [{"lever": "augment", "budget": 1240, "proxy": {}, "fine_tuned": full}]}
    assert told_of(found)["lever"] == "self_training"


def test_a_lever_that_is_too_dear_is_said_to_be() -> None:
    found = made({("augment",): [UNSURE, SURE]})
    assert told_of(found, dear=("augment",))["en"].endswith("; labels with the same effect cost less.")


def test_where_no_lever_is_surely_worth_it_that_is_said() -> None:
    told = told_of(made({("self_training",): [UNSURE, Interval(0.004, -0.002, 0.011)]}), undecided=("self_training",))
    assert told["en"] == (
        "No lever is certain to be worth it yet: "
        "at 1,240 labels the best, self-training, gains accuracy +0.004 (95 % CI -0.002 to 0.011); "
        "this is below worth.min_effect (0.01), and no number of labels makes a gain of this size worth it."
    )
    assert "尚无确定值得使用的手段" in told["zh"]
    assert "lever" not in told


def test_where_all_levers_are_known_to_be_not_worth_it_that_is_said() -> None:
    small, bad = Interval(0.001, -0.004, 0.007), Interval(-0.05, -0.07, -0.03)
    told = told_of(made({levers: [bad, small] for levers in SETS}))
    assert told["en"].startswith("No lever is worth it here: at 1,240 labels the best, ")
    assert "没有值得使用的手段" in told["zh"]
    proved = told_of(made({levers: [bad, small] for levers in SETS}), undecided=("self_training",))
    assert proved["en"].startswith("No lever is certain to be worth it yet"), "as the next step says"


@pytest.mark.parametrize("gain", [Interval(0.009, 0.001, 0.02), Interval(-0.05, -0.07, -0.03)])
def test_what_is_too_small_or_harmful_is_no_headline(gain: Interval) -> None:
    assert told_of(made({("self_training",): [gain, gain]}))["en"].startswith("No lever is ")
