"""The one sentence: the strongest finding in labels, in English and Chinese; never more than was measured."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from satiety.evaluate.bootstrap import Interval
from satiety.worth.equivalence import Labels
from satiety.worth.findings import Findings
from satiety.worth.headline import headline
from tests.unit.worth.material import AUGMENT, PSEUDO, worth

INF = float("inf")
SURE, UNSURE = Interval(0.05, 0.03, 0.07), Interval(0.002, -0.01, 0.015)
SETS = (("augment",), ("pseudo",), ("augment", "pseudo"))


def made(
    gains: dict[Any, list[Interval]] | None = None,
    labels: dict[Any, list[Labels]] | None = None,
) -> Any:
    """Return findings at 120 and 1,240 labels: by default nothing is sure."""
    plan = SimpleNamespace(params=worth(levers=[AUGMENT, PSEUDO]))
    gains = {levers: [UNSURE, UNSURE] for levers in SETS} | (gains or {})
    labels = {levers: [Labels(120, 100, 150), Labels(1240, 1100, INF)] for levers in SETS} | (labels or {})
    scores = SimpleNamespace(budgets=(120, 1240))
    found: Any = SimpleNamespace(plan=plan, gains=gains, labels=labels, scores=scores, top=1240)
    found.agreement, found.untaught = None, lambda _: False
    found.says = lambda levers, budget: Findings.says(found, levers, budget)
    return found


def test_the_surest_that_can_be_told_in_a_number_is_told() -> None:
    gains = {("pseudo",): [SURE, UNSURE], ("augment", "pseudo"): [Interval(0.06, 0.04, 0.08), SURE]}
    labels = {("augment", "pseudo"): [Labels(1131.2, 104.0, INF), Labels(INF, 1200.0, INF)]}
    told = headline(made(gains, labels))
    assert (told["lever"], told["budget"]) == ("augment+pseudo", 120)
    assert told["en"] == ("augment + pseudo at 120 labels does what 1,131 labels do alone [104, more than 1,240].")
    assert told["zh"] == "augment + pseudo 在 120 条标注时的效果，相当于单用 1,131 条 [104, 超过 1,240]。"


def test_a_number_goes_before_what_is_beyond_measure() -> None:
    gains = {("pseudo",): [SURE, Interval(0.2, 0.1, 0.3)]}
    labels = {("pseudo",): [Labels(200, 150, 300), Labels(INF, INF, INF)]}
    told = headline(made(gains, labels))
    assert (told["lever"], told["budget"]) == ("pseudo", 120)


def test_what_is_advised_goes_before_what_is_surer_at_fewer_labels() -> None:
    gains = {("pseudo",): [Interval(0.3, 0.2, 0.4), UNSURE], ("augment",): [UNSURE, SURE]}
    labels = {("augment",): [Labels(120, 90, 130), Labels(INF, 1200, INF)]}
    told = headline(made(gains, labels))
    assert (told["lever"], told["budget"]) == ("augment", 1240)


def test_the_best_of_none_worth_it_is_one_that_changes_something() -> None:
    nothing = Interval(0.0, 0.0, 0.0)
    small = dict.fromkeys((("augment",), ("augment", "pseudo")), [Interval(-0.001, -0.01, 0.008)] * 2)
    assert "the best, augment" in headline(made({**small, ("pseudo",): [nothing, nothing]}))["en"]


def test_beyond_measure_is_said_so() -> None:
    told = headline(
        made({("augment",): [UNSURE, SURE]}, {("augment",): [Labels(120, 90, 130), Labels(INF, 1200, INF)]})
    )
    assert "does what more than 1,240 labels do alone [1,200, more than 1,240]" in told["en"]
    assert "相当于单用 超过 1,240 条" in told["zh"]


def test_where_all_of_the_interval_is_beyond_measure_the_gain_is_told() -> None:
    told = headline(made({("augment",): [UNSURE, SURE]}, {("augment",): [Labels(120, 90, 130), Labels(INF, INF, INF)]}))
    assert told["en"] == "augment at 1,240 labels does what more than 1,240 labels do alone (+0.050 [+0.030, +0.070])."
    assert told["zh"].endswith("相当于单用 超过 1,240 条 (+0.050 [+0.030, +0.070])。")


def test_a_gain_that_fine_tuning_does_not_have_is_said_to_be_a_heads() -> None:
    found = made({("augment",): [UNSURE, SURE]}, {("augment",): [Labels(120, 90, 130), Labels(INF, 1200, INF)]})
    full = {"value": -0.003, "low": -0.031, "high": 0.024}
    found.agreement = {"compared": [{"lever": "augment", "budget": 1240, "quick": {}, "full": full}]}
    told = headline(found)
    assert told["en"].endswith("by a linear head; fine-tuned it adds -0.003 [-0.031, +0.024].")
    assert told["zh"].endswith("（线性头）；微调时增益为 -0.003 [-0.031, +0.024]。")


def test_where_no_lever_is_worth_it_that_is_said() -> None:
    told = headline(made({("pseudo",): [UNSURE, Interval(0.004, -0.002, 0.011)]}))
    assert told["en"] == (
        "No lever measured is worth it here: at 1,240 labels the best, pseudo, adds +0.004 [-0.002, +0.011]."
    )
    assert "没有值得使用的杠杆" in told["zh"]
    assert "lever" not in told


@pytest.mark.parametrize("gain", [Interval(0.009, 0.001, 0.02), Interval(-0.05, -0.07, -0.03)])
def test_what_is_too_small_or_harmful_is_no_headline(gain: Interval) -> None:
    assert headline(made({("pseudo",): [gain, gain]}))["en"].startswith("No lever measured is worth it")
