"""reports/worth.json -> one page that says, in a language, what each lever is worth in labels.

It opens without a network, runs no script, escapes every value, and is the same for the same report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from satiety.worth.page.ahead import forecast, step
from satiety.worth.page.figure import figure
from satiety.worth.page.levers import credit, levers
from satiety.worth.page.markup import Html, document, join, tag
from satiety.worth.page.style import STYLE
from satiety.worth.page.trust import agreement, answers, held, measured
from satiety.worth.page.voice import Language, Voice

Report = Mapping[str, Any]
Section = Callable[[Report, Voice], Sequence[Html]]

SECTIONS: dict[str, Section] = {
    "curve": lambda report, voice: [figure(report, voice)],
    "levers": levers,
    "credit": credit,
    "forecast": forecast,
    "next": step,
    "answers": answers,
    "agreement": agreement,
    "measured": measured,
}
"""In the order of the page; the names are also those of their headings and anchors."""


def page(report: Report, language: Language) -> str:
    """Return the page of a report, in the shape of reports/worth.json; of one that measured nothing, what it says."""
    if not report["budgets"]:
        voice = Voice(language, 0, 0)
        return document(language, voice("title"), STYLE, join([tag("header", *_sentences(report, voice))]))
    budgets = [n for n in report["budgets"] if n > 0]
    voice = Voice(language, smallest=budgets[0], largest=budgets[-1])
    sections = [
        tag("section", tag("h2", voice(name), id=name), *build(report, voice), aria_labelledby=name)
        for name, build in SECTIONS.items()
    ]
    main = tag("main", *sections)
    footer = tag("footer", tag("p", voice("footer")))
    body = tag("body", _header(report, voice), _contents(voice), main, footer)
    return document(language, voice("title"), STYLE, body)


def _header(report: Report, voice: Voice) -> Html:
    right = held(report)
    known = voice("no answers")
    if right:
        known = voice("all held" if all(right) else "some held", n=len(right), held=sum(right))
    trust = voice(
        "trust",
        test=voice.count(report["test"]),
        chains=voice.count(sum(report["chains"].values())),
        level=f"{report['level']:.0%}",
        answers=known,
    )
    return tag("header", *_sentences(report, voice), tag("p", trust, class_="trust"))


def _sentences(report: Report, voice: Voice) -> list[Html]:
    return [
        tag("p", voice("eyebrow", problem=report["problem"], metric=report["metric"]), class_="eyebrow"),
        tag("h1", report["headline"][voice.language]),
        tag("p", voice("lead", sentence=report["next"]["sentence"][voice.language]), class_="lead"),
    ]


def _contents(voice: Voice) -> Html:
    links = [tag("a", voice(f"to {name}"), href=f"#{name}") for name in SECTIONS]
    return tag("nav", join(links, " "), aria_label=voice("contents"))
