"""Each lever does what its worth is measured for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from satiety.core.answers import Label, Number, Span, Spans
from satiety.core.records import Example
from satiety.levers.base import LEVERS, Lever, StudyContext, StudyInputs
from satiety.problems import PROBLEMS, Prediction
from tests.unit.worth.material import PSEUDO, classified, documents, lesson, tagged

POOL = classified(30)
NER = PROBLEMS["ner"].sample()


def lever(kind: str, **fields: Any) -> Lever:
    return LEVERS[kind].model_validate(fields)


def pseudo(**fields: Any) -> Lever:
    return LEVERS["self_training"].model_validate({k: v for k, v in (PSEUDO | fields).items() if k != "kind"})


def confident(_: Any, texts: Any) -> list[Prediction]:
    """Answer ``bad`` for texts with an even number, the surer the smaller it is; ``good`` for the others."""
    numbers = [int(text.split()[-1]) - 2000 for text in texts]
    return [Prediction(Label("good" if n % 2 else "bad"), confidence=1 - n / 40) for n in numbers]


def test_pseudo_takes_the_surest_of_each_class_as_often_as_people_gave_it() -> None:
    examples = tuple(POOL[:12])
    shares = Counter(str(one.answer) for one in examples)
    actual = pseudo(rounds=1, max_per_label=0.5).transform_train(examples, lesson(POOL, 12, predict=confident))
    taken = actual[12:]
    assert Counter(str(one.answer) for one in taken) == {label: round(count / 2) for label, count in shares.items()}
    assert [one.id for one in taken] == ["d-e2000", "d-e2002", *(f"d-e{2001 + 2 * i}" for i in range(4))]
    assert {one.origin for one in taken} == {"pseudo"}


def test_pseudo_asks_for_more_in_every_round_and_learns_from_what_it_took() -> None:
    asked: list[int] = []

    def answer(known: Any, texts: Any) -> list[Prediction]:
        asked.append(len(known))
        return confident(known, texts)

    examples = tuple(POOL[:12])
    pseudo(rounds=3, max_per_label=0.75).transform_train(examples, lesson(POOL, 12, predict=answer))
    assert asked == [12, 12 + 1 + 2, 12 + 2 + 4]


@pytest.mark.parametrize(("least", "expected"), [(0.0, 12), (0.8, 4 + 4), (0.95, 2 + 1), (0.99999, 1)])
def test_pseudo_takes_none_that_it_is_not_sure_of(least: float, expected: int) -> None:
    actual = pseudo(rounds=2, max_per_label=1.0, confidence=least).transform_train(
        tuple(POOL[:12]), lesson(POOL, 12, predict=confident)
    )
    assert len(actual) - 12 == expected


def test_pseudo_counts_what_people_labelled_and_no_copies() -> None:
    gold = tuple(POOL[:6])
    copies = tuple(replace(one, id=f"{one.id}/c", origin="swap", parent=one.id) for one in gold)
    actual = pseudo(rounds=1, max_per_label=1.0, confidence=0).transform_train(
        (*gold, *copies), lesson(POOL, 6, predict=confident)
    )
    assert len(actual) == 12 + 6


def test_pseudo_takes_no_class_that_nobody_labelled_and_nothing_of_no_documents() -> None:
    only = tuple(one for one in POOL if str(one.answer) == "good")[:6]
    taken = pseudo(confidence=0).transform_train(only, lesson(POOL, 6, predict=confident))[6:]
    assert {str(one.answer) for one in taken} == {"good"}
    assert pseudo().transform_train(only, lesson(POOL, 6, documents=())) == only


def test_pseudo_labels_entities() -> None:
    pool = tagged(12)

    def answer(_: Any, texts: Any) -> list[Prediction]:
        return [Prediction(Spans((Span(0, 3, "PER"),) if i % 2 else ()), confidence=0.9) for i, _ in enumerate(texts)]

    original = lesson(pool, 12, problem=NER, documents=documents(tagged(20, start=2000)), predict=answer)
    taken = pseudo(rounds=1, max_per_label=1.0).transform_train(tuple(pool), original)[12:]
    assert taken
    assert {NER.stratum(one) for one in taken} == {"O"}, "PER alone is no stratum of the labels; nobody gave it"
    single = tuple(replace(one, answer=Spans(one.answer.mentions[:1])) for one in pool)
    taken = pseudo(rounds=1, max_per_label=1.0).transform_train(single, original)[12:]
    assert Counter(NER.stratum(one) for one in taken) == {"O": 3, "PER": 9}


@pytest.mark.parametrize(("share", "budget", "k"), [(0.6, 10, 6), (0.6, 2, 1), (1.0, 15, 15)])
def test_oracle_reveals_labels_from_the_far_end(share: float, budget: int, k: int) -> None:
    actual = lever("oracle", share=share).transform_train(tuple(POOL[:budget]), lesson(POOL, budget))
    assert actual == (*POOL[:budget], *POOL[len(POOL) - k :])


def test_oracle_of_nothing_reveals_nothing() -> None:
    assert lever("oracle", share=0.1).transform_train(tuple(POOL[:2]), lesson(POOL, 2)) == tuple(POOL[:2])


def test_copy_repeats_everything_and_names_the_first() -> None:
    gold = (POOL[0], replace(POOL[1], id="x/swap", origin="swap", parent="x"))
    actual = lever("copy", times=3).transform_train(gold, lesson(POOL, 1))
    assert Counter(one.text for one in actual) == {one.text: 4 for one in gold}
    assert {one.parent for one in actual[2:]} == {POOL[0].id, "x"}


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_poison_flips_so_many_labels(share: float) -> None:
    actual = lever("poison", share=share).transform_train(tuple(POOL[:20]), lesson(POOL, 20))
    flipped = [one for one, initial in zip(actual, POOL, strict=False) if str(one.answer) != str(initial.answer)]
    assert len(flipped) == round(20 * share)
    assert {str(one.answer) for one in actual} <= {"good", "bad"}


def test_poison_gives_numbers_that_are_others() -> None:
    pool = tuple(replace(example, answer=Number(float(i % 5))) for i, example in enumerate(POOL[:20]))
    actual = lever("poison", share=0.5).transform_train(pool, lesson(pool, 20, problem=PROBLEMS["regress"].sample()))
    assert sum(one.answer != initial.answer for one, initial in zip(actual, pool, strict=True)) == 10
    assert {one.answer for one in actual} <= {one.answer for one in pool}


def test_poison_flips_entities_and_takes_them_away_where_there_is_one_kind() -> None:
    pool = tagged(12)
    original = lesson(pool, 12, problem=NER)
    actual = lever("poison", share=1.0).transform_train(tuple(pool), original)
    assert [[span.label for span in one.answer.mentions] for one in actual] == [
        [{"PER": "LOC", "LOC": "PER"}[span.label] for span in one.answer.mentions] for one in pool
    ]
    single = tuple(replace(one, answer=Spans(one.answer.mentions[:1])) for one in pool)
    actual = lever("poison", share=1.0).transform_train(single, lesson(single, 12, problem=NER))
    assert not any(one.answer.mentions for one in actual)


def test_leak_brings_test_texts_with_their_labels_no_more_than_there_are() -> None:
    original = lesson(POOL, 12)
    leaked = lever("leak", share=0.5).transform_train(tuple(POOL[:12]), original)[12:]
    assert len(leaked) == 6
    candidates = {one.id: one for one in original.test}
    assert all((candidates[one.id].inputs, candidates[one.id].answer) == (one.inputs, one.answer) for one in leaked)
    assert len(lever("leak", share=10).transform_train(tuple(POOL[:12]), lesson(POOL, 12))) == 12 + 10


def world(folder: Path, base: Path, corpus: Any) -> StudyContext:
    def embed(texts: Any) -> Any:
        return np.ones((len(texts), 4)) / 2

    return StudyContext(
        PROBLEMS["classify"].sample(),
        tuple(POOL),
        tuple(classified(6, start=1000)),
        corpus,
        base,
        embed,
        1,
        "cpu",
        folder,
    )


def test_retrieve_finds_what_bears_on_the_texts_and_nothing_of_the_test(tmp_path: Path, tiny: Path) -> None:
    near = documents(
        [
            Example("n1", {"text": "the good film 5"}, language="en"),
            Example("n2", {"text": "酒店 好酒店"}, language="zh"),
        ]
    )
    far = documents([Example(f"f{i}", {"text": f"qq xx {'y' * i} zz"}, language="en") for i in range(30)])
    held = documents(classified(6, start=1000))
    context = world(tmp_path, tiny, (*far, *near, *held))
    retriever = {"kind": "bm25", "documents": 2, "k1": 1.2, "b": 0.75}
    one = lever("retrieve", retriever=retriever, prefix="", dedup_threshold=0.95)
    inputs = one.transform_inputs(StudyInputs(far, tiny), context)
    assert inputs.encoder == tiny
    assert inputs.documents
    assert not {document.text for document in inputs.documents} & {document.text for document in (*held, *far)}
    nothing = one.transform_inputs(StudyInputs(far, tiny), world(tmp_path, tiny, ()))
    assert nothing.documents == far, "where nothing is found, the sample stays"


def test_pretrain_starts_from_another_encoder_made_once(tmp_path: Path, tiny: Path) -> None:
    fields = LEVERS["pretrain"].sample()
    context, inputs = world(tmp_path, tiny, ()), StudyInputs(documents(classified(8, start=2000)), tiny)
    first = fields.transform_inputs(inputs, context)
    assert first.encoder != tiny
    assert (first.encoder / "model.safetensors").is_file()
    initial = (first.encoder / "model.safetensors").stat().st_mtime_ns
    assert fields.transform_inputs(inputs, context) == first
    assert (first.encoder / "model.safetensors").stat().st_mtime_ns == initial
    whole = (first.encoder / "model.safetensors").read_bytes()
    (first.encoder / "model.safetensors").write_bytes(whole[:-3] + bytes([whole[-3] ^ 64]) + whole[-2:])
    assert fields.transform_inputs(inputs, context) == first
    assert (first.encoder / "model.safetensors").read_bytes() == whole, "what the disk damaged is made anew"
    assert fields.transform_inputs(replace(inputs, documents=inputs.documents[:4]), context).encoder != first.encoder


def test_augment_teaches_the_copies_of_the_labels_there_are_and_of_no_others() -> None:
    steps = [{"kind": "swap", "alpha": 0.5, "copies": 2}]
    one = lever("augment", seed=3, steps=steps, dedup_threshold=0.95)
    context = world(Path(), Path(), ())
    prepared = one.precompute(context)
    actual = one.transform_train(tuple(POOL[:10]), lesson(POOL, 10, precomputed=prepared))
    copies = actual[10:]
    assert len(copies) > 8
    assert {copy.parent for copy in copies} <= {gold.id for gold in POOL[:10]}
    labels = {gold.id: str(gold.answer) for gold in POOL}
    assert all(str(copy.answer) == labels[copy.parent or ""] for copy in copies)
    more = one.transform_train(tuple(POOL[:20]), lesson(POOL, 20, precomputed=prepared))
    assert set(copies) <= set(more), "a label's copies are the same in every cell"
