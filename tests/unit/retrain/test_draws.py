"""A sample of answered texts is random, each text is drawn once, and a draw counts once people labelled all of it."""

from __future__ import annotations

from collections import Counter
from random import Random

from satiety.core.answers import Label
from satiety.core.records import LabelRequest, Served
from satiety.problems import Prediction
from satiety.retrain.draws import collect_random_ids, count_draws, sample_answers
from tests.recording import served_texts


def answers(count: int, start: int = 0) -> list[Served]:
    texts = [f"第{i}条 text" for i in range(start, start + count)]
    return list(served_texts(texts, [Prediction(Label("good"))] * count, "film", "model", 0.1))


def drawn(rows: list[Served], name: str) -> list[LabelRequest]:
    return [LabelRequest(row.id, "2026-11-28T00:00:00+00:00", name) for row in rows]


def test_every_text_has_the_same_chance() -> None:
    rows, counts = answers(20), Counter[str]()
    for seed in range(2000):
        counts.update(row.id for row in sample_answers(rows, (), 5, Random(seed)))
    assert all(abs(counts[row.id] / 2000 - 0.25) < 0.05 for row in rows)


def test_a_text_that_was_asked_often_is_drawn_once_and_its_last_answer_counts() -> None:
    rows = answers(3)
    again = list(served_texts([rows[0].text] * 50, [Prediction(Label("bad"))] * 50, "film", "model", 0.1))
    found = sample_answers([*rows, *again], (), 10, Random(1))
    assert sorted(row.text for row in found) == sorted(row.text for row in rows)
    assert again[-1].id in {row.id for row in found}


def test_what_was_drawn_is_not_drawn_again_whatever_answer_it_has_now() -> None:
    rows = answers(4)
    again = list(served_texts([rows[0].text], [Prediction(Label("bad"))], "film", "model", 0.1))
    found = sample_answers([*rows, *again], {rows[0].id, rows[1].id}, 10, Random(1))
    assert {row.id for row in found} == {rows[2].id, rows[3].id}


def test_a_draw_counts_as_random_once_nearly_all_of_it_is_labelled() -> None:
    first, second = answers(40), answers(10, start=100)
    rows = [*drawn(first, "first"), *drawn(second, "second")]
    labelled = {row.id for row in [*first[:37], *second]}
    assert collect_random_ids(rows, labelled) == {row.id for row in second}
    states = {one.name: (one.labelled, one.size, one.is_complete) for one in count_draws(rows, labelled)}
    assert states == {"first": (37, 40, False), "second": (10, 10, True)}
    assert collect_random_ids(rows, labelled | {first[37].id}) == {row.id for row in [*first, *second]}
