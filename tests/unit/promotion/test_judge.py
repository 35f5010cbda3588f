"""Decision table row by row, and the reason of each decision."""

import math
from typing import Any

import pytest

from satiety.core.errors import ParamsError
from satiety.promotion import Promote
from satiety.promotion.alpha_spending import InterimAnalyses, InterimAnalysis
from satiety.promotion.judge import Evidence, SystemComparison, Verdict, judge
from satiety.promotion.paired_bootstrap import PairedMetric
from satiety.promotion.reason import explain_decision
from satiety.promotion.report import report_grounds, report_spending
from tests.unit.promotion.made import VALUES, pair, params

BETTER, OPEN, EQUAL, WORSE = pair(0.06), pair(0.005, 0.02), pair(0.002, 0.003), pair(-0.06)
SURE, UNSURE = pair(-0.05, 0.005, old=0.1), pair(-0.005, 0.01, old=0.1)
FIRST = InterimAnalyses(InterimAnalysis(1, 0.025), InterimAnalysis(1, 0.025))


def weigh(
    frozen: PairedMetric, fresh: PairedMetric | None = None, drawn: PairedMetric | None = None, **more: Any
) -> tuple[Verdict, str]:
    slices = more.pop("slices", {})
    looks = more.pop("looks", FIRST)
    given = {"calibration": UNSURE, "sizes": (100_000, 100_000)} | more
    several = (SystemComparison(pair, {}) if pair else None for pair in (fresh, drawn))
    evidence = Evidence(SystemComparison(frozen, slices), *several, **given)
    verdict = judge(evidence, looks, params())
    return verdict, explain_decision("macro_f1", "the champion, version 2", evidence, verdict, looks, params())


@pytest.mark.parametrize(
    ("frozen", "drawn", "promoted"),
    [
        (BETTER, None, True),
        (BETTER, BETTER, True),
        (BETTER, OPEN, True),
        (BETTER, WORSE, False),
        (OPEN, None, False),
        (OPEN, BETTER, True),
        (OPEN, OPEN, False),
        (OPEN, WORSE, False),
        (EQUAL, None, False),
        (EQUAL, BETTER, True),
        (WORSE, None, False),
        (WORSE, BETTER, False),
    ],
)
def test_better_on_one_set_and_not_worse_on_the_other(
    frozen: PairedMetric, drawn: PairedMetric | None, promoted: bool
) -> None:
    verdict, _ = weigh(frozen, drawn, drawn)
    assert verdict.promote is promoted


@pytest.mark.parametrize(
    ("frozen", "more", "promoted"),
    [
        (EQUAL, {"sizes": (100_000, 90_000)}, True),
        (EQUAL, {"sizes": (100_000, 90_001)}, False),
        (EQUAL, {"calibration": SURE}, True),
        (EQUAL, {"calibration": None}, False),
        (OPEN, {"sizes": (100_000, 50_000), "calibration": SURE}, False),
        (WORSE, {"sizes": (100_000, 50_000), "calibration": SURE}, False),
    ],
)
def test_one_that_is_not_inferior_must_be_cheaper_or_better_calibrated(
    frozen: PairedMetric, more: dict[str, Any], promoted: bool
) -> None:
    verdict, _ = weigh(frozen, **more)
    assert verdict.promote is promoted


@pytest.mark.parametrize("frozen", [OPEN, EQUAL, WORSE])
def test_labels_that_people_volunteered_hold_back_and_do_not_promote(frozen: PairedMetric) -> None:
    """People correct wrong answers, so any other model scores higher on their corrections."""
    assert not weigh(frozen, BETTER)[0].promote
    assert not weigh(BETTER, WORSE)[0].promote
    assert weigh(frozen, BETTER, BETTER)[0].promote is (frozen is not WORSE)


class TestARefusal:
    """A refusal names every rule that blocked the promotion, with its param."""

    def test_by_volunteered_labels_names_the_way_to_random_ones(self) -> None:
        why = weigh(OPEN, BETTER)[1]
        assert "on 400 fresh examples +0.060 [+0.040, +0.080]: better" in why
        assert "volunteered labels can only block a promotion" in why
        assert "`satiety label next --from traffic --random -n N`" in why
        assert "volunteered" not in weigh(OPEN, OPEN)[1]
        assert "once the fresh test set contains promote.min_fresh_examples (40) of them" in weigh(OPEN, OPEN)[1]
        assert "volunteered" not in weigh(OPEN, BETTER, OPEN)[1], "a random sample was tested on"

    def test_by_a_test_set_names_it_and_the_margin(self) -> None:
        assert "it is worse by more than promote.margin (0.01) on the frozen examples" in weigh(WORSE, BETTER)[1]
        assert "it is worse by more than promote.margin (0.01) on the fresh examples" in weigh(BETTER, WORSE)[1]

    def test_by_a_slice_names_its_margin(self) -> None:
        why = weigh(BETTER, slices={"language zh": pair(-0.2, 0.04)})[1]
        assert why.endswith("not promoted because a slice is worse by more than promote.slice_margin (0.02)")

    def test_for_lack_of_evidence_names_the_level_and_what_else_would_count(self) -> None:
        why = weigh(EQUAL)[1]
        assert (
            "not significantly better on the frozen examples at the remaining alpha (promote.confidence_level 0.95)"
            in why
        )
        assert "cheaper (promote.saving 0.1) or better calibrated" in why

    def test_a_promotion_names_none(self) -> None:
        assert "not promoted" not in weigh(BETTER)[1]


def test_a_slice_that_is_worse_keeps_the_champion_and_is_named() -> None:
    slices = {"language zh": pair(-0.2, 0.04), "label 好": pair(-0.03, 0.02)}
    verdict, why = weigh(BETTER, slices=slices)
    assert not verdict.promote
    assert list(verdict.regressed) == ["language zh"]
    assert "worse in a slice: language zh -0.200 [-0.278, -0.122]" in why


def test_cheaper_does_not_help_where_fresh_examples_are_answered_worse() -> None:
    assert not weigh(EQUAL, WORSE, sizes=(100, 10))[0].promote


def test_the_same_difference_promotes_at_the_first_comparison_and_not_at_the_twentieth() -> None:
    early, late = (weigh(pair(0.03), looks=InterimAnalyses(InterimAnalysis(number, 0.025))) for number in (1, 20))
    assert early[0].promote
    assert not late[0].promote
    assert late[0].frozen.confidence_level > early[0].frozen.confidence_level
    assert "comparison 20 on this test set, 0.05 of its alpha is left: collect new test examples" in late[1]


def test_comparisons_on_random_examples_are_counted_separately() -> None:
    late, some = InterimAnalysis(1000, 0.025), pair(0.03)
    assert weigh(OPEN, some, some, looks=InterimAnalyses(late, InterimAnalysis(1, 0.025)))[0].promote
    assert not weigh(OPEN, some, some, looks=InterimAnalyses(late, late))[0].promote


def test_the_reason_contains_every_ground() -> None:
    _, why = weigh(EQUAL, OPEN, BETTER, slices={"language en": EQUAL}, sizes=(2_000_000, 1_000_000))
    assert why == (
        "macro_f1 0.702 against 0.700 of the champion, version 2; difference +0.002 [-0.005, +0.009]: "
        "not inferior (above -0.01); on 400 fresh examples +0.005 [-0.034, +0.044]: undecided; on 400 "
        "randomly drawn examples +0.060 [+0.038, +0.082]: better; 1.0 MB of weights "
        "against 2.0 MB: cheaper; calibration error -0.005 [-0.033, +0.023]: not significantly better calibrated; "
        "no slice is worse (1 compared); comparison 1 on this test set, 0.50 of its alpha is left"
    )
    assert ": worse by more than 0.01" in weigh(WORSE)[1]


def test_against_no_training_only_better_counts() -> None:
    verdict, why = weigh(EQUAL, calibration=None, sizes=None)
    assert not verdict.promote
    assert "inferior" not in why
    assert weigh(BETTER, calibration=None, sizes=None)[0].promote


def test_the_report_contains_a_verdict_on_each_ground() -> None:
    evidence = Evidence(
        SystemComparison(EQUAL, {"label bad": WORSE}),
        SystemComparison(OPEN, {}),
        SystemComparison(BETTER, {}),
        SURE,
        (100, 50),
    )
    verdict = judge(evidence, FIRST, params())
    told = report_grounds(evidence, verdict, [], params())
    assert [told[name]["verdict"] for name in ("frozen", "fresh", "drawn")] == ["equal", "undecided", "better"]
    assert told["slices"]["label bad"]["verdict"] == "worse"
    assert told["calibration"]["verdict"] == "better"
    assert told["cost"] == {"champion": {"bytes": 100}, "challenger": {"bytes": 50}, "cheaper": True}
    left = report_spending(FIRST, params(max_comparisons=1))
    assert (left["comparison"], left["left"], left["advice"]) == (1, 0.5, "collect new test examples")
    assert left["drawn"] == {"comparison": 1, "total": 0.025, "spent": 0.5, "left": 0.5}
    assert report_grounds(None, None, [], params()) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_comparisons", 0),
        ("calibration", 1),
        ("margin", 0),
        ("slices", ["colour"]),
        ("min_fresh_examples", 29),
        ("saving", 1),
    ],
)
def test_a_value_out_of_bounds_is_named_with_its_line(field: str, value: Any, tmp_path: Any) -> None:
    path = tmp_path / "params.yaml"
    lines = "".join(f"  {name}: {one}\n" for name, one in (VALUES | {field: value}).items())
    path.write_text(f"promote:\n{lines}".replace("'", ""))
    with pytest.raises(ParamsError, match=rf"params\.yaml:\d+: promote\.{field}"):
        Promote.load(path)


def test_a_pair_without_any_difference_is_neither_better_nor_worse() -> None:
    verdict, _ = weigh(pair(0.0, 0.0))
    assert verdict.frozen.equal
    assert not verdict.frozen.better
    assert not math.isnan(verdict.frozen.difference.low)
