"""What every augmenter guarantees, in English and Chinese. A new augmenter is tested without an edit here."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.core.answers import Label, Span, Spans
from satiety.core.records import Example
from satiety.levers.augment import AUGMENTERS, Augment, Passage, augment, generate_copies
from satiety.problems import PROBLEMS, Problem, Rewrite
from satiety.text.words import split_words

ENGLISH = "I really like the new phone from Apple, but the battery could be better! https://t.co/x #phone"
CHINESE = "王小明在北京大学学习计算机，他觉得这部新手机比去年的好看多了！"
ENGLISH_ONLY = ("keyboard", "spelling")
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
    (rewrites_of_passage,) = AUGMENTERS[kind].sample().augment([Passage(text, language, str(seed))])
    return rewrites_of_passage


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


@pytest.mark.parametrize("problem", [PROBLEMS["classify"].sample(), PROBLEMS["ner"].sample()], ids=["classify", "ner"])
def test_a_copy_keeps_label_split_and_group_and_names_parent_and_augmenter(kind: str, problem: Problem) -> None:
    parent = Example("a", {"text": ENGLISH}, answer=Label("good"), group="g", language="en", source="f:3")
    params = Augment(seed=3, steps=[AUGMENTERS[kind].sample()], dedup_threshold=0.8)
    first, *copies = augment([parent], [], problem, params).examples
    assert first == parent
    assert copies
    for copy in copies:
        assert (str(copy.answer), copy.split, copy.group, copy.language, copy.source) == (
            "good",
            "train",
            "g",
            "en",
            "f:3",
        )
        assert (copy.parent, copy.origin) == ("a", kind)
        assert copy.id.startswith(f"a/{kind}-")


def test_an_augment_section_loads_what_it_dumps(kind: str) -> None:
    section = Augment(seed=1, steps=[AUGMENTERS[kind].sample()], dedup_threshold=0.8)
    assert Augment.model_validate(section.model_dump()) == section
