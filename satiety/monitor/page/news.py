"""Terms, clusters and strange texts of the window -> what is new, for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satiety.monitor.page.words import Say
from satiety.worth.page.markup import Html, tag
from satiety.worth.page.table import table

SHOWN = 200
"""Characters of a text that are shown."""


def news(report: Mapping[str, Any], say: Say) -> list[Html]:
    """Return a table of terms, then clusters, then the strangest texts."""
    found = [_terms(report, say)]
    if report["clusters"]:
        found.append(tag("h3", say("clusters")))
        found += [_cluster(one, say) for one in report["clusters"]]
    if report["strangest"]:
        texts = [tag("li", cut(text)) for text in report["strangest"]]
        found += [tag("h3", say("strangest")), tag("ul", *texts)]
    return found


def cut(text: str) -> str:
    """Return a text as it is shown: on one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


def _terms(report: Mapping[str, Any], say: Say) -> Html:
    if not report["terms"]:
        return tag("p", say("no terms"))
    rows = [
        (one["word"], f"{one['reference']:.1%}", f"{one['window']:.1%}", cut(one["example"])) for one in report["terms"]
    ]
    heads = [say(name) for name in ("word", "before", "now", "example")]
    return table(say("terms caption"), heads, rows, numbers=(1, 2))


def _cluster(one: Mapping[str, Any], say: Say) -> Html:
    marks = ", ".join(one["terms"]) or say("no mark")
    head = say("cluster", window=one["window"], reference=one["reference"], terms=marks)
    return tag("details", tag("summary", head), tag("ul", *(tag("li", cut(text)) for text in one["examples"])))
