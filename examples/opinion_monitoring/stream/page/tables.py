"""Readings -> tables: what surged in the windows shown, and every topic in the last one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from examples.opinion_monitoring.stream.page.words import SIGNS, Language, say
from satiety.worth.agreement import estimate_wilson_interval
from satiety.worth.page.markup import Html, tag

if TYPE_CHECKING:
    from examples.opinion_monitoring.stream.surge import Reading

TONES = {"surge": "harmful", "more traffic": "not", "as expected": "not", "too little history": "not"}


def alerts(windows: Sequence[Sequence[Reading]], zone: str, language: Language) -> Html:
    """Return the surges that began, newest first; ``zone`` is that of their times."""
    found = [one for window in reversed(windows) for one in window if one.begins]
    if not found:
        return tag("p", say(language, "none"))
    rows = [
        _row(one.topic, f"{one.start:%m-%d %H:%M}", *_counts(one), _share(one), f"{one.share:.2f}") for one in found
    ]
    caption = say(language, "caption alerts", zone=zone)
    return _table(("topic", "time", "count", "all", "expected", "limit", "shares", "usual"), rows, caption, language)


def now(window: Sequence[Reading], level: float, language: Language) -> Html:
    """Return every topic as it is."""
    rows = []
    for one in window:
        sign = tag("span", f"{SIGNS[one.verdict]} {say(language, one.verdict)}", class_="verdict")
        verdict = tag("td", sign, class_=TONES[one.verdict])
        rows.append(_row(one.topic, verdict, *_counts(one), _share(one, level), f"{one.share:.2f}"))
    caption = say(language, "caption now")
    return _table(("topic", "verdict", "count", "all", "expected", "limit", "shares", "usual"), rows, caption, language)


def _counts(one: Reading) -> tuple[str, str, str, str]:
    return f"{one.count.negative:.1f}", str(one.count.all), f"{one.expected:.1f}", f"{one.limit:.1f}"


def _share(one: Reading, level: float | None = None) -> Html:
    if not one.count.all:
        return Html("–")
    if level is None:
        return Html(f"{one.count.negative / one.count.all:.2f}")
    share = estimate_wilson_interval(one.count.negative, one.count.all, level)
    return Html(f'{share.value:.2f} <span class="interval">[{share.low:.2f}, {share.high:.2f}]</span>')


def _row(name: str, *cells: str) -> Html:
    made = [cell if cell.startswith("<td") else tag("td", cell, class_="number") for cell in cells]
    return tag("tr", tag("th", name, scope="row"), *made)


def _table(columns: Sequence[str], rows: Sequence[Html], caption: str, language: Language) -> Html:
    heads = [
        tag("th", say(language, one), scope="col", class_=None if one in {"topic", "verdict"} else "number")
        for one in columns
    ]
    table = tag("table", tag("caption", caption), tag("thead", tag("tr", *heads)), tag("tbody", *rows))
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=caption)
