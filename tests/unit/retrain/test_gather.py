"""From the record to labels, a fresh test and raw texts: no test text is ever learned from, whatever comes later."""

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


def at(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000+00:00"


def asked(texts: Sequence[str], answer: Answer = GOOD) -> list[Served]:
    inputs = [dump_inputs({"text": text}) for text in texts]
    return [Served(f"id{i}", at(i), inputs[i], dump(answer), 0.9, "{}", 0.1, "m", "film") for i in range(len(texts))]


def corrected(rows: Sequence[Served], label: str = "bad", start: int = 1000) -> dict[str, Feedback]:
    return {row.id: Feedback(row.id, at(start + i), dump(Label(label)), "me") for i, row in enumerate(rows)}


def gathered(
    texts: Sequence[str], *, known: ExistingData = NOTHING, params: Retrain = PARAMS, labels: int | None = None
) -> RetrainingData:
    rows = asked(texts)
    return gather(rows, corrected(rows[:labels]), CLASSIFY, known, params)


@pytest.mark.parametrize("texts", [EN, ZH], ids=["en", "zh"])
class TestSides:
    def test_each_correction_is_on_one_side_by_its_share(self, texts: list[str]) -> None:
        made = gathered(texts, params=PARAMS.model_copy(update={"dedup_threshold": 1.0}))
        both = [e.id for e in (*made.learn, *made.fresh)]
        assert sorted(both) == sorted(content_id({"text": text}) for text in texts)
        assert 0.1 < len(made.fresh) / len(texts) < 0.5
        assert made.unseen_counts == {"labels": len(texts), "texts": 0}
        assert {str(e.answer) for e in made.learn} == {"bad"}

    def test_what_was_a_fresh_test_stays_one_and_what_was_learned_stays_that(self, texts: list[str]) -> None:
        exact = PARAMS.model_copy(update={"dedup_threshold": 1.0})
        early, late = gathered(texts[:30], params=exact), gathered(texts, params=exact)
        assert {e.id for e in early.fresh} <= {e.id for e in late.fresh}
        more = exact.model_copy(update={"seed": 9, "fresh": 0.9})
        known = replace(NOTHING, learn=early.learn, fresh=early.fresh)
        turned = gathered(texts[:30], known=known, params=more)
        assert ({e.id for e in turned.learn}, {e.id for e in turned.fresh}) == (
            {e.id for e in early.learn},
            {e.id for e in early.fresh},
        )

    def test_nothing_close_to_a_test_is_learned_from(self, texts: list[str]) -> None:
        frozen = Example("t", {"text": texts[0] + " !"}, Label("good"), split="test")
        made = gathered([*texts, *(f"{text}。" for text in texts)], known=replace(NOTHING, test=[frozen]), labels=60)
        assert made.fresh
        tests = [(e.id, e.text) for e in (frozen, *made.fresh)]
        learned = [record.text for record in (*made.learn, *made.texts)]
        assert 0 < len(learned) < 120
        assert HeldOut(tests, 0.8).find_leaks(learned) == [None] * len(learned)
        assert made.dropped["near-duplicate of the frozen test"] >= 1

    def test_the_newest_fresh_tests_are_kept_and_the_others_not_learned(self, texts: list[str]) -> None:
        whole, few = gathered(texts), gathered(texts, params=PARAMS.model_copy(update={"window": 3}))
        assert [e.id for e in few.fresh] == [e.id for e in whole.fresh][-3:]
        assert few.learn == whole.learn

    def test_texts_without_a_label_join_the_corpus_the_newest_first(self, texts: list[str]) -> None:
        params = PARAMS.model_copy(update={"documents": 4, "dedup_threshold": 1.0})
        made = gathered([*texts, texts[-2]], labels=10, params=params)
        assert [d.text for d in made.texts] == [*texts[-4:-2], texts[-1], texts[-2]]
        assert gathered(texts, labels=10, params=params.model_copy(update={"documents": 0})).texts == []


def test_a_text_that_was_corrected_twice_counts_once_as_the_last_said() -> None:
    rows = asked(["a film by the river", "A  film by the river"])
    said = corrected(rows[:1], "bad") | corrected(rows[1:], "good", start=2000)
    made = gather(rows, said, CLASSIFY, NOTHING, PARAMS)
    assert [str(e.answer) for e in (*made.learn, *made.fresh)] == ["good"]
    assert made.unseen_counts["labels"] == 1


def test_new_is_what_no_retraining_saw() -> None:
    rows, exact = asked(EN[:10]), PARAMS.model_copy(update={"dedup_threshold": 1.0})
    first = gather(rows[:6], corrected(rows[:4]), CLASSIFY, NOTHING, exact)
    again = gather(rows[:6], corrected(rows[:4]), CLASSIFY, NOTHING, exact, first.recorded)
    assert again.unseen_counts == {"labels": 0, "texts": 0}
    made = gather(rows, corrected(rows[:6]), CLASSIFY, NOTHING, exact, first.recorded)
    assert made.unseen_counts == {"labels": 2, "texts": 4}
    assert len(made.learn) + len(made.fresh) == 6


def test_a_correction_of_a_correction_is_new_and_a_text_asked_again_is_not() -> None:
    rows = asked(EN[:4])
    seen = gather(rows, corrected(rows[:2]), CLASSIFY, NOTHING, PARAMS).recorded
    other = corrected(rows[:2]) | corrected(rows[:1], "good")
    more = [*rows, replace(rows[3], id="again", time=at(2000))]
    assert gather(more, other, CLASSIFY, NOTHING, PARAMS, seen).unseen_counts == {"labels": 1, "texts": 0}


@pytest.mark.parametrize("ahead", ["2031-01-01T00:00:00.000000+00:00", "1999-01-01T00:00:00.000000+00:00"])
def test_a_clock_that_was_wrong_once_hides_nothing_that_comes_later(tmp_path: Path, ahead: str) -> None:
    """30 corrections, and one more answer and its correction while the clock was wrong; then 500."""
    record, texts = Traffic(tmp_path), [f"{text}, {number} times" for number in range(9) for text in EN]
    record.add(asked(texts[:30]))
    record.correct(list(corrected(asked(texts[:30])).values()))
    record.add([replace(asked(["another text altogether"])[0], id="odd", time=ahead)])
    record.correct([Feedback("odd", ahead, dump(Label("bad")), "me")])
    exact = PARAMS.model_copy(update={"dedup_threshold": 1.0})
    seen = gather(record.read(), record.corrections(), CLASSIFY, NOTHING, exact).recorded
    later = [replace(row, id=f"later{row.id}") for row in asked(texts[30:530])]
    record.add(later)
    record.correct(list(corrected(later).values()))
    made = gather(record.read(), record.corrections(), CLASSIFY, NOTHING, exact, seen)
    assert made.unseen_counts == {"labels": 500, "texts": 0}
    assert made.learn[-1].source.startswith("feedback:later"), "the newest last"


def test_what_was_seen_is_kept_and_damaged_it_counts_as_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, rows = tmp_path / "seen.json", asked(EN[:6])
    assert read_recorded_ids(path) is None
    seen = gather(rows, corrected(rows[:4]), CLASSIFY, NOTHING, PARAMS).recorded
    write_recorded_ids(path, seen)
    assert read_recorded_ids(path) == seen
    assert (len(seen.corrections), len(seen.texts)) == (4, 6)
    fewer = gather(rows[3:], corrected(rows[3:4]), CLASSIFY, NOTHING, PARAMS, seen).recorded
    assert (len(fewer.corrections), len(fewer.texts)) == (1, 3), "what left the record is forgotten"
    path.write_bytes(path.read_bytes()[:40])
    assert read_recorded_ids(path) is None
    assert "seen.json: damaged, ignored, and renamed to seen.damaged" in caplog.text
    assert read_recorded_ids(path) is None
    assert len(caplog.messages) == 1


def test_what_is_of_no_use_is_said() -> None:
    rows = asked(EN[:4])
    said = corrected(rows) | {"gone": Feedback("gone", at(1), dump(Label("bad")), "")}
    said["id0"] = Feedback("id0", at(1), dump(Label("ugly")), "")
    said["id1"] = Feedback("id1", at(1), "{", "")
    known = replace(NOTHING, labelled=[Example(content_id({"text": EN[2]}), {"text": EN[2]}, Label("good"))])
    made = gather(rows, said, CLASSIFY, known, PARAMS)
    assert made.dropped == {
        "answer no longer in the traffic log": 1,
        "text already labelled": 1,
        "not a valid answer for this problem": 2,
    }
    assert [e.text for e in (*made.learn, *made.fresh)] == [EN[3]]


@pytest.mark.parametrize(("text", "place"), [("Anna lives in Paris", (14, 19)), ("王小明住在上海", (5, 7))])
def test_entities_are_corrected_by_their_place(text: str, place: tuple[int, int]) -> None:
    rows = asked([text, "another text"], Spans())
    answer = Spans((Span(*place, "LOC"),))
    made = gather(rows, {"id0": Feedback("id0", at(9), dump(answer), "")}, NER, NOTHING, PARAMS)
    (example,) = (*made.learn, *made.fresh)
    assert example.answer == answer
    assert [d.text for d in made.texts] == ["another text"]


@pytest.mark.parametrize(("problem", "answer"), [(CLASSIFY, Spans()), (CLASSIFY, Label("LOC")), (NER, GOOD)])
def test_answers_to_another_problem_of_the_project_do_not_join_the_corpus(problem: Problem, answer: Answer) -> None:
    assert gather(asked(EN[:3], answer), {}, problem, NOTHING, PARAMS).texts == []


def test_an_empty_record_gives_nothing() -> None:
    made = gather([], {}, CLASSIFY, NOTHING, PARAMS)
    assert (made.learn, made.fresh, made.texts, made.recorded) == ([], [], [], RecordedIds())


def test_fresh_tests_that_a_model_has_learned_from_go() -> None:
    fresh = [
        Example(str(i), {"text": text}, Label("good"))
        for i, text in enumerate((EN[0], ZH[0], "something else altogether"))
    ]
    kept = exclude_learned(fresh, [EN[0].upper(), ZH[0] + "！"], 0.8)
    assert [e.text for e in kept] == ["something else altogether"]
    assert exclude_learned(fresh, [], 0.8) == fresh


class TestWhatChanceDrew:
    """Random draws are marked in the fresh test: only they can promote a model."""

    def test_is_marked_whatever_else_people_said(self) -> None:
        rows = asked(EN)
        random = {row.id for row in rows[:40]}
        made = gather(rows, corrected(rows), CLASSIFY, NOTHING, PARAMS, random_ids=random)
        texts = {row.text for row in rows[:40]}
        assert {e.text for e in made.fresh if e.origin == "drawn"} == {e.text for e in made.fresh} & texts
        assert {e.origin for e in made.fresh} == {"gold", "drawn"}
        assert {e.origin for e in made.learn} == {"gold"}

    def test_stays_so_when_its_answer_is_gone_from_the_record(self) -> None:
        rows = asked(EN)
        made = gather(rows, corrected(rows), CLASSIFY, NOTHING, PARAMS, random_ids={row.id for row in rows})
        known = replace(NOTHING, learn=made.learn, fresh=made.fresh)
        later = gather([], {}, CLASSIFY, known, PARAMS)
        assert {e.id for e in later.fresh if e.origin == "drawn"} == {e.id for e in made.fresh}
        again = gather(rows, corrected(rows, "good", 5000), CLASSIFY, known, PARAMS)
        assert {e.origin for e in again.fresh} == {"drawn"}, "a correction of it is no other text"
