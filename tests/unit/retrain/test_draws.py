"""A sample of answered texts is random, each text is drawn once, and a draw counts once nearly all is labelled."""

from __future__ import annotations

from collections import Counter
from random import Random

from satiety.core.answers import Label
from satiety.core.records import LabelRequest, Served
from satiety.problems import Prediction
from satiety.retrain.draws import collect_random_ids, count_draws, sample_answers
from tests.recording import served_texts


def serve_texts(count: int, start: int = 0) -> list[Served]:
    texts = [f"第{i}条 text" for i in range(start, start + count)]
    return list(served_texts(texts, [Prediction(Label("good"))] * count, "film", "model", 0.1))


def make_requests(rows: list[Served], name: str) -> list[LabelRequest]:
    return [LabelRequest(row.id, "2026-11-28T00:00:00+00:00", name) for row in rows]


def test_every_text_has_the_same_chance() -> None:
    rows, counts = serve_texts(20), Counter[str]()
    for seed in range(2000):
        counts.update(row.id for row in sample_answers(rows, (), 5, Random(seed)))
    assert all(abs(counts[row.id] / 2000 - 0.25) < 0.05 for row in rows)


def test_a_frequent_text_is_drawn_once_with_its_last_answer() -> None:
    rows = serve_texts(3)
    repeated = list(served_texts([rows[0].text] * 50, [Prediction(Label("bad"))] * 50, "film", "model", 0.1))
    sample = sample_answers([*rows, *repeated], (), 10, Random(1))
    assert sorted(row.text for row in sample) == sorted(row.text for row in rows)
    assert repeated[-1].id in {row.id for row in sample}


def test_a_text_drawn_before_is_not_drawn_again_with_another_answer() -> None:
    rows = serve_texts(4)
    repeated = list(served_texts([rows[0].text], [Prediction(Label("bad"))], "film", "model", 0.1))
    sample = sample_answers([*rows, *repeated], {rows[0].id, rows[1].id}, 10, Random(1))
    assert {row.id for row in sample} == {rows[2].id, rows[3].id}


def test_a_draw_counts_as_random_once_nearly_all_of_it_is_labelled() -> None:
    first, second = serve_texts(40), serve_texts(10, start=100)
    rows = [*make_requests(first, "first"), *make_requests(second, "second")]
    labelled = {row.id for row in [*first[:37], *second]}
    assert collect_random_ids(rows, labelled) == {row.id for row in second}
    states = {draw.name: (draw.labelled, draw.size, draw.is_complete) for draw in count_draws(rows, labelled)}
    assert states == {"first": (37, 40, False), "second": (10, 10, True)}
    assert collect_random_ids(rows, labelled | {first[37].id}) == {row.id for row in [*first, *second]}
