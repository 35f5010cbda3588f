"""year.json -> one page of it, in a language. It opens without a network, runs no script, and escapes every value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from examples.year.page.figure import figure
from examples.year.page.words import SIGNS, Language, Say
from satiety.worth.page.markup import Html, document, tag
from satiety.worth.page.style import STYLE

OWN = """
.planted { fill: var(--band); opacity: .4; }
.way { stroke: var(--tone); stroke-width: 2.4; stroke-linejoin: round; }
.way.first { stroke-dasharray: 7 4; }
.dot { fill: var(--tone); stroke: var(--paper); stroke-width: 1.2; }
svg .end, svg .sign { fill: var(--tone); font-weight: 650; }
.key span { color: var(--tone, var(--soft)); }
"""


def page(told: Mapping[str, Any], language: Language) -> str:
    """Return the page of a year, in the shape of year.json."""
    say = Say(language)
    body = tag(
        "body",
        _header(told, say),
        tag("main", _section("figure", figure(told, say), say), _section("table", _table(told, say), say)),
        tag("footer", tag("p", say("footer"))),
    )
    return document(language, say("title"), STYLE + OWN, body)


def _header(told: Mapping[str, Any], say: Say) -> Html:
    months = told["months"]
    done = [one["retraining"]["decision"] for one in months if one["retraining"]]
    said = {
        "promoted": done.count("promoted"),
        "retrained": len(done) - done.count("none"),
        "error": told["error"],
        "held": told["intervals that held the truth"],
        "months": len(months),
    }
    last = {line: months[-1]["true"][line]["value"] for line in ("champion", "first")}
    return tag(
        "header",
        tag("p", say("eyebrow", metric=told["metric"]), class_="eyebrow"),
        tag("h1", say("headline", **last)),
        tag("p", say("lead", **said), class_="lead"),
    )


def _section(name: str, inner: Html, say: Say) -> Html:
    return tag("section", tag("h2", say(name), id=name), inner, aria_labelledby=name)


def _table(told: Mapping[str, Any], say: Say) -> Html:
    names = ("month", "world", "verdict", "told", "with", "without", "retraining", "why")
    head = tag("thead", tag("tr", *(tag("th", say(name), scope="col") for name in names)))
    rows = [_row(one, say) for one in told["months"]]
    return tag("div", tag("table", head, tag("tbody", *rows)), class_="scroll", tabindex="0")


def _row(month: Mapping[str, Any], say: Say) -> Html:
    done, true = month["retraining"], month["true"]
    told = [
        say.planted(month),
        f"{SIGNS[month['verdict']]} {say(month['verdict'])}",
        say.score(month["estimate"]),
        f"{true['champion']['value']:.3f}",
        f"{true['first']['value']:.3f}",
        f"{SIGNS[done['decision']]} {say(done['decision'])}" if done else "",
        done["because"] if done else "",
    ]
    return tag("tr", tag("th", f"{month['world']['month']}", scope="row"), *(tag("td", cell) for cell in told))
