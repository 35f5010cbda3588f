"""reports/monitor.json -> one page that says, in a language, what has moved, whether it harms, and what is new.

It opens without a network, runs no script, escapes every value, and is the same for the same report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from satiety.monitor.page.news import news
from satiety.monitor.page.score import estimate, feedback
from satiety.monitor.page.tests import labels, tests
from satiety.monitor.page.words import Language, Say, coded, moment
from satiety.worth.page.markup import Html, document, tag
from satiety.worth.page.style import STYLE

SECTIONS: dict[str, Callable[[Mapping[str, Any], Say], Sequence[Html]]] = {
    "estimate": estimate,
    "feedback": feedback,
    "tests": tests,
    "labels": labels,
    "news": news,
    "method": lambda report, say: [tag("p", say("how", report, texts=report["reference"]))],
}
"""In the order of the page; the names are also those of their headings and anchors."""


def page(report: Mapping[str, Any], language: Language) -> str:
    """Return the page of a report, in the shape of reports/monitor.json."""
    say = Say(language)
    sections = [
        tag("section", tag("h2", say(name), id=name), *build(report, say), aria_labelledby=name)
        for name, build in SECTIONS.items()
        if name != "feedback" or report["window"]["since"]  # nobody can speak of a table's answers: they have no ids
    ]
    body = tag("body", _header(report, say), tag("main", *sections), tag("footer", tag("p", say("footer"))))
    return document(language, say("title"), STYLE, body)


def _header(report: Mapping[str, Any], say: Say) -> Html:
    window = report["window"]
    known = say("what", window, reference=report["reference"])
    if window["since"]:
        ends = {name: moment(window[name]) for name in ("since", "until")}
        known = say("when", {**window, **ends}, reference=report["reference"])
    left, lacks = window["left_out"], report["unmetered"]
    return tag(
        "header",
        tag("p", say("eyebrow", metric=report["metric"]), class_="eyebrow"),
        tag("h1", report["sentence"][say.language]),
        tag("p", coded(lacks[say.language])) if lacks else None,
        tag("p", known, class_="trust"),
        tag("p", left["sentence"][say.language], class_="trust") if left else None,
    )
