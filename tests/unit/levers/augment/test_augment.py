"""Training examples get copies that are reproducible, traceable, and no leaks."""

import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from satiety.core.answers import Label, Span, Spans
from satiety.core.records import Example
from satiety.levers.augment import AUGMENTERS, Augment, AugmentedExamples, augment
from satiety.problems import PROBLEMS, Problem

CLASSIFY: Problem = PROBLEMS["classify"].model_validate({"labels": ["bad", "good"], "names": {}})
NER: Problem = PROBLEMS["ner"].model_validate({"labels": ["LOC"]})
STEPS = [AUGMENTERS[kind].sample() for kind in ("swap", "drop", "punctuate", "char_swap")]
TRAIN = [
    Example("a", {"text": "I really like the new phone, it is so much better"}, answer=Label("good"), language="en"),
    Example("b", {"text": "这部电影真的很好看，我们都非常喜欢"}, answer=Label("good"), language="zh"),
    Example("c", {"text": "never again, the room was dirty and the staff rude"}, answer=Label("bad"), language="en"),
    Example("d", {"text": "房间很脏，服务态度也差，再也不来了"}, answer=Label("bad"), language="zh"),
]


def build_params(*steps: object, seed: int = 7) -> Augment:
    return Augment.model_validate({"seed": seed, "steps": list(steps), "dedup_threshold": 0.8})


def augment_example(example: Example) -> list[Example]:
    """Top-level, so that a process pool can run it."""
    return augment([example], [], CLASSIFY, build_params(*STEPS)).examples[1:]


def test_without_steps_the_examples_are_returned_unchanged() -> None:
    outcome = augment(TRAIN, [], CLASSIFY, build_params())
    assert outcome == AugmentedExamples(TRAIN, [], {"copies": {}, "refused": {}, "repeated": {}, "contaminated": {}})


def test_the_examples_come_first_and_every_id_is_unique() -> None:
    actual = augment(TRAIN, [], CLASSIFY, build_params(*STEPS)).examples
    assert actual[:4] == TRAIN
    assert len({example.id for example in actual}) == len(actual)
    assert {copy.parent for copy in actual[4:]} == {"a", "b", "c", "d"}


def test_the_copies_are_the_same_whatever_the_order_of_the_examples() -> None:
    shuffled = random.Random(3).sample(TRAIN, 4)
    original, reordered = (augment(train, [], CLASSIFY, build_params(*STEPS)) for train in (TRAIN, shuffled))
    assert {copy.id: copy for copy in original.examples} == {copy.id: copy for copy in reordered.examples}
    assert original.numbers == reordered.numbers


@pytest.mark.slow
def test_the_copies_are_the_same_whatever_the_number_of_workers() -> None:
    whole = augment(TRAIN, [], CLASSIFY, build_params(*STEPS)).examples[4:]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(augment_example, reversed(TRAIN)))
    assert sorted((copy for part in parts for copy in part), key=lambda copy: copy.id) == sorted(
        whole, key=lambda copy: copy.id
    )


def test_another_seed_gives_other_copies() -> None:
    texts = [{e.text for e in augment(TRAIN, [], CLASSIFY, build_params(*STEPS, seed=s)).examples[4:]} for s in (1, 2)]
    assert texts[0] != texts[1]


def test_the_same_augmenter_twice_gives_further_copies() -> None:
    swap = {"kind": "swap", "alpha": 0.1, "copies": 2}
    actual = augment(TRAIN[:1], [], CLASSIFY, build_params(swap, swap)).examples[1:]
    assert {copy.id for copy in actual} <= {f"a/swap-{n}" for n in range(4)}
    assert len(actual) > 2


def test_a_copy_that_repeats_its_parent_another_copy_or_another_example_is_dropped() -> None:
    train = [
        Example("a", {"text": "good film"}, answer=Label("good")),
        Example("b", {"text": "film GOOD"}, answer=Label("bad")),
    ]
    outcome = augment(train, [], CLASSIFY, build_params({"kind": "swap", "alpha": 0.1, "copies": 3}))
    assert outcome.examples == train
    assert outcome.numbers["repeated"] == {"swap": 6}
    pair = augment(train[:1], [], CLASSIFY, build_params({"kind": "swap", "alpha": 0.1, "copies": 3}))
    assert [copy.text for copy in pair.examples] == ["good film", "film good"]
    assert pair.numbers["repeated"] == {"swap": 2}


def test_a_copy_that_gives_away_a_test_text_goes_to_quarantine_with_its_twin() -> None:
    parent = Example("a", {"text": "we all really loved this film"}, answer=Label("good"), source="f:1")
    held_out = [Example("t", {"text": "We all loved this film!"}, answer=Label("good"), split="test")]
    outcome = augment([parent], held_out, CLASSIFY, build_params({"kind": "drop", "probability": 0.3, "copies": 60}))
    assert outcome.rejected
    assert {(r.reason, r.twin, r.source) for r in outcome.rejected} == {("contaminated", "t", "f:1")}
    assert outcome.numbers["contaminated"]["drop"] == len(outcome.rejected)
    assert not {r.id for r in outcome.rejected} & {e.id for e in outcome.examples}


def test_a_chinese_copy_that_gives_away_a_dev_text_goes_to_quarantine_too() -> None:
    parent = Example("a", {"text": "我们大家都非常喜欢这部新电影"}, answer=Label("good"))
    held_out = [Example("t", {"text": "我们都非常喜欢这部新电影"}, answer=Label("good"), split="dev")]
    outcome = augment([parent], held_out, CLASSIFY, build_params({"kind": "drop", "probability": 0.2, "copies": 60}))
    assert "t" in {r.twin for r in outcome.rejected}


def test_a_copy_that_splits_an_entity_is_refused_and_counted() -> None:
    example = Example("a", {"text": "北京大学"}, answer=Spans((Span(0, 4, "LOC"),)), language="zh")
    outcome = augment([example], [], NER, build_params({**STEPS[3].model_dump(), "copies": 3}))
    assert outcome.examples == [example]
    assert outcome.numbers["refused"] == {"char_swap": 3}


def test_an_entity_moves_with_its_word() -> None:
    text = "Anna lives in Paris now"
    example = Example("a", {"text": text}, answer=Spans((Span(14, 19, "LOC"),)), language="en")
    actual = augment([example], [], NER, build_params({"kind": "swap", "alpha": 0.5, "copies": 10})).examples[1:]
    assert {copy.text[s.start : s.end] for copy in actual for s in copy.answer.mentions} == {"Paris"}
    assert len({copy.answer.mentions[0].start for copy in actual}) > 1
