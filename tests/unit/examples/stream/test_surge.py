"""Surges: as few false alarms as stated on streams of known truth, and what is planted is found when it begins."""

from __future__ import annotations

import numpy as np
import pytest

from examples.opinion_monitoring.stream import Count, CountWindow, Watch
from tests.unit.examples.stream.simulated import HOUR, MONDAY, WEEK, params, stream, told

TOPICS, WEEKS = 25, 5
SHARP = 0.001
"""False alarms of one topic in a window: often enough to be counted."""


@pytest.mark.slow
@pytest.mark.parametrize("burst", [0.001, 0.15], ids=["poisson", "bursts"])
def test_there_are_no_more_false_alarms_than_stated(burst: float) -> None:
    """Of 2 × 25 topics × 504 windows: a true rate of .001 gives 25, more than 42 with a chance of .001."""
    alarms, judged = 0, 0
    for seed in (1, 2):
        watch = params(TOPICS, rate=SHARP * TOPICS, share=0.499)
        for window in told(*stream(TOPICS, WEEKS, seed, burst), watch):
            judged += sum(one.verdict != "too little history" for one in window)
            alarms += sum(one.verdict in {"surge", "more traffic"} for one in window)
    assert judged == 2 * TOPICS * (WEEKS - 2) * WEEK
    assert alarms <= 42


def test_what_is_planted_is_found_when_it_begins_and_told_once() -> None:
    negative, other = stream(4, 6, seed=3)
    begins = [(WEEK * 3 + 30, 0), (WEEK * 4 + 100, 1), (WEEK * 5 + 9, 2), (WEEK * 5 + 120, 3)]
    for window, topic in begins:
        negative[window : window + 5, topic] += 60
    found = [
        (i, one.topic) for i, window in enumerate(told(negative, other, params(4))) for one in window if one.begins
    ]
    assert found == [(window, f"t{topic}") for window, topic in begins]


def test_past_surges_do_not_become_normal() -> None:
    """A surge of three hours every 29 for four weeks: the last is found as the first was."""
    negative, other = stream(2, 6, seed=5)
    starts = range(WEEK * 2 + 5, len(negative), 29)
    for start in starts:
        negative[start : start + 3, 0] += 150
    windows = list(told(negative, other, params(2)))
    assert {windows[i][0].verdict for i in starts} == {"surge"}


def test_a_lasting_change_becomes_normal() -> None:
    negative, other = stream(2, 6, seed=6)
    negative[WEEK * 3 :, 0] *= 3
    verdicts = [window[0].verdict for window in told(negative, other, params(2))]
    assert "surge" in verdicts[WEEK * 3 : WEEK * 3 + 24]
    assert "surge" not in verdicts[WEEK * 5 :]


def test_more_of_a_topic_with_its_usual_share_is_more_traffic() -> None:
    negative, other = stream(3, 4, seed=7)
    start = WEEK * 3 + 40
    negative[start, 0], other[start, 0] = 90, 90 * other[:, 0].sum() // negative[:, 0].sum()
    reading = list(told(negative, other, params(3)))[start][0]
    assert reading.verdict == "more traffic"
    assert not reading.begins
    assert reading.p < 1e-6


@pytest.mark.parametrize(("share", "surges"), [(0.48, range(2)), (0.8, range(20, 21))], ids=["even", "mostly negative"])
def test_more_of_a_topic_is_a_surge_only_where_it_is_surely_mostly_negative(share: float, surges: range) -> None:
    """Twenty bursts of a topic, each as negative as ever: where that is half of it, chance does not decide."""
    found = []
    for seed in range(20):
        draw = np.random.default_rng(seed)
        texts = draw.poisson(12, (WEEK * 3, 1)) + 70 * (np.arange(WEEK * 3) == WEEK * 3 - 1)[:, None]
        negative = draw.binomial(texts, share)
        found.append(list(told(negative, texts - negative, params()))[-1][0].verdict)
    assert set(found) <= {"surge", "more traffic"}
    assert found.count("surge") in surges


LAST = WEEK * 3 - 1
CALM, ANGRY = (12, 48), (15, 45)
"""Of a model that knows little of a topic: texts have a mean probability of .20, negative ones of .25."""


def doubted(seed: int, more: tuple[float, float], certain: bool) -> str:
    """Return what is said of 18 texts an hour, and in the last hour 145 more; with the model's answers alone or not."""
    draw, watch = np.random.default_rng(seed), Watch(params())
    for i in range(LAST + 1):
        p = draw.beta(*CALM, draw.poisson(18))
        p = np.append(p, draw.beta(*more, 145)) if i == LAST else p
        p = (p > 0.5).astype(float) if certain else p
        count = Count(float(p.sum()), len(p), float((p * (1 - p)).sum()))
        (reading,) = watch.judge(CountWindow(MONDAY + i * HOUR, count, {"t0": count}))
    return reading.verdict


def test_a_surge_is_found_in_probabilities_of_which_no_answer_tells() -> None:
    assert [doubted(seed, ANGRY, certain=False) for seed in range(10)] == ["surge"] * 10
    assert [doubted(seed, ANGRY, certain=True) for seed in range(10)].count("surge") == 0


def test_more_of_what_the_model_is_unsure_of_is_more_traffic() -> None:
    """Of 40 bursts a true chance of .01 makes more than 3 surges with a chance of .001."""
    found = [doubted(seed, CALM, certain=False) for seed in range(40)]
    assert found.count("surge") <= 3
    assert set(found) == {"more traffic"} | {"surge"} & set(found)


def test_growth_of_the_whole_stream_is_no_surge() -> None:
    negative, other = stream(12, 4, seed=8, burst=0.001)
    start, draw = WEEK * 3 + 40, np.random.default_rng(8)
    for texts in (negative, other):
        texts[start : start + 4] += draw.poisson(4 * texts.reshape(4, WEEK, 12).mean(axis=0)[40:44])
    windows = list(told(negative, other, params(12)))[start : start + 4]
    assert all(3.5 < one.growth < 5.5 for window in windows for one in window)
    assert not [one for window in windows for one in window if one.verdict == "surge"]


def test_before_there_is_history_nothing_is_judged() -> None:
    negative, other = stream(1, 3, seed=9)
    negative[WEEK : WEEK + 3] += 500
    verdicts = [window[0].verdict for window in told(negative, other, params())]
    assert set(verdicts[: 2 * WEEK]) == {"too little history"}
    assert "too little history" not in verdicts[2 * WEEK :]


def test_a_handful_is_no_surge_however_unlikely() -> None:
    watch = params(least=5)
    quiet = np.zeros((WEEK * 2 + 2, 1), dtype=int)
    quiet[-2], quiet[-1] = 4, 5
    windows = list(told(quiet, quiet * 0 + 20, watch))
    assert [window[0].verdict for window in windows[-2:]] == ["as expected", "surge"]
    assert windows[-2][0].limit == 5


def test_only_the_past_is_known() -> None:
    negative, other = stream(2, 4, seed=10)
    changed = negative.copy()
    changed[WEEK * 3 + 10 :] += 300
    both = [list(told(one, other, params(2)))[: WEEK * 3 + 10] for one in (negative, changed)]
    assert both[0] == both[1]


def test_a_silent_stream_says_nothing() -> None:
    watch = Watch(params())
    readings = [watch.judge(CountWindow(MONDAY, Count())) for _ in range(3)]
    assert {one.verdict for (one,) in readings} == {"too little history"}
    assert {one.p for (one,) in readings} == {1.0}


def test_the_week_is_that_of_the_stream_s_time_zone() -> None:
    """With daylight saving: in New York 9 o'clock stays 9 o'clock, whatever it is in UTC."""
    judge = Watch(params(timezone="America/New_York", model={"history": 12}))
    start = MONDAY.replace(month=2, day=2)
    for i in range(6 * WEEK):
        window = start + (i * (MONDAY.replace(hour=1) - MONDAY))
        loud = window.astimezone(judge.zone).hour == 9
        (reading,) = judge.judge(
            CountWindow(window, Count(40 * loud, 40 * loud + 10), {"t0": Count(40 * loud, 40 * loud + 10)})
        )
        assert reading.verdict in {"too little history", "as expected"}
    assert judge.baseline.forecast(MONDAY.replace(hour=9)).mean[0] == pytest.approx(40, rel=0.2)
