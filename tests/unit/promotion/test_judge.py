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
from tests.unit.promotion.evidence import VALUES, make_pair, make_params

BETTER, OPEN, EQUAL, WORSE = make_pair(0.06), make_pair(0.005, 0.02), make_pair(0.002, 0.003), make_pair(-0.06)
SURE, UNSURE = make_pair(-0.05, 0.005, champion=0.1), make_pair(-0.005, 0.01, champion=0.1)
FIRST = InterimAnalyses(InterimAnalysis(1, 0.025), InterimAnalysis(1, 0.025))


def weigh(
    frozen: PairedMetric, fresh: PairedMetric | None = None, random_fresh: PairedMetric | None = None, **changes: Any
) -> tuple[Verdict, str]:
    slices = changes.pop("slices", {})
    analyses = changes.pop("analyses", FIRST)
    fields = {"calibration": UNSURE, "sizes": (100_000, 100_000)} | changes
    fresh_comparisons = (SystemComparison(pair, {}) if pair else None for pair in (fresh, random_fresh))
    evidence = Evidence(SystemComparison(frozen, slices), *fresh_comparisons, **fields)
    verdict = judge(evidence, analyses, make_params())
    return verdict, explain_decision("macro_f1", "the champion, version 2", evidence, verdict, analyses, make_params())


@pytest.mark.parametrize(
    ("frozen", "random_fresh", "promoted"),
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
def test_a_challenger_must_be_better_on_one_test_set_and_not_worse_on_the_other(
    frozen: PairedMetric, random_fresh: PairedMetric | None, promoted: bool
) -> None:
    verdict, _ = weigh(frozen, random_fresh, random_fresh)
    assert verdict.promote is promoted


@pytest.mark.parametrize(
    ("frozen", "changes", "promoted"),
    [
        (EQUAL, {"sizes": (100_000, 90_000)}, True),
        (EQUAL, {"sizes": (100_000, 90_001)}, False),
        (EQUAL, {"calibration": SURE}, True),
        (EQUAL, {"calibration": None}, False),
        (OPEN, {"sizes": (100_000, 50_000), "calibration": SURE}, False),
        (WORSE, {"sizes": (100_000, 50_000), "calibration": SURE}, False),
    ],
)
def test_a_challenger_that_is_not_inferior_must_be_cheaper_or_better_calibrated(
    frozen: PairedMetric, changes: dict[str, Any], promoted: bool
) -> None:
    verdict, _ = weigh(frozen, **changes)
    assert verdict.promote is promoted


@pytest.mark.parametrize("frozen", [OPEN, EQUAL, WORSE])
def test_volunteered_labels_can_block_but_not_promote(frozen: PairedMetric) -> None:
    """People correct wrong answers, so any other model scores higher on their corrections."""
    assert not weigh(frozen, BETTER)[0].promote
    assert not weigh(BETTER, WORSE)[0].promote
    assert weigh(frozen, BETTER, BETTER)[0].promote is (frozen is not WORSE)


class TestARefusal:
    """A refusal names every rule that blocked the promotion, with its param."""

    def test_a_refusal_for_volunteered_labels_names_the_command_for_random_ones(self) -> None:
        reason = weigh(OPEN, BETTER)[1]
        assert "on 400 fresh examples +0.060 [+0.040, +0.080]: better" in reason
        assert "volunteered labels can only block a promotion" in reason
        assert "`satiety label next -n N`" in reason
        assert "volunteered" not in weigh(OPEN, OPEN)[1]
        assert "once the fresh test set contains promote.min_fresh_examples (40) of them" in weigh(OPEN, OPEN)[1]
        assert "volunteered" not in weigh(OPEN, BETTER, OPEN)[1], "there is a random sample"

    def test_a_refusal_for_a_test_set_names_it_and_the_margin(self) -> None:
        assert "it is worse by more than promote.margin (0.01) on the frozen examples" in weigh(WORSE, BETTER)[1]
        assert "it is worse by more than promote.margin (0.01) on the fresh examples" in weigh(BETTER, WORSE)[1]

    def test_a_refusal_for_a_slice_names_the_slice_margin(self) -> None:
        reason = weigh(BETTER, slices={"language zh": make_pair(-0.2, 0.04)})[1]
        assert reason.endswith("not promoted because a slice is worse by more than promote.slice_margin (0.02)")

    def test_a_refusal_for_lack_of_evidence_names_the_level_and_the_alternatives(self) -> None:
        reason = weigh(EQUAL)[1]
        assert (
            "not significantly better on the frozen examples at the remaining alpha (promote.confidence_level 0.95)"
            in reason
        )
        assert "cheaper (promote.saving 0.1) or better calibrated" in reason

    def test_a_promotion_names_no_refusal(self) -> None:
        assert "not promoted" not in weigh(BETTER)[1]


def test_a_slice_that_is_worse_keeps_the_champion_and_is_named() -> None:
    slices = {"language zh": make_pair(-0.2, 0.04), "label 好": make_pair(-0.03, 0.02)}
    verdict, reason = weigh(BETTER, slices=slices)
    assert not verdict.promote
    assert list(verdict.regressed) == ["language zh"]
    assert "worse in a slice: language zh -0.200 [-0.278, -0.122]" in reason


def test_cheaper_does_not_help_where_fresh_examples_are_answered_worse() -> None:
    assert not weigh(EQUAL, WORSE, sizes=(100, 10))[0].promote


def test_the_same_difference_promotes_at_the_first_comparison_and_not_at_the_twentieth() -> None:
    first, twentieth = (
        weigh(make_pair(0.03), analyses=InterimAnalyses(InterimAnalysis(number, 0.025))) for number in (1, 20)
    )
    assert first[0].promote
    assert not twentieth[0].promote
    assert twentieth[0].frozen.confidence_level > first[0].frozen.confidence_level
    assert (
        "comparison 20 on this test set, 5% of its error budget for wrong promotions is left: collect new test examples"
        in twentieth[1]
    )


def test_comparisons_on_random_examples_are_counted_separately() -> None:
    exhausted, better = InterimAnalysis(1000, 0.025), make_pair(0.03)
    assert weigh(OPEN, better, better, analyses=InterimAnalyses(exhausted, InterimAnalysis(1, 0.025)))[0].promote
    assert not weigh(OPEN, better, better, analyses=InterimAnalyses(exhausted, exhausted))[0].promote


def test_the_reason_contains_every_ground() -> None:
    _, reason = weigh(EQUAL, OPEN, BETTER, slices={"language en": EQUAL}, sizes=(2_000_000, 1_000_000))
    assert reason == (
        "macro_f1 0.702 against 0.700 of the champion, version 2; difference +0.002 [-0.005, +0.009]: "
        "not inferior (above -0.01); on 400 fresh examples +0.005 [-0.034, +0.044]: undecided; on 400 "
        "randomly drawn examples +0.060 [+0.038, +0.082]: better; 1.0 MB of weights "
        "against 2.0 MB: cheaper; calibration error -0.005 [-0.033, +0.023]: not significantly better calibrated; "
        "no slice is worse (1 compared); comparison 1 on this test set, "
        "50% of its error budget for wrong promotions is left"
    )
    assert ": worse by more than 0.01" in weigh(WORSE)[1]


def test_against_no_training_only_a_better_score_promotes() -> None:
    verdict, reason = weigh(EQUAL, calibration=None, sizes=None)
    assert not verdict.promote
    assert "inferior" not in reason
    assert weigh(BETTER, calibration=None, sizes=None)[0].promote


def test_the_report_contains_a_verdict_on_each_ground() -> None:
    evidence = Evidence(
        SystemComparison(EQUAL, {"label bad": WORSE}),
        SystemComparison(OPEN, {}),
        SystemComparison(BETTER, {}),
        SURE,
        (100, 50),
    )
    verdict = judge(evidence, FIRST, make_params())
    grounds = report_grounds(evidence, verdict, [], make_params())
    assert [grounds[name]["verdict"] for name in ("frozen", "fresh", "drawn")] == ["equal", "undecided", "better"]
    assert grounds["slices"]["label bad"]["verdict"] == "worse"
    assert grounds["calibration"]["verdict"] == "better"
    assert grounds["cost"] == {"champion": {"bytes": 100}, "challenger": {"bytes": 50}, "cheaper": True}
    spending = report_spending(FIRST, make_params(max_comparisons=1))
    assert (spending["comparison"], spending["remaining"], spending["advice"]) == (1, 0.5, "collect new test examples")
    assert spending["drawn"] == {"comparison": 1, "total": 0.025, "spent": 0.5, "remaining": 0.5}
    assert report_grounds(None, None, [], make_params()) == {}


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
    lines = "".join(f"  {name}: {setting}\n" for name, setting in (VALUES | {field: value}).items())
    path.write_text(f"promote:\n{lines}".replace("'", ""))
    with pytest.raises(ParamsError, match=rf"params\.yaml:\d+: promote\.{field}"):
        Promote.load(path)


def test_a_pair_without_any_difference_is_neither_better_nor_worse() -> None:
    verdict, _ = weigh(make_pair(0.0, 0.0))
    assert verdict.frozen.equal
    assert not verdict.frozen.better
    assert not math.isnan(verdict.frozen.difference.low)


@pytest.mark.parametrize(
    ("basis", "note", "name"),
    [
        ("out_of_fold", "every label was answered by a model that had not seen it", "labels scored out of fold"),
        ("drawn", "only randomly drawn fresh examples decide", "randomly drawn examples"),
    ],
)
def test_without_a_test_the_reason_says_what_decided(basis: Any, note: str, name: str) -> None:
    reason = weigh(OPEN, basis=basis)[1]
    assert reason.startswith(f"there is no test, so {note}; ")
    assert f"not significantly better on the {name} at the remaining alpha" in reason
    assert "frozen" not in reason
    assert "once the fresh test set" not in reason, "random labels decide already, or none are compared"


def test_the_report_names_what_stands_in_for_the_test() -> None:
    evidence = Evidence(SystemComparison(BETTER, {}), basis="drawn")
    verdict = judge(evidence, FIRST, make_params())
    grounds = report_grounds(evidence, verdict, [], make_params())
    assert (grounds["basis"], grounds["frozen"], grounds["drawn"]["verdict"]) == ("drawn", None, "better")
