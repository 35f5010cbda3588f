"""What to do next: nothing on the front is beaten, the choice is on it, and the sentence says what the numbers say."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from satiety.evaluate.bootstrap import Interval, Resampling
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


def tallies(score: float) -> Any:
    return np.stack([score > TEXTS, np.ones(800)], axis=1).astype(float)


def made(
    gains: dict[tuple[str, ...], float],
    *,
    slope: float = 0.05,
    seconds: float = 1.0,
    cells_of: Any = None,
    **changes: Any,
) -> Any:
    """Return findings in which plain rises by ``slope`` with each doubling, and lever sets add this much to it."""
    params = worth(levers=[AUGMENT, PSEUDO], **changes)
    draw = np.random.default_rng(3)
    everything = {(): 0.0, ("augment",): 0.0, ("self_training",): 0.0, ("augment", "self_training"): 0.0} | gains
    cells, curve, outcomes = {}, {}, {}
    for chain in range(6):
        for i, n in enumerate(BUDGETS):
            base = 0.5 + slope * i + 0.004 * draw.standard_normal()
            for levers, added in everything.items():
                cells[n, levers, chain] = tallies(base + added + 0.001 * draw.standard_normal())
                outcomes[StudyRun(n, levers, chain)] = Outcome(
                    cells[n, levers, chain], (cells_of or {}).get(levers, seconds)
                )
            curve[n, (), 100 + chain] = tallies(0.5 + slope * i + 0.004 * draw.standard_normal())
    scores = resample_scores(
        additive(lambda sums: {"score": sums[..., 0] / sums[..., 1]}),
        "score",
        cells.items(),
        curve.items(),
        np.arange(800),
        Resampling(1, 200, 0.95),
    )
    drawn = {levers: [compute_gain(scores, levers)[i] for i in range(4)] for levers in everything if levers}
    sure = SimultaneousBand.fit((one for several in drawn.values() for one in several), 0.95)
    found: Any = SimpleNamespace(
        plan=SimpleNamespace(
            params=params, problem=SimpleNamespace(headline="accuracy"), drop_idle=lambda levers: levers
        ),
        measurements=SimpleNamespace(outcomes=outcomes),
        scores=scores,
        curve=fit(scores.budgets, scores.curve),
        gains={levers: [one.interval(0.95) for one in several] for levers, several in drawn.items()},
        simultaneous_gains={levers: [sure.interval(one) for one in several] for levers, several in drawn.items()},
        band=sure,
        confidence_level=0.95,
        max_budget=120,
        agreement=None,
    )
    found.is_zero_shot = lambda _: False
    found.classify = lambda levers, budget: Findings.classify(found, levers, budget)
    return found


def told_of(found: Any) -> dict[str, Any]:
    return advise(found, decide(found))


def test_the_lever_set_whose_gain_is_surest_is_kept() -> None:
    assert select_levers(made({("self_training",): 0.05, ("augment", "self_training"): 0.06})) == (
        "augment",
        "self_training",
    )
    assert select_levers(made({("self_training",): 0.05, ("augment", "self_training"): 0.02})) == ("self_training",)
    assert select_levers(made({("self_training",): -0.05})) == ()


def test_the_front_is_what_nothing_beats_and_the_choice_is_on_it() -> None:
    told = told_of(made({("self_training",): 0.05, ("augment", "self_training"): 0.04, ("augment",): -0.03}))
    front = told["front"]
    hours, scores = [one["hours"] for one in front], [one["score"]["value"] for one in front]
    assert hours == sorted(hours)
    assert scores == sorted(scores)
    assert sum(one["chosen"] for one in front) == 1
    (chosen,) = [one for one in front if one["chosen"]]
    assert chosen["levers"] == ["self_training"]
    assert chosen["labels"] == 120 + told["more"]
    now = next(one for one in front if one["labels"] == 120 and one["levers"] == ["self_training"])
    assert chosen["score"]["value"] - now["score"]["value"] >= 0.01
    smaller = [one for one in front if one["levers"] == ["self_training"] and 120 < one["labels"] < chosen["labels"]]
    assert all(one["score"]["value"] - now["score"]["value"] < 0.01 for one in smaller), "the smallest that matters"


def test_the_sentence_says_what_to_label_keep_and_leave_off() -> None:
    told = told_of(made({("self_training",): 0.05, ("augment", "self_training"): 0.04, ("augment",): -0.03}))
    assert (told["keep"], told["off"], told["undecided"]) == (["self_training"], ["augment"], [])
    assert re.fullmatch(
        r"Recommendation: label \d+ more texts, keep self-training on, turn augmentation off\.", told["sentence"]["en"]
    )
    assert re.fullmatch(r"建议：再标注 \d+ 条文本，继续使用自训练，关闭数据增强。", told["sentence"]["zh"])
    numbers = [re.findall(r"\d+", told["sentence"][language]) for language in ("en", "zh")]
    assert numbers[0] == numbers[1] == [str(told["more"])]


@pytest.mark.parametrize(
    ("low", "high", "keep", "off"),
    [(-0.09, -0.01, [], ["self_training"]), (-0.03, 0.02, [], []), (-0.02, 0.04, ["self_training"], [])],
)
def test_fine_tuning_can_refute_a_gain_doubt_it_or_bear_it_out(
    low: float, high: float, keep: list[str], off: list[str]
) -> None:
    found = made({("self_training",): 0.05})
    full = {"value": (low + high) / 2, "low": low, "high": high}
    found.agreement = {"compared": [{"lever": "self_training", "budget": 120, "proxy": full, "fine_tuned": full}]}
    found.gains["augment", "self_training"][3] = found.gains["augment",][3]
    told = told_of(found)
    assert told["keep"] == keep
    assert [name for name in told["off"] if name == "self_training"] == off
    assert ("self_training" in told["undecided"]) == (not keep and not off)
    assert any("fine-tuned" in one["en"] and f"{low:.3f}" in one["en"] for one in told["evidence"])


def test_a_lever_that_changes_nothing_gives_no_refuted_one_another_name() -> None:
    found = made({("self_training",): 0.05, ("augment", "self_training"): 0.05})
    found.plan.drop_idle = lambda levers: tuple(name for name in levers if name != "augment")
    full = {"value": -0.05, "low": -0.09, "high": -0.01}
    found.agreement = {"compared": [{"lever": "self_training", "budget": 120, "proxy": full, "fine_tuned": full}]}
    told = told_of(found)
    assert (told["keep"], "self_training" in told["off"]) == ([], True)


@pytest.mark.parametrize(("gains", "keep"), [({("self_training",): 0.05}, ["self_training"]), ({}, [])])
def test_where_label_names_still_win_nothing_is_foretold_and_what_surely_gains_is_kept(
    gains: dict[tuple[str, ...], float], keep: list[str]
) -> None:
    found = made(gains)
    found.is_zero_shot = lambda _: True
    told = told_of(found)
    assert (told["more"], told["keep"], told["front"]) == (120, keep, [])
    assert "no forecast is possible" in told["sentence"]["en"]
    assert "无法预测" in told["sentence"]["zh"]


def test_the_hours_of_options_are_of_one_depth() -> None:
    found = made({}, cost={"label_minutes": 0.5, "computer_hour": 1.0}, seconds=1.0)
    full = {
        replace(cell, depth="fine_tuned"): replace(one, seconds=7200.0)
        for cell, one in found.measurements.outcomes.items()
    }
    found.measurements.outcomes |= full
    assert build_option(found, 0, ()).hours == pytest.approx(1 / 3600)


def test_what_fine_tuning_proves_and_the_head_missed_is_undecided_and_told() -> None:
    found = made({("self_training",): -0.05, ("augment", "self_training"): -0.05})
    full = {"value": 0.08, "low": 0.05, "high": 0.1}
    found.agreement = {"compared": [{"lever": "self_training", "budget": 120, "proxy": full, "fine_tuned": full}]}
    told = told_of(found)
    assert (told["keep"], told["off"], told["undecided"]) == ([], ["augment"], ["self_training"])
    assert any(
        "self-training at 120 labels, fine-tuned: accuracy +0.080 (95 % CI 0.050 to 0.100)" in one["en"]
        for one in told["evidence"]
    )


def test_a_pair_that_fine_tuning_doubts_leaves_both_undecided() -> None:
    found = made({("augment", "self_training"): 0.05})
    full = {"value": -0.003, "low": -0.03, "high": 0.02}
    found.agreement = {
        "compared": [{"lever": "augment+self_training", "budget": 120, "proxy": full, "fine_tuned": full}]
    }
    told = told_of(found)
    assert (told["keep"], told["undecided"]) == ([], ["augment", "self_training"])


def test_a_lever_is_left_off_where_it_adds_nothing_to_those_kept_though_it_gains_alone() -> None:
    told = told_of(made({("self_training",): 0.05, ("augment",): 0.04, ("augment", "self_training"): 0.03}))
    assert (told["keep"], told["off"], told["undecided"]) == (["self_training"], ["augment"], [])
    assert any(
        re.match(r"augmentation added to self-training at 120 labels: accuracy -0.0\d\d \(", one["en"])
        for one in told["evidence"]
    )


def test_a_pair_that_is_proved_by_what_is_kept_says_nothing_of_the_other() -> None:
    found = made({("self_training",): 0.06, ("augment",): -0.02, ("augment", "self_training"): 0.04})
    full = {("self_training",): 0.06, ("augment",): -0.02, ("augment", "self_training"): 0.04}
    found.agreement = {
        "compared": [
            {"lever": "+".join(levers), "budget": 120, "fine_tuned": {"value": x, "low": x - 0.01, "high": x + 0.01}}
            for levers, x in full.items()
        ]
    }
    told = told_of(found)
    assert (told["keep"], told["off"], told["undecided"]) == (["self_training"], ["augment"], [])


def test_what_nobody_knows_is_called_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made({("self_training",): 0.05, ("augment", "self_training"): 0.04})
    monkeypatch.setattr(decision, "compute_added_gain", lambda *_: Interval(0.002, -0.01, 0.03))
    told = told_of(found)
    assert told["undecided"] == ["augment"]
    assert "; inconclusive: augmentation." in told["sentence"]["en"]
    assert "；数据增强尚无定论。" in told["sentence"]["zh"]


def test_a_lever_that_costs_more_than_the_labels_that_do_as_much_is_left_off() -> None:
    dear: dict[str, Any] = {"seconds": 3600.0, "cost": {"label_minutes": 0.01, "computer_hour": 100.0}}
    told = told_of(
        made(
            {("self_training",): 0.03, ("augment", "self_training"): 0.015, ("augment",): -0.05},
            cells_of={(): 1.0},
            **dear,
        )
    )
    assert (told["keep"], told["off"]) == ([], ["augment", "self_training"])
    assert any("labels with the same effect cost fewer hours: " in one["en"] for one in told["evidence"])
    assert told["more"] > 0
    assert sum(one["chosen"] for one in told["front"]) == 1


def test_where_more_labels_add_too_little_none_are_asked_for() -> None:
    told = told_of(made({}, slope=0.0))
    assert told["more"] == 0
    assert told["sentence"]["en"].startswith("Recommendation: label no more texts (the expected gain is too small), ")
    assert told["sentence"]["zh"].startswith("建议：不再标注（预期增益太小），")
    assert not any(one["chosen"] for one in told["front"])


@pytest.mark.parametrize(("minutes", "computer", "hours"), [(0.5, 0.0, 1.0), (6.0, 0.0, 12.0), (0.5, 2.0, 1.0 + 2.0)])
def test_hours_are_a_person_s_and_computing_is_converted(minutes: float, computer: float, hours: float) -> None:
    found = made({}, seconds=3600.0, cost={"label_minutes": minutes, "computer_hour": computer})
    assert build_option(found, 120, ()).hours == pytest.approx(hours)


def test_the_evidence_carries_intervals() -> None:
    told = told_of(made({("self_training",): 0.05}))
    gain, head, *rest = told["evidence"]
    assert "worth.fine_tuned.replicates" in head["en"], "what was not fine-tuned is said not to be"
    assert "worth.fine_tuned.replicates" in head["zh"]
    said = [text for one in (gain, *rest) for text in (one["en"], one["zh"])]
    assert len(said) == 8
    assert all(re.search(r"95 ?% (CI|置信区间) -?\d\.\d{3} (to|至) -?\d\.\d{3}", text) for text in said)


def test_more_labels_are_never_forecast_to_do_worse_and_levers_add_what_they_gained() -> None:
    found = made({("self_training",): 0.05})
    lone, helped = (
        [build_option(found, n, levers).score.value for n in (0, 30, 360)] for levers in ((), ("self_training",))
    )
    assert lone == sorted(lone)
    assert np.subtract(helped, lone) == pytest.approx(found.gains["self_training",][3].value, abs=1e-9)
