"""Personal data is masked, and nothing else; entities move with their text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.answers import Span
from satiety.text.masking import Kind, mask, mask_spans
from tests.patience import at_once

ALL: tuple[Kind, ...] = ("email", "id_card", "bank_card", "phone", "secret")


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
        ("write to jürgen@example.com", "write to <email>"),
        ("x@bücher.example, please", "<email>, please"),
        ("信箱：王伟@例子.公司，谢谢", "信箱：<email>，谢谢"),
        ("o'brien@x.co.uk.", "<email>."),
        ("发给zhang@qq.com.cn谢谢", "发给<email>谢谢"),
        ("почта: иван@пример.рф", "почта: <email>"),
        ("ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", "<email>"),
        ("身份证１１０１０５１９４９１２３１００２Ｘ", "身份证<id_card>"),
        ("卡号４１１１　１１１１　１１１１　１１１１", "卡号<bank_card>"),
        ("SSN 078051120", "SSN <id_card>"),
        ("Social Security number: 078-05-1120", "Social Security number: <id_card>"),
        ("我的SSN号078051120，社会安全号５３６９０４３９９", "我的SSN号<id_card>，社会安全号<id_card>"),
        ("tel138 1234 5678", "tel<phone>"),
        ("Phone+1 212-736-5000, fax(212) 736-5001", "Phone<phone>, fax<phone>"),
        ("微信wx13812345678同号", "微信wx<phone>同号"),
    ],
)
def test_personal_data_is_masked(text: str, masked: str) -> None:
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
        "谢谢@张三.真的很好，也谢谢@john.smith",
        "//@小明:说得好//@小红:转发微博",
        "order 078051120 of the social club",
        "iPhone13812 and ISBN9787111407010",
        "in task-1234567890-abcdefghij we use sk-learn and the asks-of-2026",
        "commit 49b137e0123456789abcdef0123456789abcdef0 of https://github.com/a/b",
        "https://example.com:8080/@user?next=a:b@c",
        "ASIAPACIFIC, AKIA and eyJust.kidding.you",
    ],
)
def test_other_numbers_are_not_masked(text: str) -> None:
    assert mask(text, ALL) == (text, ())


TOKENS = (
    "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8t",
    "sk-ant-api03-Ab3dEf6hIj9kLm2nOp5qRs8tUv",
    "sk-0123456789abcdef0123456789abcdef",
    "ghp_Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb7d",
    "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
    "glpat-Ab3dEf6hIj9kLm2nOp5q",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "LTAI5tAb3dEf6hIj9kLm2nOp",
    "AIzaSyAb3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zA",
    "xoxb-123456789012-abcdefGHIJKL",
    "hf_Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z",
    "sk_live_Ab3dEf6hIj9kLm2n",
    "npm_Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb7d",
    "SG.Ab3dEf6hIj9kLm2nOp5q.Rs8tUv1wXy4zAb7dEf0hIj3kLm6nOp9qRs2tUv5wXy8",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----",
)


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:8])
@pytest.mark.parametrize("form", ["plain", "full width"])
def test_a_secret_token_is_masked_anywhere_in_a_text(token: str, form: str) -> None:
    written_token = token if form == "plain" else "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in token)
    for text in (f"my key is {written_token}, thanks", f"密钥是{written_token}。谢谢", f'{{"key":"{written_token}"}}'):
        assert mask(text, ALL) == (text.replace(written_token, "<secret>"), ("secret",))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("see https://bob:hunter2@example.com/x", "see https://<secret>@example.com/x"),
        ("postgresql+psycopg://me:p@ss@db.example:5432/x", "postgresql+psycopg://<secret>@db.example:5432/x"),
        ("ftp://me@corp.example:hunter2@host/x", "ftp://<secret>@host/x"),
        ("redis://:hunter2@localhost", "redis://<secret>@localhost"),
        ("see https://example.com/x?q=tea&password=hunter2", "see https://example.com/x?q=tea&password=<secret>"),
        ("jdbc:postgresql://db/x?user=bob&pass=hunter2 ok", "jdbc:postgresql://db/x?user=bob&pass=<secret> ok"),
        ("连接ｈｔｔｐｓ：／／王伟：密码＠例子.公司", "连接ｈｔｔｐｓ：／／<secret>＠例子.公司"),
    ],
)
def test_the_user_and_the_password_of_an_address_are_masked(text: str, masked: str) -> None:
    assert mask(text, ALL) == (masked, ("secret",))


def test_compatibility_characters_move_no_span() -> None:
    text = "①②㈱…ﬁ½ ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ 王芳"
    masked, (shifted,), _ = mask_spans(text, (Span(len(text) - 2, len(text), "PER"),), ALL)
    assert (masked, masked[shifted.start : shifted.end]) == ("①②㈱…ﬁ½ <email> 王芳", "王芳")


def test_only_the_given_kinds_are_masked() -> None:
    text = "a@b.org 13812345678"
    assert mask(text, ["phone"]) == ("a@b.org <phone>", ("phone",))
    assert mask(text, []) == (text, ())


def test_entities_move_with_their_text() -> None:
    text = "致电13812345678找王芳，或写信给fang@x.cn"
    spans = (Span(14, 16, "PER"), Span(21, 30, "CONTACT"))
    assert [text[s.start : s.end] for s in spans] == ["王芳", "fang@x.cn"]
    masked, shifted, kinds = mask_spans(text, spans, ALL)
    assert [masked[s.start : s.end] for s in shifted] == ["王芳", "<email>"]
    assert kinds == ("phone", "email")


def test_an_entity_that_cuts_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="the span 0–4 cuts through phone data at 0–11"):
        mask_spans("13812345678", (Span(0, 4, "X"),), ALL)


@given(st.text(max_size=60), st.integers(0, 60), st.integers(1, 10))
def test_a_span_covers_the_same_text_after_masking(surroundings: str, offset: int, size: int) -> None:
    text = f"{surroundings[:offset]} a.b@c.org {surroundings[offset:]}"
    start = min(offset, len(text) - 1)
    span = Span(start, min(start + size, len(text)), "X")
    try:
        masked, (shifted,), _ = mask_spans(text, (span,), ["email"])
    except ValueError:
        return
    assert masked[shifted.start : shifted.end] == mask(text[span.start : span.end], ["email"])[0]


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
        "王",
        "王@",
        "a.",
        "a@a.",
        "sk-1",
        "eyJ.",
        "://a:",
        "-----BEGIN PRIVATE KEY-----",
        "ssn ",
    ],
)
def test_the_largest_row_of_numbers_is_masked_in_time(unit: str) -> None:
    text = unit * (500_000 // len(unit))
    with at_once():
        masked, _ = mask(text, ALL)
    assert "12345678" not in masked


@pytest.mark.parametrize("unit", ["eyJ", "eyJabcdefgh.", "sk-a", "sk-", "a:", "://", "A ", "-", "SG.", "00000000:"])
def test_the_largest_row_that_is_nearly_a_secret_is_masked_in_time(unit: str) -> None:
    for prefix, suffix in (("", ""), ("://", " @"), ("-----BEGIN ", "@"), ("sk-", "."), ("eyJ", "@")):
        text = prefix + unit * (500_000 // len(unit)) + suffix
        with at_once():
            mask(text, ALL)


def test_spans_among_thousands_of_numbers_move_with_their_text() -> None:
    text = "王芳13812345678 " * 20_000
    spans = [Span(offset, offset + 2, "PER") for offset in range(0, len(text), 14)]
    with at_once():
        masked, shifted, _ = mask_spans(text, spans, ALL)
    assert {masked[s.start : s.end] for s in shifted} == {"王芳"}
