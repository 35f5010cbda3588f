"""From the record to labels, a fresh test and raw texts: no test text is ever learned from, whatever comes later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest

from satiety.ingest.clean import identify
from satiety.neardup import contaminated
from satiety.problems import PROBLEMS, Problem
from satiety.records import Example, Feedback, Served, Span
from satiety.retrain import Retrain
from satiety.retrain.gather import Gathered, Known, gather, unlearned

PARAMS = Retrain(
    seed=1,
    fresh=0.3,
    window=1000,
    least=20,
    texts_alone=False,
    documents=1000,
    near_duplicate=0.8,
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
NOTHING = Known([], [])


def at(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000+00:00"


def asked(texts: Sequence[str], answer: str = '"good"') -> list[Served]:
    return [Served(f"id{i}", at(i), text, answer, 0.9, "{}", 0.1, "m", "film") for i, text in enumerate(texts)]


def corrected(rows: Sequence[Served], label: str = "bad", start: int = 1000) -> dict[str, Feedback]:
    return {row.id: Feedback(row.id, at(start + i), json.dumps(label), "me") for i, row in enumerate(rows)}


def gathered(
    texts: Sequence[str], *, known: Known = NOTHING, params: Retrain = PARAMS, labels: int | None = None
) -> Gathered:
    rows = asked(texts)
    return gather(rows, corrected(rows[:labels]), CLASSIFY, known, params)


@pytest.mark.parametrize("texts", [EN, ZH], ids=["en", "zh"])
class TestSides:
    def test_each_correction_is_on_one_side_by_its_share(self, texts: list[str]) -> None:
        made = gathered(texts, params=PARAMS.model_copy(update={"near_duplicate": 1.0}))
        both = [e.id for e in (*made.learn, *made.fresh)]
        assert sorted(both) == sorted(identify(text) for text in texts)
        assert 0.1 < len(made.fresh) / len(texts) < 0.5
        assert made.new == {"labels": len(texts), "texts": 0}
        assert {e.label for e in made.learn} == {"bad"}

    def test_what_was_a_fresh_test_stays_one_and_what_was_learned_stays_that(self, texts: list[str]) -> None:
        exact = PARAMS.model_copy(update={"near_duplicate": 1.0})
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
        frozen = Example("t", texts[0] + " !", "good", split="test")
        made = gathered([*texts, *(f"{text}。" for text in texts)], known=replace(NOTHING, test=[frozen]), labels=60)
        assert made.fresh
        tests = [(e.id, e.text) for e in (frozen, *made.fresh)]
        learned = [record.text for record in (*made.learn, *made.texts)]
        assert 0 < len(learned) < 120
        assert contaminated(learned, tests, 0.8) == [None] * len(learned)
        assert made.left["repeats the frozen test"] >= 1

    def test_the_newest_fresh_tests_are_kept_and_the_others_not_learned(self, texts: list[str]) -> None:
        whole, few = gathered(texts), gathered(texts, params=PARAMS.model_copy(update={"window": 3}))
        assert [e.id for e in few.fresh] == [e.id for e in whole.fresh][-3:]
        assert few.learn == whole.learn

    def test_texts_without_a_label_join_the_corpus_the_newest_first(self, texts: list[str]) -> None:
        params = PARAMS.model_copy(update={"documents": 4, "near_duplicate": 1.0})
        made = gathered([*texts, texts[-2]], labels=10, params=params)
        assert [d.text for d in made.texts] == [*texts[-4:-2], texts[-1], texts[-2]]
        assert gathered(texts, labels=10, params=params.model_copy(update={"documents": 0})).texts == []


def test_a_text_that_was_corrected_twice_counts_once_as_the_last_said() -> None:
    rows = asked(["a film by the river", "A  film by the river"])
    said = corrected(rows[:1], "bad") | corrected(rows[1:], "good", start=2000)
    made = gather(rows, said, CLASSIFY, NOTHING, PARAMS)
    assert [e.label for e in (*made.learn, *made.fresh)] == ["good"]
    assert made.new["labels"] == 1


def test_new_is_what_came_after_the_last_retraining() -> None:
    rows = asked(EN[:10])
    made = gather(rows, corrected(rows[:6]), CLASSIFY, NOTHING, PARAMS, since=at(1003))
    assert made.new == {"labels": 2, "texts": 0}
    assert made.until == at(1005)
    assert len(made.learn) + len(made.fresh) == 6


def test_what_is_of_no_use_is_said() -> None:
    rows = asked(EN[:4])
    said = corrected(rows) | {"gone": Feedback("gone", at(1), '"bad"', "")}
    said["id0"] = Feedback("id0", at(1), '"ugly"', "")
    said["id1"] = Feedback("id1", at(1), "{", "")
    known = replace(NOTHING, labelled=[Example(identify(EN[2]), EN[2], "good")])
    made = gather(rows, said, CLASSIFY, known, PARAMS)
    assert made.left == {
        "its answer is gone from the record": 1,
        "its text is labelled already": 1,
        "no answer to this problem": 2,
    }
    assert [e.text for e in (*made.learn, *made.fresh)] == [EN[3]]


@pytest.mark.parametrize(("text", "place"), [("Anna lives in Paris", (14, 19)), ("王小明住在上海", (5, 7))])
def test_entities_are_corrected_by_their_place(text: str, place: tuple[int, int]) -> None:
    rows = asked([text, "another text"], answer="[]")
    answer = json.dumps([[*place, "LOC"]])
    made = gather(rows, {"id0": Feedback("id0", at(9), answer, "")}, NER, NOTHING, PARAMS)
    (example,) = (*made.learn, *made.fresh)
    assert (example.label, example.spans) == (None, (Span(*place, "LOC"),))
    assert [d.text for d in made.texts] == ["another text"]


@pytest.mark.parametrize(("problem", "answer"), [(CLASSIFY, "[]"), (CLASSIFY, '"LOC"'), (NER, '"good"')])
def test_answers_to_another_problem_of_the_project_do_not_join_the_corpus(problem: Problem, answer: str) -> None:
    assert gather(asked(EN[:3], answer), {}, problem, NOTHING, PARAMS).texts == []


def test_an_empty_record_gives_nothing() -> None:
    made = gather([], {}, CLASSIFY, NOTHING, PARAMS)
    assert (made.learn, made.fresh, made.texts, made.until) == ([], [], [], "")


def test_fresh_tests_that_a_model_has_learned_from_go() -> None:
    fresh = [Example(str(i), text, "good") for i, text in enumerate((EN[0], ZH[0], "something else altogether"))]
    kept = unlearned(fresh, [EN[0].upper(), ZH[0] + "！"], 0.8)
    assert [e.text for e in kept] == ["something else altogether"]
    assert unlearned(fresh, [], 0.8) == fresh
