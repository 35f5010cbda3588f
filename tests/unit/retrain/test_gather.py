"""Traffic gives labels, a fresh test set and raw texts; no test text is ever trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from satiety.core.answers import Answer, Label, Span, Spans, dump
from satiety.core.inputs import content_id, dump_inputs
from satiety.core.records import Example, Feedback, Served
from satiety.problems import PROBLEMS, Problem
from satiety.retrain import Retrain
from satiety.retrain.dataset import ExistingData, RetrainingData, exclude_learned, gather
from satiety.retrain.recorded_ids import RecordedIds, read_recorded_ids, write_recorded_ids
from satiety.serving.traffic import Traffic
from satiety.text.deduplication import HeldOut

PARAMS = Retrain(
    seed=1,
    fresh=0.3,
    window=1000,
    min_examples=20,
    texts_alone=False,
    documents=1000,
    dedup_threshold=0.8,
    merge=False,
    keep=3,
)
WORDS = ("film", "hotel", "book"), ("we", "he", "you", "they"), ("good", "bad", "long", "cold", "odd")
EN = [f"the {a} {b} by the river was quite {c} last night" for a, b, c in product(*WORDS)]
PLACES, ACTS = ("车站旁边", "老城书店", "河岸花园"), ("看电影", "喝绿茶", "等朋友", "吃午饭")
ZH = [
    f"昨天晚上我们在{a}{b}，大家都觉得{c}极了"
    for a, b, c in product(PLACES, ACTS, ("满意", "失望", "无聊", "开心", "后悔"))
]
CLASSIFY = PROBLEMS["classify"].model_validate({"labels": ["bad", "good"], "names": {}})
NER = PROBLEMS["ner"].model_validate({"labels": ["LOC", "PER"]})
NOTHING = ExistingData([], [])
GOOD = Label("good")


def make_time(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000+00:00"


def serve_texts(texts: Sequence[str], answer: Answer = GOOD) -> list[Served]:
    inputs = [dump_inputs({"text": text}) for text in texts]
    return [
        Served(f"id{i}", make_time(i), inputs[i], dump(answer), 0.9, "{}", 0.1, "m", "film") for i in range(len(texts))
    ]


def make_corrections(rows: Sequence[Served], label: str = "bad", start: int = 1000) -> dict[str, Feedback]:
    return {row.id: Feedback(row.id, make_time(start + i), dump(Label(label)), "me") for i, row in enumerate(rows)}


def gather_texts(
    texts: Sequence[str], *, existing: ExistingData = NOTHING, params: Retrain = PARAMS, labels: int | None = None
) -> RetrainingData:
    rows = serve_texts(texts)
    return gather(rows, make_corrections(rows[:labels]), CLASSIFY, existing, params)


@pytest.mark.parametrize("texts", [EN, ZH], ids=["en", "zh"])
class TestSides:
    def test_each_correction_is_on_one_side_by_its_share(self, texts: list[str]) -> None:
        data = gather_texts(texts, params=PARAMS.model_copy(update={"dedup_threshold": 1.0}))
        ids = [e.id for e in (*data.learn, *data.fresh)]
        assert sorted(ids) == sorted(content_id({"text": text}) for text in texts)
        assert 0.1 < len(data.fresh) / len(texts) < 0.5
        assert data.unseen_counts == {"labels": len(texts), "texts": 0}
        assert {str(e.answer) for e in data.learn} == {"bad"}

    def test_fresh_examples_and_training_examples_stay_on_their_side(self, texts: list[str]) -> None:
        exact = PARAMS.model_copy(update={"dedup_threshold": 1.0})
        first, second = gather_texts(texts[:30], params=exact), gather_texts(texts, params=exact)
        assert {e.id for e in first.fresh} <= {e.id for e in second.fresh}
        other_params = exact.model_copy(update={"seed": 9, "fresh": 0.9})
        existing = replace(NOTHING, learn=first.learn, fresh=first.fresh)
        repeated = gather_texts(texts[:30], existing=existing, params=other_params)
        assert ({e.id for e in repeated.learn}, {e.id for e in repeated.fresh}) == (
            {e.id for e in first.learn},
            {e.id for e in first.fresh},
        )

    def test_no_training_text_is_close_to_a_test_text(self, texts: list[str]) -> None:
        frozen = Example("t", {"text": texts[0] + " !"}, Label("good"), split="test")
        data = gather_texts(
            [*texts, *(f"{text}。" for text in texts)], existing=replace(NOTHING, test=[frozen]), labels=60
        )
        assert data.fresh
        tests = [(e.id, e.text) for e in (frozen, *data.fresh)]
        train_texts = [record.text for record in (*data.learn, *data.texts)]
        assert 0 < len(train_texts) < 120
        assert HeldOut(tests, 0.8).find_leaks(train_texts) == [None] * len(train_texts)
        assert data.dropped["near-duplicate of the frozen test"] >= 1

    def test_the_newest_fresh_examples_are_kept_and_the_others_are_not_trained_on(self, texts: list[str]) -> None:
        whole, few = gather_texts(texts), gather_texts(texts, params=PARAMS.model_copy(update={"window": 3}))
        assert [e.id for e in few.fresh] == [e.id for e in whole.fresh][-3:]
        assert few.learn == whole.learn

    def test_texts_without_a_label_join_the_corpus_the_newest_first(self, texts: list[str]) -> None:
        params = PARAMS.model_copy(update={"documents": 4, "dedup_threshold": 1.0})
        data = gather_texts([*texts, texts[-2]], labels=10, params=params)
        assert [d.text for d in data.texts] == [*texts[-4:-2], texts[-1], texts[-2]]
        assert gather_texts(texts, labels=10, params=params.model_copy(update={"documents": 0})).texts == []


def test_a_text_that_was_corrected_twice_has_its_last_correction() -> None:
    rows = serve_texts(["a film by the river", "A  film by the river"])
    corrections = make_corrections(rows[:1], "bad") | make_corrections(rows[1:], "good", start=2000)
    data = gather(rows, corrections, CLASSIFY, NOTHING, PARAMS)
    assert [str(e.answer) for e in (*data.learn, *data.fresh)] == ["good"]
    assert data.unseen_counts["labels"] == 1


def test_labels_and_texts_of_an_earlier_retraining_are_not_counted_as_unseen() -> None:
    rows, exact = serve_texts(EN[:10]), PARAMS.model_copy(update={"dedup_threshold": 1.0})
    first = gather(rows[:6], make_corrections(rows[:4]), CLASSIFY, NOTHING, exact)
    repeated = gather(rows[:6], make_corrections(rows[:4]), CLASSIFY, NOTHING, exact, first.recorded)
    assert repeated.unseen_counts == {"labels": 0, "texts": 0}
    data = gather(rows, make_corrections(rows[:6]), CLASSIFY, NOTHING, exact, first.recorded)
    assert data.unseen_counts == {"labels": 2, "texts": 4}
    assert len(data.learn) + len(data.fresh) == 6


def test_a_changed_correction_is_unseen_but_a_repeated_text_is_not() -> None:
    rows = serve_texts(EN[:4])
    recorded = gather(rows, make_corrections(rows[:2]), CLASSIFY, NOTHING, PARAMS).recorded
    corrections = make_corrections(rows[:2]) | make_corrections(rows[:1], "good")
    more_rows = [*rows, replace(rows[3], id="again", time=make_time(2000))]
    assert gather(more_rows, corrections, CLASSIFY, NOTHING, PARAMS, recorded).unseen_counts == {
        "labels": 1,
        "texts": 0,
    }


@pytest.mark.parametrize("wrong_time", ["2031-01-01T00:00:00.000000+00:00", "1999-01-01T00:00:00.000000+00:00"])
def test_a_wrong_time_hides_no_later_correction(tmp_path: Path, wrong_time: str) -> None:
    """30 corrections, one answer and its correction at a wrong time, then 500 corrections."""
    traffic, texts = Traffic(tmp_path), [f"{text}, {number} times" for number in range(9) for text in EN]
    traffic.add(serve_texts(texts[:30]))
    traffic.correct(list(make_corrections(serve_texts(texts[:30])).values()))
    traffic.add([replace(serve_texts(["another text altogether"])[0], id="odd", time=wrong_time)])
    traffic.correct([Feedback("odd", wrong_time, dump(Label("bad")), "me")])
    exact = PARAMS.model_copy(update={"dedup_threshold": 1.0})
    recorded = gather(traffic.read(), traffic.corrections(), CLASSIFY, NOTHING, exact).recorded
    later = [replace(row, id=f"later{row.id}") for row in serve_texts(texts[30:530])]
    traffic.add(later)
    traffic.correct(list(make_corrections(later).values()))
    data = gather(traffic.read(), traffic.corrections(), CLASSIFY, NOTHING, exact, recorded)
    assert data.unseen_counts == {"labels": 500, "texts": 0}
    assert data.learn[-1].source.startswith("feedback:later"), "the newest last"


def test_recorded_ids_are_read_back_and_ignored_if_damaged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, rows = tmp_path / "seen.json", serve_texts(EN[:6])
    assert read_recorded_ids(path) is None
    recorded = gather(rows, make_corrections(rows[:4]), CLASSIFY, NOTHING, PARAMS).recorded
    write_recorded_ids(path, recorded)
    assert read_recorded_ids(path) == recorded
    assert (len(recorded.corrections), len(recorded.texts)) == (4, 6)
    fewer = gather(rows[3:], make_corrections(rows[3:4]), CLASSIFY, NOTHING, PARAMS, recorded).recorded
    assert (len(fewer.corrections), len(fewer.texts)) == (1, 3), "ids that left the traffic are forgotten"
    path.write_bytes(path.read_bytes()[:40])
    assert read_recorded_ids(path) is None
    assert "seen.json: damaged, ignored, and renamed to seen.damaged" in caplog.text
    assert read_recorded_ids(path) is None
    assert len(caplog.messages) == 1


def test_dropped_corrections_are_counted_by_reason() -> None:
    rows = serve_texts(EN[:4])
    corrections = make_corrections(rows) | {"gone": Feedback("gone", make_time(1), dump(Label("bad")), "")}
    corrections["id0"] = Feedback("id0", make_time(1), dump(Label("ugly")), "")
    corrections["id1"] = Feedback("id1", make_time(1), "{", "")
    existing = replace(NOTHING, labelled=[Example(content_id({"text": EN[2]}), {"text": EN[2]}, Label("good"))])
    data = gather(rows, corrections, CLASSIFY, existing, PARAMS)
    assert data.dropped == {
        "answer no longer in the traffic log": 1,
        "text already labelled": 1,
        "not a valid answer for this problem": 2,
    }
    assert [e.text for e in (*data.learn, *data.fresh)] == [EN[3]]


@pytest.mark.parametrize(("text", "place"), [("Anna lives in Paris", (14, 19)), ("王小明住在上海", (5, 7))])
def test_entities_are_corrected_by_their_place(text: str, place: tuple[int, int]) -> None:
    rows = serve_texts([text, "another text"], Spans())
    answer = Spans((Span(*place, "LOC"),))
    data = gather(rows, {"id0": Feedback("id0", make_time(9), dump(answer), "")}, NER, NOTHING, PARAMS)
    (example,) = (*data.learn, *data.fresh)
    assert example.answer == answer
    assert [d.text for d in data.texts] == ["another text"]


@pytest.mark.parametrize(("problem", "answer"), [(CLASSIFY, Spans()), (CLASSIFY, Label("LOC")), (NER, GOOD)])
def test_answers_to_another_problem_of_the_project_do_not_join_the_corpus(problem: Problem, answer: Answer) -> None:
    assert gather(serve_texts(EN[:3], answer), {}, problem, NOTHING, PARAMS).texts == []


def test_empty_traffic_gives_no_data() -> None:
    data = gather([], {}, CLASSIFY, NOTHING, PARAMS)
    assert (data.learn, data.fresh, data.texts, data.recorded) == ([], [], [], RecordedIds())


def test_fresh_examples_that_a_model_was_trained_on_are_excluded() -> None:
    fresh = [
        Example(str(i), {"text": text}, Label("good"))
        for i, text in enumerate((EN[0], ZH[0], "something else altogether"))
    ]
    remaining = exclude_learned(fresh, [EN[0].upper(), ZH[0] + "！"], 0.8)
    assert [e.text for e in remaining] == ["something else altogether"]
    assert exclude_learned(fresh, [], 0.8) == fresh


class TestRandomDraws:
    """Random draws are marked in the fresh test: only they can promote a model."""

    def test_random_draws_are_marked_in_the_fresh_test(self) -> None:
        rows = serve_texts(EN)
        random = {row.id for row in rows[:40]}
        data = gather(rows, make_corrections(rows), CLASSIFY, NOTHING, PARAMS, random_ids=random)
        texts = {row.text for row in rows[:40]}
        assert {e.text for e in data.fresh if e.origin == "drawn"} == {e.text for e in data.fresh} & texts
        assert {e.origin for e in data.fresh} == {"gold", "drawn"}
        assert {e.origin for e in data.learn} == {"gold"}

    def test_the_mark_stays_when_the_answer_is_gone_from_the_traffic(self) -> None:
        rows = serve_texts(EN)
        data = gather(rows, make_corrections(rows), CLASSIFY, NOTHING, PARAMS, random_ids={row.id for row in rows})
        existing = replace(NOTHING, learn=data.learn, fresh=data.fresh)
        later = gather([], {}, CLASSIFY, existing, PARAMS)
        assert {e.id for e in later.fresh if e.origin == "drawn"} == {e.id for e in data.fresh}
        corrected_again = gather(rows, make_corrections(rows, "good", 5000), CLASSIFY, existing, PARAMS)
        assert {e.origin for e in corrected_again.fresh} == {"drawn"}, "another correction keeps the mark"
