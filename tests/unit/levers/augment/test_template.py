"""The names of labels make further examples, each once and with a parent of its label."""

from collections import Counter
from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from satiety.core.answers import Label
from satiety.core.errors import ParamsError
from satiety.core.records import Example
from satiety.levers.augment import AUGMENTERS, Augment, augment
from satiety.levers.augment.template import CHINESE, ENGLISH
from satiety.problems import PROBLEMS, Problem

TOPICS: Problem = PROBLEMS["classify"].model_validate(
    {"labels": ["0", "card_lost", "体育"], "names": {"0": "", "card_lost": "card_lost"}}
)
TRAIN = [
    Example("a", {"text": "where is my card?"}, Label("card_lost"), language="en"),
    Example("b", {"text": "i cannot find my card"}, Label("card_lost"), language="en"),
    Example("c", {"text": "上海队赢了比赛"}, Label("体育"), language="zh"),
    Example("d", {"text": "something else"}, Label("0"), language="en"),
]


def make_copies(train: Sequence[Example], problem: Problem = TOPICS, **fields: object) -> list[Example]:
    params = Augment.model_validate({"seed": 7, "steps": [{"kind": "template"} | fields], "dedup_threshold": 0.8})
    return augment(train, [], problem, params).examples[len(train) :]


def test_every_label_with_a_name_gets_its_texts_once() -> None:
    copies = make_copies(TRAIN)
    texts = {label: [copy.text for copy in copies if str(copy.answer) == label] for label in TOPICS.classes}
    assert sorted(texts["card_lost"]) == sorted(template.replace("{}", "card lost") for template in ENGLISH)
    assert sorted(texts["体育"]) == sorted(template.replace("{}", "体育") for template in CHINESE)
    assert texts["0"] == []


def test_the_texts_of_a_label_are_dealt_out_to_its_examples() -> None:
    parents = Counter(copy.parent for copy in make_copies(TRAIN, count=5))
    assert sorted((parents["a"], parents["b"])) == [2, 3]
    assert parents["c"] == 5
    assert Counter(copy.parent for copy in make_copies(TRAIN[:1], count=5)) == {"a": 5}


def test_templates_of_the_user_replace_ours() -> None:
    copies = make_copies(TRAIN, templates=["a tweet about {}, really {}", "{}!"])
    assert {copy.text for copy in copies if copy.parent == "c"} == {"a tweet about 体育, really 体育", "体育!"}


def test_a_template_without_a_slot_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"has no \{\}, which stands for the name of a label"):
        AUGMENTERS["template"].model_validate({"templates": ["{}", "This is it"]})


def test_the_copies_are_the_same_whatever_the_order_of_the_examples() -> None:
    first, reordered = make_copies(TRAIN, count=3), make_copies(TRAIN[::-1], count=3)
    assert {copy.id: copy for copy in first} == {copy.id: copy for copy in reordered}


def test_a_text_that_is_an_example_already_is_not_made_again() -> None:
    train = [*TRAIN, Example("e", {"text": "Card lost"}, Label("card_lost"), language="en")]
    assert "card lost" not in {copy.text for copy in make_copies(train)}


@pytest.mark.parametrize("name", ["pair", "multilabel", "ner", "regress", "translate"])
def test_other_problems_are_refused(name: str) -> None:
    message = f"'template' needs a problem of one text whose answer is one label of a set, not '{name}'"
    assert AUGMENTERS["template"].sample().refusals(PROBLEMS[name].sample()) == [message]


def test_labels_without_a_name_are_refused_once_they_are_fixed() -> None:
    numbers = PROBLEMS["classify"].model_validate({"labels": ["0", "1"]})
    with pytest.raises(ParamsError, match="augment: steps: 'template' needs labels with names: set `names` of the"):
        make_copies([Example("a", {"text": "x"}, Label("0"))], numbers)
    assert AUGMENTERS["template"].sample().refusals(PROBLEMS["classify"]()) == []
