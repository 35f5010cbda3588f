"""Only `tag` makes markup, and it escapes."""

from hypothesis import given
from hypothesis import strategies as st

from satiety.worth.page import page
from satiety.worth.page.markup import Html, join, tag
from tests.unit.worth.page import sample
from tests.unit.worth.page.drawing import Tree


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_text_comes_back_as_it_was(value: str) -> None:
    (found,) = Tree(tag("p", value, data_value=value)).root.children
    assert found.text == value
    assert found.attributes["data-value"] == value


def test_attributes_and_children() -> None:
    assert tag("p", "a<b", None, tag("br"), class_="x", text_anchor="end", y=1.504, id=None) == (
        '<p class="x" text-anchor="end" y="1.5">a&lt;b<br></p>'
    )


def test_markup_is_not_escaped_twice() -> None:
    assert join([Html("<b>"), "<b>"], "&") == "<b>&&lt;b&gt;"


def test_a_hostile_name_is_never_an_element() -> None:
    for language in ("en", "zh"):
        text = page(sample.hostile(), language)
        assert "<script" not in text
        assert "<b>b<" not in text
        assert "&lt;b&gt;b&lt;/b&gt;&lt;script&gt;" in text
