"""Mask personal data and secrets: email addresses, phone numbers, identity and bank cards, tokens.

A number is masked only if it passes the check of its kind: the check digit of a Chinese identity card (GB 11643-1999),
the ranges of a US social security number, the Luhn sum of a bank card (ISO/IEC 7812-1), or the numbering plans of China
and the United States. API tokens are matched by their issuers' documented formats. Works for English and Chinese,
including full-width characters.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal, get_args

from satiety.core.answers import Span
from satiety.core.secrets import find_passwords, find_tokens

Kind = Literal["email", "id_card", "bank_card", "phone", "secret"]
KINDS: tuple[Kind, ...] = get_args(Kind)
REGIONS = ("CN", "US")
"""Regions whose numbering plans apply to numbers without a country code."""
_LATIN = r"0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_HAN = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TOP_LEVEL_DOMAINS = (
    "中国 中國 中信 中文网 亚马逊 企业 佛山 信息 健康 八卦 公司 公益 台湾 台灣 商城 商店 "
    "商标 嘉里 在线 大拿 天主教 娱乐 家電 广东 微博 慈善 我爱你 手机 招聘 政务 政府 新加坡 "
    "新闻 时尚 書籍 机构 淡马锡 游戏 澳門 点看 珠宝 移动 组织机构 网址 网店 网站 网络 联通 "
    "谷歌 购物 通販 集团 食品 餐厅 香格里拉 香港"
)
"""Top-level domains in Chinese characters (IANA's root zone database)."""
_ZONE = "|".join(sorted(_TOP_LEVEL_DOMAINS.split(), key=len, reverse=True))
_LOCAL = re.compile(rf"(?:[{_LATIN}][{_LATIN}\u0300-\u036f_.+'-]*|(?:(?![{_LATIN}])[^\W_])+)$")
"""Local part of an email address; Latin letters end at other scripts, as in ``邮箱是anna@x.com``."""
_DOMAIN = re.compile(
    rf"[^\W_][\w-]{{0,62}}(?:\.[\w-]{{1,63}})*"
    rf"\.(?:{_ZONE}|(?:(?![{_HAN}])[^\W_]|-){{1,63}})"
)
_KNOWN_ZONE = re.compile(
    rf"\.(?:{_ZONE}|[^\W\d_]{{2}}|com|net|org|edu|gov|info|biz|name|top|xyz|vip|shop|online|site|club|app|dev)$",
    re.IGNORECASE,
)
"""Required ending if the local part is in another script: excludes ``谢谢@john.smith``."""
_LETTER, _AT = re.compile(f"[{_LATIN}]"), re.compile("@")
MAX_LOCAL = 64
"""Most characters before the @ (RFC 5321)."""
_ID_CARD = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{3}-\d{2}-\d{4})(?![0-9A-Za-z])")
_LABELLED_SSN = re.compile(
    r"(?:(?<![a-z])ssn|social[ -]security|社会安全号|社安号)(?:[^\d\n]{0,20})(\d{3}[ -]?\d{2}[ -]?\d{4})(?!\d)",
    re.IGNORECASE,
)
"""A number announced as a social security number: any nine digits match."""
_BANK_CARD = re.compile(r"(?<![0-9A-Za-z])\d(?:[ -]?\d){12,18}(?![0-9A-Za-z])")
_SEVEN_DIGITS = re.compile(r"\d(?:\D{0,3}\d){6}")
"""Every number of these kinds has seven digits close together; texts without them skip the search."""
_NUMBERS: tuple[Kind, ...] = ("id_card", "bank_card", "phone")
"""Numeric kinds."""
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\+?\(?\d(?:[ ().-]{0,2}\d){6,14}(?![0-9A-Za-z])")
"""Anything formatted like a telephone number."""
_WORDS = "telephone|tel|cellphone|cell|mobile|mob|phone|ph|call|dial|fax|sms|text|whatsapp|wechat|weixin|wx|vx|hp"
_PHONE_PREFIX = re.compile(rf"(?<![a-z])(?:{_WORDS})(?=\+?\(?\d)|(?<=\d)(?:{_WORDS})(?![a-z])", re.IGNORECASE)
"""Words attached to a number, as in ``tel138…``; phonenumbers skips numbers that touch a letter."""
MAX_DIGITS = 20_000
"""Digits above which only the format of phone numbers is checked: numbering plans would take seconds."""


@dataclass(frozen=True, slots=True)
class SensitiveSpan:
    """Offsets of personal data or a secret, half-open, and its kind."""

    start: int
    end: int
    kind: Kind


def mask(text: str, kinds: Collection[Kind]) -> tuple[str, tuple[Kind, ...]]:
    """Return the text with personal data replaced by ``<email>``, ``<phone>``, …, and the kinds found."""
    masked, _, names = mask_spans(text, (), kinds)
    return masked, names


def mask_spans(
    text: str, spans: Sequence[Span], kinds: Collection[Kind]
) -> tuple[str, tuple[Span, ...], tuple[Kind, ...]]:
    """Mask a text and shift its spans; return the text, the spans and the kinds found.

    Raises:
        ValueError: personal data overlaps the edge of a span.
    """
    if not (hits := _find_hits(text, kinds)):
        return text, tuple(spans), ()
    ends = [hit.end for hit in hits]
    for span in spans:
        _check_whole(span, hits, bisect_right(ends, span.start))
    shifts = [0, *accumulate(len(hit.kind) + 2 - (hit.end - hit.start) for hit in hits)]

    def shift(offset: int) -> int:
        return offset + shifts[bisect_right(ends, offset)]

    parts = [f"{text[end : hit.start]}<{hit.kind}>" for end, hit in zip([0, *ends], hits, strict=False)]
    masked = "".join([*parts, text[ends[-1] :]])
    names = tuple(dict.fromkeys(hit.kind for hit in hits))
    return masked, tuple(replace(s, start=shift(s.start), end=shift(s.end)) for s in spans), names


def _check_whole(span: Span, hits: Sequence[SensitiveSpan], start: int) -> None:
    """Raise ValueError if the span cuts a hit; ``start`` is the first hit that ends after the span's start."""
    for index in range(start, len(hits)):
        hit = hits[index]
        if hit.start >= span.end:
            return
        if not (span.start <= hit.start and hit.end <= span.end):
            raise ValueError(f"the span {span.start}–{span.end} cuts through {hit.kind} data at {hit.start}–{hit.end}")


def _find_hits(text: str, kinds: Collection[Kind]) -> list[SensitiveSpan]:
    """Return personal data from left to right; of two overlapping hits, the one of the earlier finder."""
    hits: list[SensitiveSpan] = []
    folded, occupied = fold(text), bytearray(len(text))
    absent = () if _SEVEN_DIGITS.search(folded) else _NUMBERS
    for kind, finder in _FINDERS.items():
        if kind in kinds and kind not in absent:
            for start, end in finder(folded):
                if occupied.find(1, start, end) < 0:
                    occupied[start:end] = b"\1" * (end - start)
                    hits.append(SensitiveSpan(start, end, kind))
    return sorted(hits, key=lambda hit: hit.start)


_DASHES = "\u2010\u2011\u2012\u2013\u2212"
"""Typographic characters used as a hyphen."""


class _FoldTable(dict[int, str]):
    """Code point -> its basic form (NFKC, digits of any script as 0 to 9), if that is a single character."""

    def __missing__(self, code: int) -> str:
        character = chr(code) if chr(code) not in _DASHES else "-"
        digit, normalised = unicodedata.decimal(character, None), unicodedata.normalize("NFKC", character)
        folded = str(digit) if digit is not None else normalised if len(normalised) == 1 else character
        self[code] = folded
        return folded


_FOLDED = _FoldTable()


def fold(text: str) -> str:
    """Return a text of the same length with full-width and other variant characters in their basic form."""
    return text if text.isascii() else text.translate(_FOLDED)


def _find_emails(text: str) -> Iterator[tuple[int, int]]:
    end = 0
    for sign in _AT.finditer(text):
        begin = max(end, sign.start() - MAX_LOCAL)
        name, domain = _LOCAL.search(text[begin : sign.start()]), _DOMAIN.match(text, sign.end())
        if name and domain and (_LETTER.match(name[0]) or _KNOWN_ZONE.search(domain[0])):
            end = domain.end()
            yield begin + name.start(), end


def _find_id_cards(text: str) -> Iterator[tuple[int, int]]:
    from stdnum.cn import ric
    from stdnum.us import ssn

    for match in _ID_CARD.finditer(text):
        number = match.group()
        if (ssn if "-" in number else ric).is_valid(number.upper()):
            yield match.span()
    yield from (match.span(1) for match in _LABELLED_SSN.finditer(text))


def _find_bank_cards(text: str) -> Iterator[tuple[int, int]]:
    from stdnum import luhn

    for match in _BANK_CARD.finditer(text):
        number = re.sub(r"\D", "", match.group())
        if number[0] in "3456" and len(set(number)) > 1 and luhn.is_valid(number):
            yield match.span()


def _find_phones(text: str) -> Iterator[tuple[int, int]]:
    if len(text) > MAX_DIGITS and sum(map(str.isdecimal, text)) > MAX_DIGITS:
        yield from (match.span() for match in _NUMBER.finditer(text))
        return
    from phonenumbers import Leniency, PhoneNumberMatcher

    text = _PHONE_PREFIX.sub(lambda word: " " * len(word.group()), text)
    ranges = {(hit.start, hit.end) for region in REGIONS for hit in PhoneNumberMatcher(text, region, Leniency.VALID)}
    covered = 0
    for start, end in sorted(ranges, key=lambda place: (place[0], -place[1])):
        if start >= covered:
            covered = end
            yield start, end


def _find_secrets(text: str) -> Iterator[tuple[int, int]]:
    yield from find_passwords(text)
    yield from find_tokens(text)


_FINDERS: dict[Kind, Callable[[str], Iterator[tuple[int, int]]]] = {
    "secret": _find_secrets,
    "email": _find_emails,
    "id_card": _find_id_cards,
    "bank_card": _find_bank_cards,
    "phone": _find_phones,
}
"""Order matters: a password before an @ looks like an email address, and part of a card number like a phone number."""
