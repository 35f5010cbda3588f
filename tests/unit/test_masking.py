"""Personal data goes, and nothing else does; entities move with their text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.masking import Kind, mask, mask_spans
from satiety.records import Span

ALL: tuple[Kind, ...] = ("email", "id_card", "bank_card", "phone")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("好.jane@x.com", "好.<email>"),
        ("...jane@x.com", "...<email>"),
        ("_jane@x.com", "_<email>"),
        ("信箱-jane@x.com。", "信箱-<email>。"),
        ("mail jane.doe@example.com, please", "mail <email>, please"),
        ("我的邮箱是zhang_san@qq.com。", "我的邮箱是<email>。"),
        ("call (212) 736-5000 or +44 20 7946 0958", "call <phone> or <phone>"),
        ("请打13812345678或010-62781234转8", "请打<phone>或<phone>转8"),
        ("电话１３８１２３４５６７８", "电话<phone>"),
        ("room 5 13812345678 13912345678", "room 5 <phone> <phone>"),
        ("身份证11010519491231002X，谢谢", "身份证<id_card>，谢谢"),
        ("ssn 536-90-4399", "ssn <id_card>"),
        ("卡号6222021001122345678", "卡号<bank_card>"),
        ("card 4111 1111 1111 1111 is mine", "card <bank_card> is mine"),
        ("银行卡4539578763621486", "银行卡<bank_card>"),
    ],
)
def test_what_gives_somebody_away_goes(text: str, masked: str) -> None:
    assert mask(text, ALL)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "in 2019-2020 we had 1000000 users at 12:30",
        "it cost 1,234,567.89 on 2026-11-24",
        "身份证110105194912310021",  # the check digit is X
        "订单20231112345678，共3件",
        "version 1.2.3.4, see a@b or @someone",
        "000-12-3456",
        "卡号6222021001122345679",  # Luhn's sum is wrong
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert mask(text, ALL) == (text, ())


def test_only_what_is_asked_for_is_masked() -> None:
    text = "a@b.org 13812345678"
    assert mask(text, ["phone"]) == ("a@b.org <phone>", ("phone",))
    assert mask(text, []) == (text, ())


def test_entities_move_with_their_text() -> None:
    text = "致电13812345678找王芳，或写信给fang@x.cn"
    spans = (Span(14, 16, "PER"), Span(21, 30, "CONTACT"))
    assert [text[s.start : s.end] for s in spans] == ["王芳", "fang@x.cn"]
    masked, moved, kinds = mask_spans(text, spans, ALL)
    assert [masked[s.start : s.end] for s in moved] == ["王芳", "<email>"]
    assert kinds == ("phone", "email")


def test_an_entity_that_cuts_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="the span 0–4 cuts phone data at 0–11"):
        mask_spans("13812345678", (Span(0, 4, "X"),), ALL)


@given(st.text(max_size=60), st.integers(0, 60), st.integers(1, 10))
def test_a_span_always_covers_what_it_covered(around: str, at: int, size: int) -> None:
    text = f"{around[:at]} a.b@c.org {around[at:]}"
    start = min(at, len(text) - 1)
    span = Span(start, min(start + size, len(text)), "X")
    try:
        masked, (moved,), _ = mask_spans(text, (span,), ["email"])
    except ValueError:
        return
    assert masked[moved.start : moved.end] == mask(text[span.start : span.end], ["email"])[0]


@pytest.mark.parametrize(
    "unit",
    [
        "13812345678 ",
        "4111111111111111 13812345678 ",
        "a@b.cc ",
        "1 ",
        "138-",
        "+86 ",
        "(1",
        "电话138 1234 5678，",
        "1   2",
        "11010519491231002X ",
    ],
)
def test_the_largest_row_of_nothing_but_numbers_does_not_hang(unit: str) -> None:
    text = unit * (500_000 // len(unit))
    started = time.perf_counter()
    masked, _ = mask(text, ALL)
    assert time.perf_counter() - started < 15
    assert "12345678" not in masked


def test_spans_among_thousands_of_numbers_move_with_their_text() -> None:
    text = "王芳13812345678 " * 20_000
    spans = [Span(at, at + 2, "PER") for at in range(0, len(text), 14)]
    started = time.perf_counter()
    masked, moved, _ = mask_spans(text, spans, ALL)
    assert time.perf_counter() - started < 10
    assert {masked[s.start : s.end] for s in moved} == {"王芳"}
