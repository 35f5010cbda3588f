"""What every lever did at every budget -> tables, one for each budget, and what it saves on average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satiety.worth.page.arrows import focus
from satiety.worth.page.markup import Html, join, tag
from satiety.worth.page.table import ends, table, whisker
from satiety.worth.page.voice import Voice, quantity

Report = Mapping[str, Any]


def levers(report: Report, voice: Voice) -> list[Html]:
    """Return the tables; that of the budget the figure looks at is open."""
    rows, first = report["levers"], focus(report)
    axis = ends(row["gain"] for row in rows)
    budgets = [n for n in report["budgets"] if any(row["budget"] == n for row in rows)]
    lead = tag("p", voice("levers lead", metric=report["metric"]))
    return [lead, *(_budget(report, n, axis, n == first, voice) for n in budgets), *_advantage(report, voice)]


def _budget(report: Report, n: int, axis: tuple[float, float], unfolded: bool, voice: Voice) -> Html:
    there = [row for row in report["levers"] if row["budget"] == n]
    rows = sorted(there, key=lambda row: -1.0 if row["score"] is None else row["score"], reverse=True)
    plain = next((point["value"] for point in report["curve"] if point["budget"] == n), None)
    best = voice(
        "summary", plain=voice.score(plain), lever=voice.lever(rows[0]["lever"]), worth=voice.worth(rows[0]["labels"])
    )
    said = voice("at budget", budget=voice.budget(n))
    heads = [voice(name) for name in ("lever", "verdict", "worth", "gain")] + ["", voice("score")]
    body = table(said, heads, [_row(row, axis, voice) for row in rows], numbers=(2, 3, 5), drawn=4)
    return tag("details", tag("summary", tag("b", said), tag("span", best)), body, open="" if unfolded else None)


def _row(row: Mapping[str, Any], axis: tuple[float, float], voice: Voice) -> list[str]:
    return [
        voice.lever(row["lever"]),
        voice.verdict(row),  # beside the name, where the narrowest screen still shows it
        quantity(voice.labels(row["labels"]["value"]), voice.span(row["labels"])),
        gain(row["gain"], voice),
        whisker(row["gain"], axis),
        voice.score(row["score"]),
    ]


def gain(reading: Mapping[str, Any], voice: Voice) -> Html:
    """Return a difference of scores and its interval."""
    low, high = (voice.signed(reading[end]) for end in ("low", "high"))
    return quantity(voice.signed(reading["value"]), voice.interval(low, high))


def added(reading: Mapping[str, Any] | None, voice: Voice) -> Html:
    """Return labels gained or lost, and their interval, which may have no end; a dash where they were not read."""
    if reading is None:
        return tag("span", "–")
    low, high = (voice.signed(reading[end], digits=0) for end in ("low", "high"))
    return quantity(voice.signed(reading["value"], digits=0), voice.interval(low, high if high != "–" else "∞"))


def _advantage(report: Report, voice: Voice) -> list[Html]:
    rows = report.get("advantage") or []
    if not rows:
        return []
    axis = ends(rows)
    heads = [voice("lever"), voice("saves"), ""]
    body = [[voice.lever(row["lever"]), added(row, voice), whisker(row, axis)] for row in rows]
    return [tag("h3", voice("advantage")), table(voice("advantage caption"), heads, body, numbers=(1,))]


def credit(report: Report, voice: Voice) -> list[Html]:
    """Return who earned the joint gain, one table for each budget."""
    found = report.get("credit") or []
    if not found:
        return [tag("p", voice("none"))]
    axis = ends(part["gain"] for one in found for part in (one["joint"], *one["shares"], *one["interactions"]))
    first = focus(report)
    opened = first if any(one["budget"] == first for one in found) else found[0]["budget"]
    return [tag("p", voice("credit lead")), *(_credit(one, axis, one["budget"] == opened, voice) for one in found)]


def _credit(one: Mapping[str, Any], axis: tuple[float, float], unfolded: bool, voice: Voice) -> Html:
    parts = [(voice.lever(part["lever"]), part) for part in one["shares"]]
    parts.append((tag("b", voice("together")), one["joint"]))
    parts += [(" × ".join(part["levers"]), part) for part in one["interactions"]]
    rows = [
        [name, gain(part["gain"], voice), whisker(part["gain"], axis), added(part["labels"], voice)]
        for name, part in parts
    ]
    said = voice("at budget", budget=voice.budget(one["budget"]))
    heads = [voice("part"), voice("gain"), "", voice("added")]
    summary = tag(
        "summary", tag("b", said), tag("span", voice("credit summary", gain=voice.gain(one["joint"]["gain"])))
    )
    note = tag("p", voice("capped"), class_="note") if one.get("capped") else None
    return tag(
        "details",
        summary,
        join([table(said, heads, rows, numbers=(1, 3), drawn=2), note]),
        open="" if unfolded else None,
    )
