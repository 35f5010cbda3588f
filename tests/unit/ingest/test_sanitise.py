"""Texts are repaired, then masked; their spans move along, or are dropped with the reason."""

import pytest

from satiety.core.answers import Span
from satiety.ingest.sanitise import LostSpan, mask_salvaged, sanitise
from satiety.text.masking import KINDS

HIDDEN = [
    ("找 jane&#64;example.com 吧", "找 <email> 吧", "email"),
    ("找 anna\u200b@example.com 吧", "找 <email> 吧", "email"),
    ("找 bob\u00ad@exam\u2060ple.com 吧", "找 <email> 吧", "email"),
    ("ring 138\u200b1234\u200b5678", "ring <phone>", "phone"),
    ("ring 138&#49;2345678", "ring <phone>", "phone"),
    ("id 11010519491231002&#88;", "id <id_card>", "id_card"),
    ("card 4111 1111\u200b 1111 1111", "card <bank_card>", "bank_card"),
    ("key ghp&#95;Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb7d", "key <secret>", "secret"),
    ("key AKIA\u200bIOSFODNN7EXAMPLE", "key <secret>", "secret"),
]


@pytest.mark.parametrize(("text", "clean", "kind"), HIDDEN)
def test_personal_data_revealed_by_a_repair_is_masked(text: str, clean: str, kind: str) -> None:
    sanitised = sanitise(text, (), KINDS)
    assert (sanitised.text, sanitised.masked, sanitised.lost_spans) == (clean, (kind,), ())
    assert sanitised.repairs
    assert mask_salvaged(text, KINDS) == clean


@pytest.mark.parametrize(("text", "clean", "kind"), HIDDEN)
def test_a_span_moves_with_repairs_and_masks_before_it(text: str, clean: str, kind: str) -> None:
    whole = f"{text}，北京"
    sanitised = sanitise(whole, [Span(len(text) + 1, len(whole), "LOC")], KINDS)
    (span,) = sanitised.spans
    assert (sanitised.text, sanitised.text[span.start : span.end]) == (f"{clean}，北京", "北京")


@pytest.mark.parametrize(
    ("span", "reason", "detail"),
    [
        ((0, 4), "personal", "the span 0–4 cuts through email data at 0–16"),
        ((0, 6), "text", "a span begins or ends inside a sequence that must be repaired as a whole"),
        ((4, 9), "personal", "the span 4–5 cuts through email data at 0–16"),
    ],
)
def test_a_span_that_cannot_move_is_dropped_and_prevents_no_mask(
    span: tuple[int, int], reason: str, detail: str
) -> None:
    """If it stayed, the entity that it cuts would not be repaired, and the address not be detected."""
    text = "jane&#64;example.com 在 北京"
    place = Span(len(text) - 2, len(text), "LOC")
    sanitised = sanitise(text, [Span(*span, "X"), place], KINDS)
    assert sanitised.text == "<email> 在 北京"
    assert sanitised.lost_spans == (LostSpan(reason, detail),)
    assert [sanitised.text[clean_span.start : clean_span.end] for clean_span in sanitised.spans] == ["北京"]


def test_spans_that_can_move_only_separately_are_all_dropped() -> None:
    """Between two of them, the wrongly decoded text is too short to be recognised."""
    text = "ä½\xa0å¥½ï¼Œä¸–ç•Œ"
    spans = [Span(i, i + 1, "X") for i in range(len(text))]
    sanitised = sanitise(text, spans, KINDS)
    assert (sanitised.text, sanitised.spans, len(sanitised.lost_spans)) == ("你好，世界", (), len(spans))


def test_a_text_that_cannot_be_repaired_raises_value_error() -> None:
    with pytest.raises(ValueError, match="incomplete surrogate pair"):
        sanitise("\ud800 jane@example.com", [Span(0, 1, "X")], KINDS)
    assert mask_salvaged("\ud800 jane&#64;example.com", KINDS) == "? <email>"
