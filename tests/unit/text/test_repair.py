"""Certain damage is repaired and counted; anything else stays; spans move with their text."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from satiety.core.answers import Span
from satiety.text.repair import repair, repair_spans, salvage
from tests.patience import at_once

CLEAN = [
    "plain",
    "你好，世界。",
    "naïve café",
    "日本語のテキスト",
    "AT&T; R&D & more",
    "a < b && c > d",
    "👩‍👩‍👧 family",
    "می‌خواهم",
    "क्‍ष",
    "tab\tand\nbreak",
    "=1+1",
    "{{ user }}",
    "<b>bold</b>",
    "™ £20 ½ §3",
    "Ã la carte",
    "ä½ å¥½ï¼Œä¸–ç•Œ",  # an ordinary space in place of a byte: ambiguous
]


@pytest.mark.parametrize("text", CLEAN)
def test_a_valid_text_stays_unchanged(text: str) -> None:
    assert repair(text) == (text, ())


@pytest.mark.parametrize(
    ("text", "expected", "kinds"),
    [
        ("Tom &amp; Jerry &lt;3 &#39;ok&#39;", "Tom & Jerry <3 'ok'", ("html",)),
        ("&quot;你好&quot;&#x4e2d;", '"你好"中', ("html",)),
        ("donâ€™t", "don’t", ("mojibake",)),
        ("cafÃ©", "café", ("mojibake",)),
        ("ä½\xa0å¥½ï¼Œä¸–ç•Œ", "你好，世界", ("mojibake",)),
        ("a\x00b\x07c\x7f", "abc", ("control",)),
        ("\x1b[31mred\x1b[0m alert", "red alert", ("ansi",)),
        ("safe\u202egpj.exe", "safegpj.exe", ("bidi",)),
        ("zero\u200bwidth\ufeff 零\u200b宽", "zerowidth 零宽", ("zero_width",)),
        ("in\u200dvisible", "invisible", ("zero_width",)),
        ("cafe\u0301", "café", ("nfc",)),
        ("&#8203;hid&#0;den", "hid\ufffdden", ("html", "zero_width")),
        ("&amp;lt;", "&lt;", ("html",)),
        ("jane&amp;#64;example.com, jane&#64example.com", "jane@example.com, jane@example.com", ("html",)),
        ("138\u034f1234\ufe0f5678\u3164\U000e0001", "13812345678", ("zero_width",)),
        ("❤️ 1️⃣ 🏴\U000e0067\U000e0062\U000e007f", "❤️ 1️⃣ 🏴\U000e0067\U000e0062\U000e007f", ()),
    ],
)
def test_certain_damage_is_repaired_and_named(text: str, expected: str, kinds: tuple[str, ...]) -> None:
    assert repair(text) == (expected, kinds)


@pytest.mark.parametrize("text", ["half \ud83d pair", "\udc80"])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="incomplete surrogate pair at character"):
        repair(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_repaired_text_is_normalised(text: str) -> None:
    once, _ = repair(text)
    assert unicodedata.is_normalized("NFC", once)
    assert not set(once) & set("\x00\x1b\x7f\u202e\u2066\u200b\ufeff")


@given(st.text(st.sampled_from("éèü你好世界—’“ñ")))
@example("—è“è")  # which ftfy, left alone, takes for Cyrillic
def test_a_wrong_decoding_is_reversed_or_left_unchanged(text: str) -> None:
    try:
        broken = text.encode("utf-8").decode("cp1252")
    except UnicodeDecodeError:
        return
    repaired, kinds = repair(broken)
    if "mojibake" in kinds and len(text) > 1:
        assert repaired.encode("utf-8").decode("cp1252") == broken


class TestSpans:
    def join_parts(self, *parts: str | tuple[str, str]) -> tuple[str, list[Span]]:
        text, spans = "", []
        for part in parts:
            piece, label = (part, "") if isinstance(part, str) else part
            if label:
                spans.append(Span(len(text), len(text) + len(piece), label))
            text += piece
        return text, spans

    @pytest.mark.parametrize(
        ("parts", "expected", "covered"),
        [
            (("Ask ", ("AT&amp;T", "ORG"), " &gt; me"), "Ask AT&T > me", ["AT&T"]),
            (("\u200b他在", ("北\u200b京", "LOC"), "见", ("江泽民", "PER")), "他在北京见江泽民", ["北京", "江泽民"]),
            ((("Zoe\u0308", "PER"), " naps"), "Zoë naps", ["Zoë"]),
            (("a\x00b", ("c", "X"), ("d", "Y"), "&amp;"), "abcd&", ["c", "d"]),
        ],
    )
    def test_spans_cover_the_same_text_after_a_repair(
        self, parts: tuple[str, ...], expected: str, covered: list[str]
    ) -> None:
        text, spans = self.join_parts(*parts)
        repaired, shifted, kinds = repair_spans(text, spans)
        assert (repaired, [repaired[span.start : span.end] for span in shifted]) == (expected, covered)
        assert [span.label for span in shifted] == [span.label for span in spans]
        assert kinds

    def test_a_span_that_becomes_empty_is_refused(self) -> None:
        with pytest.raises(ValueError, match="the span 1–2 is empty after the repair"):
            repair_spans("a\u200bb", [Span(1, 2, "X")])

    def test_a_span_that_cuts_a_character_is_refused(self) -> None:
        with pytest.raises(ValueError, match="begins or ends inside a composed character"):
            repair_spans("cafe\u0301", [Span(0, 4, "X")])

    @pytest.mark.parametrize(("text", "end"), [("a&amp;b", 3), ("jane&#64;x.com", 5), ("ä½\xa0å¥½ï¼Œä¸–ç•Œ", 2)])
    def test_a_span_that_cuts_a_repaired_sequence_is_refused(self, text: str, end: int) -> None:
        with pytest.raises(ValueError, match="begins or ends inside a sequence that must be repaired as a whole"):
            repair_spans(text, [Span(0, end, "X")])

    @given(
        st.lists(st.tuples(st.text("ab 中&amp;\u200b\u0301é", max_size=6), st.sampled_from(["", "X", "Y"])), max_size=8)
    )
    def test_text_and_spans_stay_together(self, parts: list[tuple[str, str]]) -> None:
        text, spans = self.join_parts(*[part if part[1] and part[0] else part[0] for part in parts])
        try:
            repaired, shifted, _ = repair_spans(text, spans)
        except ValueError:
            return
        for span, shifted_span in zip(spans, shifted, strict=True):
            assert repaired[shifted_span.start : shifted_span.end] == repair(text[span.start : span.end])[0]


class TestMarks:
    @pytest.mark.parametrize("marks", ["\u0301\u0327", "&#769;&#807;", "\u0f73", "\uff9e\u0301"])
    @pytest.mark.parametrize("prefix", ["", "好" * 777])
    def test_an_endless_run_of_marks_is_refused_at_once(self, marks: str, prefix: str) -> None:
        text = prefix + marks * 50_000
        with at_once():
            with pytest.raises(
                ValueError, match=f"more than 1,000 combining marks in a row from character {len(prefix)}"
            ):
                repair(text)
            assert salvage(text) == prefix

    @pytest.mark.parametrize("count", [999, 1000, 1001])
    def test_the_limit_of_marks_is_exact_wherever_the_run_begins(self, count: int) -> None:
        for offset in (1, 500, 999, 1000, 1001):
            text = "x" * offset + "\u0327" * count
            if count > 1000:
                with pytest.raises(ValueError, match=f"from character {offset}"):
                    repair(text)
            else:
                assert len(repair(text)[0]) == len(text)

    def test_spans_do_not_split_a_run_of_marks(self) -> None:
        text = "\u0327" * 1200
        with pytest.raises(ValueError, match="combining marks in a row"):
            repair_spans(text, [Span(0, 600, "X")])
