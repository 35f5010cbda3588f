"""What every augmenter guarantees, in English and Chinese. A new augmenter is tested without an edit here."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.core.answers import Label, Span, Spans
from satiety.core.errors import ParamsError
from satiety.core.records import Example
from satiety.levers.augment import AUGMENTERS, Augment, Passage, augment, generate_copies
from satiety.levers.augment.word_edits import find_words
from satiety.problems import PROBLEMS, Problem, Rewrite
from satiety.text.words import split_words

ENGLISH = "I really like the new phone from Apple, but the battery could be better! https://t.co/x #phone"
CHINESE = "王小明在北京大学学习计算机，他觉得这部新手机比去年的好看多了！"
ENGLISH_ONLY = ("keyboard", "spelling")
NAMES = {"en": "good news", "zh": "好消息"}
MENTIONS = {
    "en": ["Ann", "Bob Li", "Carla", "Dan", "Eve", "Fay", "Gil", "Hua"],
    "zh": ["小红", "张伟", "李娜", "王芳", "刘洋", "陈静", "赵磊", "黄丽"],
}
"""What an augmenter that reads labels finds in the answers of other examples."""
TEXTS = st.one_of(
    st.lists(
        st.sampled_from([*ENGLISH.split(), "Ünïcödé", "😀", "👩‍👩‍👧", "ﬁ", "İ", "ß", "\n", "的", "…", "e\u0301"])
    ).map(" ".join),
    st.text(alphabet="王小明在北京大学abc ，。😀 \t\x1f", max_size=40),
    st.text(max_size=40),
)


@pytest.fixture(params=list(AUGMENTERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def rewrite_text(kind: str, text: str, language: str = "en", seed: int = 1) -> list[Rewrite]:
    passages = [Passage(text, language, str(seed))]
    if AUGMENTERS[kind].reads_labels and (words := find_words(text)):
        passages = [Passage(text, language, str(seed), mentions=((*words[0], "PER"),), names=(NAMES[language],))]
        passages += [
            Passage(name, language, f"{seed}/{name}", mentions=((0, len(name), "PER"),)) for name in MENTIONS[language]
        ]
    return next(iter(AUGMENTERS[kind].sample().augment(passages)))


@settings(max_examples=40)
@given(text=TEXTS, seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("kind", list(AUGMENTERS))
def test_a_rewrite_is_new_not_blank_and_its_alignment_is_true(kind: str, text: str, seed: int) -> None:
    for rewrite in rewrite_text(kind, text, "en", seed):
        assert rewrite.text.strip()
        assert rewrite.text != text
        for start, rewritten_start, size in rewrite.alignment or ():
            assert size > 0
            assert text[start : start + size] == rewrite.text[rewritten_start : rewritten_start + size]
        for _, _, start, end in rewrite.replacements:
            assert rewrite.text[start:end].strip() == rewrite.text[start:end] != ""


@settings(max_examples=20)
@given(text=TEXTS, seed=st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("kind", list(AUGMENTERS))
def test_the_same_seed_gives_the_same_rewrites_and_leaves_the_global_generators_alone(
    kind: str, text: str, seed: int
) -> None:
    random.seed(1)
    np.random.seed(1)
    first = rewrite_text(kind, text, "en", seed)
    sample = random.random(), np.random.random()
    random.seed(2)
    np.random.seed(2)
    assert rewrite_text(kind, text, "en", seed) == first
    random.seed(1)
    np.random.seed(1)
    assert (random.random(), np.random.random()) == sample


def test_an_english_text_is_rewritten_and_seeds_differ(kind: str) -> None:
    assert len({rewrite.text for seed in range(8) for rewrite in rewrite_text(kind, ENGLISH, seed=seed)}) > 4


def test_a_chinese_text_is_rewritten_without_spaces_or_left_alone(kind: str) -> None:
    texts = [rewrite.text for seed in range(8) for rewrite in rewrite_text(kind, CHINESE, "zh", seed)]
    assert len(set(texts)) > 4 or (kind in ENGLISH_ONLY and not texts)
    assert not [text for text in texts if " " in text]


@pytest.mark.parametrize("text", ["", " ", "\n", "!", "。", "😀"])
def test_a_text_without_words_has_no_rewrite(kind: str, text: str) -> None:
    assert rewrite_text(kind, text) == []


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), text=st.sampled_from([ENGLISH, CHINESE]), data=st.data())
@pytest.mark.parametrize("kind", list(AUGMENTERS))
def test_an_entity_survives_exactly_or_the_copy_is_refused(
    kind: str, seed: int, text: str, data: st.DataObject
) -> None:
    places = split_words(text)
    first = data.draw(st.integers(0, len(places) - 2))
    last = data.draw(st.integers(first, min(first + 2, len(places) - 1)))
    span = Span(places[first][0], places[last][1], "LOC")
    example = Example("a", {"text": text}, answer=Spans((span,)), language="en")
    ner = PROBLEMS["ner"].sample()
    params = Augment(seed=seed, steps=[AUGMENTERS[kind].sample()], dedup_threshold=0.8)
    for _, _, copy in next(generate_copies([example], ner, params)):
        if copy is not None:
            (shifted,) = copy.answer.mentions
            assert copy.text[shifted.start : shifted.end] == text[span.start : span.end]
            assert shifted.label == "LOC"


ANSWERS = {"classify": Label("good"), "ner": Spans((Span(33, 38, "LOC"),))}
"""An answer to the English text."""


@pytest.mark.parametrize("problem", [PROBLEMS[name].sample() for name in ANSWERS], ids=list(ANSWERS))
def test_a_copy_keeps_label_split_and_group_and_names_parent_and_augmenter(kind: str, problem: Problem) -> None:
    parent = Example("a", {"text": ENGLISH}, ANSWERS[problem.kind], group="g", language="en", source="f:3")
    donor = Example("b", {"text": "Paris"}, Spans((Span(0, 5, "LOC"),)), language="en")
    examples = [parent, donor] if problem.has_mentions else [parent]
    params = Augment(seed=3, steps=[AUGMENTERS[kind].sample()] * 3, dedup_threshold=0.8)
    if params.refusals(problem):
        with pytest.raises(ParamsError, match=f"augment: steps: '{kind}' .*, not '{problem.kind}'"):
            augment(examples, [], problem, params)
        return
    copies = augment(examples, [], problem, params).examples
    assert copies[: len(examples)] == examples
    copies = [copy for copy in copies[len(examples) :] if copy.parent == "a"]
    assert copies
    for copy in copies:
        assert (copy.answer.labels, len(copy.answer.mentions), copy.split, copy.group, copy.language, copy.source) == (
            parent.answer.labels,
            len(parent.answer.mentions),
            "train",
            "g",
            "en",
            "f:3",
        )
        assert copy.origin == kind
        assert copy.id.startswith(f"a/{kind}-")


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_a_problem_is_refused_in_one_sentence_or_not_at_all(kind: str, name: str) -> None:
    problem = PROBLEMS[name].sample()
    assert len(AUGMENTERS[kind].sample().refusals(problem)) <= 1
    assert all(problem.kind in refusal for refusal in AUGMENTERS[kind].sample().refusals(problem))


def test_an_augment_section_loads_what_it_dumps(kind: str) -> None:
    section = Augment(seed=1, steps=[AUGMENTERS[kind].sample()], dedup_threshold=0.8)
    assert Augment.model_validate(section.model_dump()) == section
