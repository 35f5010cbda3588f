"""Properties of every feature, for any texts."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from satiety.core.answers import Label, Span, Spans
from satiety.core.records import Document, Example
from satiety.problems import PROBLEMS
from satiety.validate.features import EXAMPLE_FEATURES, TEXT_FEATURES, column_names, compute_columns
from satiety.validate.table import Table

MakeTable = Callable[..., Table[Any]]
TEXTS = st.text(alphabet=st.sampled_from("ab C1_-!?。，你好坏\u3000 \n\ufffd😀"), max_size=30)
ROWS = st.lists(
    st.tuples(TEXTS, st.sampled_from(["bad", "good", None]), st.sampled_from(["train", "dev", "test"])), max_size=12
)

NER = PROBLEMS["ner"].sample()


@pytest.mark.parametrize("name", EXAMPLE_FEATURES)
@given(rows=ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_a_feature_gives_each_example_one_value_and_always_the_same(
    make_table: MakeTable, name: str, rows: list[tuple[str, str | None, Any]]
) -> None:
    examples = [
        Example(f"id{i}", {"text": text}, label and Label(label), split=split)
        for i, (text, label, split) in enumerate(rows)
    ]
    values = list(EXAMPLE_FEATURES[name](make_table(examples)))
    assert len(values) == len(examples)
    assert values == list(EXAMPLE_FEATURES[name](make_table(examples)))
    assert all(value is None or isinstance(value, str | int | float) for value in values)


@pytest.mark.parametrize("name", TEXT_FEATURES)
@given(texts=st.lists(TEXTS, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_a_feature_of_texts_takes_documents(make_table: MakeTable, name: str, texts: list[str]) -> None:
    documents = [Document(f"id{i}", text) for i, text in enumerate(texts)]
    assert len(list(TEXT_FEATURES[name](make_table(documents, kind=Document)))) == len(documents)


@pytest.mark.parametrize("feature", EXAMPLE_FEATURES.values())
def test_every_feature_has_a_docstring(feature: Callable[..., Any]) -> None:
    assert (feature.__doc__ or "").endswith(".")


def test_only_wanted_features_are_computed_and_the_fields_of_the_record_are_always_there(make_table: MakeTable) -> None:
    example = Example("a", {"text": "Ann 去了北京"}, Spans((Span(0, 3, "PER"), Span(6, 8, "LOC"))))
    table = make_table([example], problem=NER)
    columns = compute_columns(table, ["han"])
    assert set(columns) == set(column_names(Example, NER)) - set(EXAMPLE_FEATURES) | {"han"}
    assert columns["spans"] == ["0:3 PER; 6:8 LOC"]
    assert columns["han"] == [4 / 7]


def test_no_feature_has_the_name_of_a_field() -> None:
    for kind in (Example, Document):
        assert len(column_names(kind, NER)) == len(set(column_names(kind, NER)))
