"""Known answers, agreement of depths and how it was measured -> why the numbers may be believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from satiety.worth.page.levers import gain
from satiety.worth.page.markup import Html, tag
from satiety.worth.page.table import table
from satiety.worth.page.voice import Voice, quantity

Report = Mapping[str, Any]
KINDS = ("oracle", "copy", "poison")


def held(report: Report) -> list[bool]:
    """Return of each known answer whether it was read right."""
    found = report.get("calibration") or {}
    read = [bool(one["holds"]) for kind in KINDS for one in found.get(kind) or []]
    return [*read, _tight(found["leak"])] if found.get("leak") else read


def answers(report: Report, voice: Voice) -> list[Html]:
    """Return what the meter had to read, and what it read."""
    found = report.get("calibration") or {}
    rows = [row for kind in KINDS for row in _known(kind, found.get(kind) or [], voice)]
    leak = found.get("leak")
    if leak:
        refused = quantity(voice("refused", n=voice.count(leak["refused"])))
        rows.append([voice("leak"), voice("must refuse"), refused, _mark(_tight(leak), voice)])
    if not rows:
        return [tag("p", voice("none"))]
    heads = [voice(name) for name in ("trial", "truth", "read", "held")]
    said = [tag("p", voice("answers lead")), table(voice("answers caption"), heads, rows, numbers=(1, 2))]
    if leak:
        lifted = voice("inflation", score=voice.score(leak["score"]), gain=voice.gain(leak["inflation"]))
        said.append(tag("p", lifted, class_="note"))
    return said


def _known(kind: str, rows: list[Mapping[str, Any]], voice: Voice) -> Iterator[list[str]]:
    for row in rows:
        budget, truth = row["budget"], row.get("truth")
        must = voice.count(budget if truth is None else truth)
        name = voice(kind, budget=voice.budget(budget), k=voice.count((truth or budget) - budget))
        read = quantity(voice.labels(row["labels"]["value"]), voice.span(row["labels"]))
        yield [
            name,
            voice("below", n=voice.count(budget)) if kind == "poison" else must,
            read,
            _mark(row["holds"], voice),
        ]


def _tight(row: Mapping[str, Any]) -> bool:
    """Return whether what was planted was refused."""
    return bool(row.get("holds", row["refused"] > 0))


def _mark(right: bool, voice: Voice) -> Html:
    return tag("b", voice("pass" if right else "fail"), class_="pass" if right else "fail")


def agreement(report: Report, voice: Voice) -> list[Html]:
    """Return how often quick verdicts stand at full depth, or why that is not known."""
    found = report.get("agreement")
    if not found:
        return [tag("p", voice("no agreement"))]
    if not found["cells"]:
        return [tag("p", voice("none clear"))]
    share = f"{voice.score(found['share']['value'])} {voice.plain_interval(found['share'])}"
    said = [tag("p", voice("agree", agree=found["agree"], cells=found["cells"], share=share))]
    if not found["disagreements"]:
        return [*said, tag("p", voice("no disagreement"))]
    heads = [voice(name) for name in ("lever", "budget", "quick", "full")]
    rows = [
        [voice.lever(row["lever"]), voice.count(row["budget"]), gain(row["quick"], voice), gain(row["full"], voice)]
        for row in found["disagreements"]
    ]
    return [*said, table(voice("disagree caption"), heads, rows, numbers=(1, 2, 3))]


def measured(report: Report, voice: Voice) -> list[Html]:
    """Return how the numbers came to be."""
    pairs = [part for term, said in _facts(report, voice) for part in (tag("dt", term), tag("dd", said))]
    return [tag("dl", *pairs), *_methods(report, voice)]


def _facts(report: Report, voice: Voice) -> Iterator[tuple[str, str]]:
    chains, count = report["chains"], voice.count
    yield voice("chains"), voice("chains say", levers=count(chains["levers"]), curve=count(chains["curve"]))
    budgets = voice("comma").join(map(count, report["budgets"]))
    yield voice("labels pool"), voice("labels say", n=count(report["labels"]), budgets=budgets)
    languages = voice("comma").join(report["languages"])
    yield voice("test"), voice("test say", n=count(report["test"]), languages=languages)
    yield (
        voice("intervals"),
        voice(
            "intervals say",
            level=f"{report['level']:.0%}",
            resamples=count(report["resamples"]),
            n=count(report["labels"]),
        ),
    )
    yield voice("depth"), report["depth"]
    if report.get("saved"):
        yield voice("saved"), _saved(report["saved"], voice)
    if report.get("backtest"):
        found = report["backtest"]
        yield voice("backtest"), voice("backtest say", covered=found["covered"], forecasts=found["forecasts"])
    if report.get("fit"):
        yield voice("exponent"), f"{report['fit']['exponent']:.2f}"


def _saved(found: Mapping[str, Any], voice: Voice) -> str:
    each = [voice("stopped one", lever=voice.lever(one["lever"]), after=one["after"]) for one in found["stopped"]]
    stopped = voice("stopped", list=voice("comma").join(each)) if each else ""
    return voice("saved say", cells=found["cells"], of=found["of"], error=f"{found['error']:.2f}", stopped=stopped)


def _methods(report: Report, voice: Voice) -> list[Html]:
    if not report.get("methods"):
        return []
    heads = [voice(name) for name in ("method", "budget", "score", "difference", "share chosen")]
    rows = [
        [
            row["method"],
            voice.count(row["budget"]),
            voice.score(row["score"]),
            gain(row["difference"], voice),
            _share(row),
        ]
        for row in report["methods"]
    ]
    return [tag("h3", voice("methods")), table(voice("methods caption"), heads, rows, numbers=(1, 2, 3, 4))]


def _share(row: Mapping[str, Any]) -> str:
    return "–" if row.get("chosen") is None else f"{row['chosen']:.2f}"
