"""Surges: no more false alarms than stated on simulated streams, and planted surges are found when they begin."""

from __future__ import annotations

import numpy as np
import pytest

from examples.opinion_monitoring.stream import Count, CountWindow, SurgeDetector
from tests.unit.examples.stream.simulated import HOUR, MONDAY, WEEK, draw_stream, judge_stream, params

TOPICS, WEEKS = 25, 5
SHARP = 0.001
"""False alarms of one topic in a window: often enough to be counted."""


@pytest.mark.slow
@pytest.mark.parametrize("burst", [0.001, 0.15], ids=["poisson", "bursts"])
def test_there_are_no_more_false_alarms_than_stated(burst: float) -> None:
    """Of 2 × 25 topics × 504 windows: a true rate of .001 gives 25, more than 42 with a chance of .001."""
    alarms, judged = 0, 0
    for seed in (1, 2):
        stream_params = params(TOPICS, rate=SHARP * TOPICS, share=0.499)
        for window in judge_stream(*draw_stream(TOPICS, WEEKS, seed, burst), stream_params):
            judged += sum(assessment.verdict != "too little history" for assessment in window)
            alarms += sum(assessment.verdict in {"surge", "more traffic"} for assessment in window)
    assert judged == 2 * TOPICS * (WEEKS - 2) * WEEK
    assert alarms <= 42


def test_planted_surge_is_found_once_when_it_begins() -> None:
    negative, neutral = draw_stream(4, 6, seed=3)
    begins = [(WEEK * 3 + 30, 0), (WEEK * 4 + 100, 1), (WEEK * 5 + 9, 2), (WEEK * 5 + 120, 3)]
    for window, topic in begins:
        negative[window : window + 5, topic] += 60
    surges = [
        (i, assessment.topic)
        for i, window in enumerate(judge_stream(negative, neutral, params(4)))
        for assessment in window
        if assessment.begins
    ]
    assert surges == [(window, f"t{topic}") for window, topic in begins]


def test_past_surges_do_not_become_normal() -> None:
    """A surge of three hours every 29 for four weeks: the last is found as the first was."""
    negative, neutral = draw_stream(2, 6, seed=5)
    starts = range(WEEK * 2 + 5, len(negative), 29)
    for start in starts:
        negative[start : start + 3, 0] += 150
    windows = list(judge_stream(negative, neutral, params(2)))
    assert {windows[i][0].verdict for i in starts} == {"surge"}


def test_a_lasting_change_becomes_normal() -> None:
    negative, neutral = draw_stream(2, 6, seed=6)
    negative[WEEK * 3 :, 0] *= 3
    verdicts = [window[0].verdict for window in judge_stream(negative, neutral, params(2))]
    assert "surge" in verdicts[WEEK * 3 : WEEK * 3 + 24]
    assert "surge" not in verdicts[WEEK * 5 :]


def test_more_of_a_topic_with_its_usual_share_is_more_traffic() -> None:
    negative, neutral = draw_stream(3, 4, seed=7)
    start = WEEK * 3 + 40
    negative[start, 0], neutral[start, 0] = 90, 90 * neutral[:, 0].sum() // negative[:, 0].sum()
    assessment = list(judge_stream(negative, neutral, params(3)))[start][0]
    assert assessment.verdict == "more traffic"
    assert not assessment.begins
    assert assessment.p < 1e-6


@pytest.mark.parametrize(("share", "surges"), [(0.48, range(2)), (0.8, range(20, 21))], ids=["even", "mostly negative"])
def test_more_of_a_topic_is_a_surge_only_where_it_is_surely_mostly_negative(share: float, surges: range) -> None:
    """Twenty bursts of a topic with its usual share of negative texts: about half of them negative is no surge."""
    verdicts = []
    for seed in range(20):
        draw = np.random.default_rng(seed)
        texts = draw.poisson(12, (WEEK * 3, 1)) + 70 * (np.arange(WEEK * 3) == WEEK * 3 - 1)[:, None]
        negative = draw.binomial(texts, share)
        verdicts.append(list(judge_stream(negative, texts - negative, params()))[-1][0].verdict)
    assert set(verdicts) <= {"surge", "more traffic"}
    assert verdicts.count("surge") in surges


LAST = WEEK * 3 - 1
CALM, ANGRY = (12, 48), (15, 45)
"""Of a model that knows little of a topic: texts have a mean probability of .20, negative ones of .25."""


def judge_probabilities(seed: int, burst: tuple[float, float], certain: bool) -> str:
    """Return the verdict on 18 texts an hour, and 145 more in the last one; by answers alone or by probabilities."""
    draw, detector = np.random.default_rng(seed), SurgeDetector(params())
    for i in range(LAST + 1):
        p = draw.beta(*CALM, draw.poisson(18))
        p = np.append(p, draw.beta(*burst, 145)) if i == LAST else p
        p = (p > 0.5).astype(float) if certain else p
        count = Count(float(p.sum()), len(p), float((p * (1 - p)).sum()))
        (assessment,) = detector.assess(CountWindow(MONDAY + i * HOUR, count, {"t0": count}))
    return assessment.verdict


def test_surge_is_found_in_probabilities_where_answers_show_none() -> None:
    assert [judge_probabilities(seed, ANGRY, certain=False) for seed in range(10)] == ["surge"] * 10
    assert [judge_probabilities(seed, ANGRY, certain=True) for seed in range(10)].count("surge") == 0


def test_burst_of_uncertain_texts_is_more_traffic() -> None:
    """Of 40 bursts a true chance of .01 makes more than 3 surges with a chance of .001."""
    verdicts = [judge_probabilities(seed, CALM, certain=False) for seed in range(40)]
    assert verdicts.count("surge") <= 3
    assert set(verdicts) == {"more traffic"} | {"surge"} & set(verdicts)


def test_growth_of_the_whole_stream_is_no_surge() -> None:
    negative, neutral = draw_stream(12, 4, seed=8, burst=0.001)
    start, draw = WEEK * 3 + 40, np.random.default_rng(8)
    for texts in (negative, neutral):
        texts[start : start + 4] += draw.poisson(4 * texts.reshape(4, WEEK, 12).mean(axis=0)[40:44])
    windows = list(judge_stream(negative, neutral, params(12)))[start : start + 4]
    assert all(3.5 < assessment.growth < 5.5 for window in windows for assessment in window)
    assert not [assessment for window in windows for assessment in window if assessment.verdict == "surge"]


def test_before_there_is_history_nothing_is_judged() -> None:
    negative, neutral = draw_stream(1, 3, seed=9)
    negative[WEEK : WEEK + 3] += 500
    verdicts = [window[0].verdict for window in judge_stream(negative, neutral, params())]
    assert set(verdicts[: 2 * WEEK]) == {"too little history"}
    assert "too little history" not in verdicts[2 * WEEK :]


def test_fewer_texts_than_the_least_are_no_surge() -> None:
    stream_params = params(least=5)
    quiet = np.zeros((WEEK * 2 + 2, 1), dtype=int)
    quiet[-2], quiet[-1] = 4, 5
    windows = list(judge_stream(quiet, quiet * 0 + 20, stream_params))
    assert [window[0].verdict for window in windows[-2:]] == ["as expected", "surge"]
    assert windows[-2][0].limit == 5


def test_readings_do_not_depend_on_later_windows() -> None:
    negative, neutral = draw_stream(2, 4, seed=10)
    changed = negative.copy()
    changed[WEEK * 3 + 10 :] += 300
    assessments = [
        list(judge_stream(negative_counts, neutral, params(2)))[: WEEK * 3 + 10]
        for negative_counts in (negative, changed)
    ]
    assert assessments[0] == assessments[1]


def test_stream_without_texts_has_too_little_history() -> None:
    detector = SurgeDetector(params())
    assessments = [detector.assess(CountWindow(MONDAY, Count())) for _ in range(3)]
    assert {assessment.verdict for (assessment,) in assessments} == {"too little history"}
    assert {assessment.p for (assessment,) in assessments} == {1.0}


def test_the_week_is_that_of_the_stream_s_time_zone() -> None:
    """With daylight saving: in New York 9 o'clock stays 9 o'clock, whatever it is in UTC."""
    detector = SurgeDetector(params(timezone="America/New_York", model={"history": 12}))
    start = MONDAY.replace(month=2, day=2)
    for i in range(6 * WEEK):
        window = start + (i * (MONDAY.replace(hour=1) - MONDAY))
        loud = window.astimezone(detector.zone).hour == 9
        (assessment,) = detector.assess(
            CountWindow(window, Count(40 * loud, 40 * loud + 10), {"t0": Count(40 * loud, 40 * loud + 10)})
        )
        assert assessment.verdict in {"too little history", "as expected"}
    assert detector.baseline.forecast(MONDAY.replace(hour=9)).mean[0] == pytest.approx(40, rel=0.2)
