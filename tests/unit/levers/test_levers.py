"""What each lever changes in the inputs of training."""

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
from tests.unit.worth.material import PSEUDO, build_run_context, documents, make_classify_examples, make_ner_examples

POOL = make_classify_examples(30)
NER = PROBLEMS["ner"].sample()


def build_lever(kind: str, **fields: Any) -> Lever:
    return LEVERS[kind].model_validate(fields)


def build_self_training(**fields: Any) -> Lever:
    return LEVERS["self_training"].model_validate({k: v for k, v in (PSEUDO | fields).items() if k != "kind"})


def predict_with_confidence(_: Any, texts: Any) -> list[Prediction]:
    """Answer ``bad`` for texts with an even number, else ``good``, with more confidence the smaller the number is."""
    numbers = [int(text.split()[-1]) - 2000 for text in texts]
    return [Prediction(Label("good" if n % 2 else "bad"), confidence=1 - n / 40) for n in numbers]


def test_self_training_adds_the_most_confident_answers_in_the_label_shares_of_train() -> None:
    examples = tuple(POOL[:12])
    shares = Counter(str(example.answer) for example in examples)
    actual = build_self_training(rounds=1, max_per_label=0.5).transform_train(
        examples, build_run_context(POOL, 12, predict=predict_with_confidence)
    )
    added = actual[12:]
    assert Counter(str(example.answer) for example in added) == {
        label: round(count / 2) for label, count in shares.items()
    }
    assert [example.id for example in added] == ["d-e2000", "d-e2002", *(f"d-e{2001 + 2 * i}" for i in range(4))]
    assert {example.origin for example in added} == {"pseudo_label"}


def test_self_training_adds_more_answers_in_every_round_and_trains_on_them() -> None:
    train_sizes: list[int] = []

    def answer(train: Any, texts: Any) -> list[Prediction]:
        train_sizes.append(len(train))
        return predict_with_confidence(train, texts)

    examples = tuple(POOL[:12])
    build_self_training(rounds=3, max_per_label=0.75).transform_train(
        examples, build_run_context(POOL, 12, predict=answer)
    )
    assert train_sizes == [12, 12 + 1 + 2, 12 + 2 + 4]


@pytest.mark.parametrize(("least", "expected"), [(0.0, 12), (0.8, 4 + 4), (0.95, 2 + 1), (0.99999, 1)])
def test_self_training_adds_no_answer_below_the_confidence(least: float, expected: int) -> None:
    actual = build_self_training(rounds=2, max_per_label=1.0, confidence=least).transform_train(
        tuple(POOL[:12]), build_run_context(POOL, 12, predict=predict_with_confidence)
    )
    assert len(actual) - 12 == expected


def test_self_training_counts_labelled_examples_and_no_copies() -> None:
    gold = tuple(POOL[:6])
    copies = tuple(replace(example, id=f"{example.id}/c", origin="swap", parent=example.id) for example in gold)
    actual = build_self_training(rounds=1, max_per_label=1.0, confidence=0).transform_train(
        (*gold, *copies), build_run_context(POOL, 6, predict=predict_with_confidence)
    )
    assert len(actual) == 12 + 6


def test_self_training_adds_no_class_missing_in_train_and_nothing_without_documents() -> None:
    good_examples = tuple(example for example in POOL if str(example.answer) == "good")[:6]
    added = build_self_training(confidence=0).transform_train(
        good_examples, build_run_context(POOL, 6, predict=predict_with_confidence)
    )[6:]
    assert {str(example.answer) for example in added} == {"good"}
    assert (
        build_self_training().transform_train(good_examples, build_run_context(POOL, 6, documents=())) == good_examples
    )


def test_self_training_adds_entities() -> None:
    pool = make_ner_examples(12)

    def answer(_: Any, texts: Any) -> list[Prediction]:
        return [Prediction(Spans((Span(0, 3, "PER"),) if i % 2 else ()), confidence=0.9) for i, _ in enumerate(texts)]

    run_context = build_run_context(
        pool, 12, problem=NER, documents=documents(make_ner_examples(20, start=2000)), predict=answer
    )
    added = build_self_training(rounds=1, max_per_label=1.0).transform_train(tuple(pool), run_context)[12:]
    assert added
    assert {NER.stratum(example) for example in added} == {"O"}, "PER alone is no stratum of the training examples"
    examples = tuple(replace(example, answer=Spans(example.answer.mentions[:1])) for example in pool)
    added = build_self_training(rounds=1, max_per_label=1.0).transform_train(examples, run_context)[12:]
    assert Counter(NER.stratum(example) for example in added) == {"O": 3, "PER": 9}


@pytest.mark.parametrize(("share", "budget", "k"), [(0.6, 10, 6), (0.6, 2, 1), (1.0, 15, 15)])
def test_oracle_adds_labels_from_the_end_of_the_pool(share: float, budget: int, k: int) -> None:
    actual = build_lever("oracle", share=share).transform_train(tuple(POOL[:budget]), build_run_context(POOL, budget))
    assert actual == (*POOL[:budget], *POOL[len(POOL) - k :])


def test_oracle_of_less_than_one_label_adds_nothing() -> None:
    assert build_lever("oracle", share=0.1).transform_train(tuple(POOL[:2]), build_run_context(POOL, 2)) == tuple(
        POOL[:2]
    )


def test_copy_repeats_every_example_and_names_the_original_as_parent() -> None:
    gold = (POOL[0], replace(POOL[1], id="x/swap", origin="swap", parent="x"))
    actual = build_lever("copy", times=3).transform_train(gold, build_run_context(POOL, 1))
    assert Counter(example.text for example in actual) == {example.text: 4 for example in gold}
    assert {example.parent for example in actual[2:]} == {POOL[0].id, "x"}


@pytest.mark.parametrize("share", [0.2, 1.0])
def test_poison_flips_the_given_share_of_labels(share: float) -> None:
    actual = build_lever("poison", share=share).transform_train(tuple(POOL[:20]), build_run_context(POOL, 20))
    flipped = [
        example for example, initial in zip(actual, POOL, strict=False) if str(example.answer) != str(initial.answer)
    ]
    assert len(flipped) == round(20 * share)
    assert {str(example.answer) for example in actual} <= {"good", "bad"}


def test_poison_replaces_numbers_by_other_numbers_of_train() -> None:
    pool = tuple(replace(example, answer=Number(float(i % 5))) for i, example in enumerate(POOL[:20]))
    actual = build_lever("poison", share=0.5).transform_train(
        pool, build_run_context(pool, 20, problem=PROBLEMS["regress"].sample())
    )
    assert sum(example.answer != initial.answer for example, initial in zip(actual, pool, strict=True)) == 10
    assert {example.answer for example in actual} <= {example.answer for example in pool}


def test_poison_flips_entity_types_or_removes_entities_of_the_only_type() -> None:
    pool = make_ner_examples(12)
    run_context = build_run_context(pool, 12, problem=NER)
    actual = build_lever("poison", share=1.0).transform_train(tuple(pool), run_context)
    assert [[span.label for span in example.answer.mentions] for example in actual] == [
        [{"PER": "LOC", "LOC": "PER"}[span.label] for span in example.answer.mentions] for example in pool
    ]
    examples = tuple(replace(example, answer=Spans(example.answer.mentions[:1])) for example in pool)
    actual = build_lever("poison", share=1.0).transform_train(examples, build_run_context(examples, 12, problem=NER))
    assert not any(example.answer.mentions for example in actual)


def test_leak_adds_labelled_test_texts_at_most_all_of_them() -> None:
    run_context = build_run_context(POOL, 12)
    leaked = build_lever("leak", share=0.5).transform_train(tuple(POOL[:12]), run_context)[12:]
    assert len(leaked) == 6
    candidates = {example.id: example for example in run_context.test}
    assert all(
        (candidates[example.id].inputs, candidates[example.id].answer) == (example.inputs, example.answer)
        for example in leaked
    )
    assert len(build_lever("leak", share=10).transform_train(tuple(POOL[:12]), build_run_context(POOL, 12))) == 12 + 10


def build_study_context(folder: Path, base: Path, corpus: Any) -> StudyContext:
    def embed(texts: Any) -> Any:
        return np.ones((len(texts), 4)) / 2

    return StudyContext(
        PROBLEMS["classify"].sample(),
        tuple(POOL),
        tuple(make_classify_examples(6, start=1000)),
        corpus,
        base,
        embed,
        1,
        "cpu",
        folder,
    )


def test_retrieve_finds_related_documents_and_no_test_text(tmp_path: Path, tiny: Path) -> None:
    related = documents(
        [
            Example("n1", {"text": "the good film 5"}, language="en"),
            Example("n2", {"text": "酒店 好酒店"}, language="zh"),
        ]
    )
    unrelated = documents([Example(f"f{i}", {"text": f"qq xx {'y' * i} zz"}, language="en") for i in range(30)])
    test_documents = documents(make_classify_examples(6, start=1000))
    study_context = build_study_context(tmp_path, tiny, (*unrelated, *related, *test_documents))
    retriever = {"kind": "bm25", "documents": 2, "k1": 1.2, "b": 0.75}
    retrieve = build_lever("retrieve", retriever=retriever, prefix="", dedup_threshold=0.95)
    inputs = retrieve.transform_inputs(StudyInputs(unrelated, tiny), study_context)
    assert inputs.encoder == tiny
    assert inputs.documents
    assert not {document.text for document in inputs.documents} & {
        document.text for document in (*test_documents, *unrelated)
    }
    unchanged = retrieve.transform_inputs(StudyInputs(unrelated, tiny), build_study_context(tmp_path, tiny, ()))
    assert unchanged.documents == unrelated, "if nothing is found, the documents stay"


def test_pretrain_trains_another_encoder_once(tmp_path: Path, tiny: Path) -> None:
    fields = LEVERS["pretrain"].sample()
    study_context, inputs = (
        build_study_context(tmp_path, tiny, ()),
        StudyInputs(documents(make_classify_examples(8, start=2000)), tiny),
    )
    first = fields.transform_inputs(inputs, study_context)
    assert first.encoder != tiny
    assert (first.encoder / "model.safetensors").is_file()
    initial = (first.encoder / "model.safetensors").stat().st_mtime_ns
    assert fields.transform_inputs(inputs, study_context) == first
    assert (first.encoder / "model.safetensors").stat().st_mtime_ns == initial
    whole = (first.encoder / "model.safetensors").read_bytes()
    (first.encoder / "model.safetensors").write_bytes(whole[:-3] + bytes([whole[-3] ^ 64]) + whole[-2:])
    assert fields.transform_inputs(inputs, study_context) == first
    assert (first.encoder / "model.safetensors").read_bytes() == whole, "damaged weights are trained again"
    assert (
        fields.transform_inputs(replace(inputs, documents=inputs.documents[:4]), study_context).encoder != first.encoder
    )


def test_augment_adds_copies_of_the_examples_in_train_only() -> None:
    steps = [{"kind": "swap", "alpha": 0.5, "copies": 2}]
    augment = build_lever("augment", seed=3, steps=steps, dedup_threshold=0.95)
    study_context = build_study_context(Path(), Path(), ())
    prepared = augment.precompute(study_context)
    actual = augment.transform_train(tuple(POOL[:10]), build_run_context(POOL, 10, precomputed=prepared))
    copies = actual[10:]
    assert len(copies) > 8
    assert {copy.parent for copy in copies} <= {gold.id for gold in POOL[:10]}
    labels = {gold.id: str(gold.answer) for gold in POOL}
    assert all(str(copy.answer) == labels[copy.parent or ""] for copy in copies)
    extended = augment.transform_train(tuple(POOL[:20]), build_run_context(POOL, 20, precomputed=prepared))
    assert set(copies) <= set(extended), "the copies of an example are the same in every run"


def test_copies_that_depend_on_labels_are_made_from_the_labels_of_the_run() -> None:
    pool = make_ner_examples(32)
    augment = build_lever("augment", seed=3, steps=[{"kind": "mention"}, {"kind": "swap"}], dedup_threshold=0.95)
    study_context = replace(build_study_context(Path(), Path(), ()), problem=NER, pool=tuple(pool))
    prepared = augment.precompute(study_context)
    assert {copy.origin for copy in prepared} == {"swap"}

    # a dev example, which counts towards the budget and is not trained on, has a mention of its own
    stranger = replace(pool[0], id="x", inputs={"text": "Zoe"}, answer=Spans((Span(0, 3, "PER"),)), language="en")
    context = build_run_context([*pool[:12], stranger, *pool[12:]], 13, precomputed=prepared, problem=NER)
    actual = augment.transform_train(tuple(pool[:12]), context)
    copies = [row for row in actual if row.origin == "mention"]
    assert copies
    assert {row.parent for row in copies} <= {row.id for row in pool[:12]}
    assert not [row for row in actual if "Zoe" in row.text]
    mentions = {row.text[span.start : span.end] for row in pool[:12] for span in row.answer.mentions}
    assert {row.text[span.start : span.end] for row in copies for span in row.answer.mentions} <= mentions
    assert {row.origin for row in actual[12:]} == {"mention", "swap"}
