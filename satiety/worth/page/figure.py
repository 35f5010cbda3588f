"""A report -> the picture: the learning curve of labels alone, and per lever an arrow level to it.

Drawn once for each frame, for text that shrinks with a picture cannot be read on a telephone; the style shows one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from satiety.worth.page import curve, marks
from satiety.worth.page.aim import Aim, aim
from satiety.worth.page.arrows import Arrow, arrows, focus
from satiety.worth.page.markup import Html, join, tag
from satiety.worth.page.placing import Box, Room
from satiety.worth.page.scale import FRAMES, Frame, scale
from satiety.worth.page.voice import Voice

Report = Mapping[str, Any]


def figure(report: Report, voice: Voice) -> Html:
    """Return the picture in every frame, and how to read it."""
    candidates = arrows(report, voice)
    drawn = {frame: _draw(frame, report, candidates, voice) for frame in FRAMES}
    counts = {frame: len(aims) for frame, (_, aims) in drawn.items()}
    return tag("figure", *(svg for svg, _ in drawn.values()), _caption(report, candidates, counts, voice))


def _draw(frame: Frame, report: Report, candidates: Sequence[Arrow], voice: Voice) -> tuple[Html, list[Aim]]:
    """Return one drawing, and the arrows it has."""
    shown = scale(frame, report, [score for one in candidates for score in (one.score, one.low, one.high)])
    lines, inked = curve.plain(shown, report)
    ahead, faint = curve.fit(shown, report)
    room = Room(Box(shown.left + 2, frame.top - 4, shown.right, shown.floor - 3), [*inked, *faint])
    aims = aim(candidates, shown, room)
    named = curve.names(shown, report, voice, room)
    order = sorted(aims, key=lambda one: not one.arrow.main)  # what leads down from the headline's runs below names
    drawn = [marks.bar(one) for one in aims] + [marks.arrow(one, shown, voice) for one in order]
    key, height = marks.key(frame, aims)
    layers = [*ahead, *curve.axes(shown, report, voice), *lines, *drawn, *named, *key]
    said = [tag("title", voice("figure title", metric=report["metric"]), id=f"title-{frame.name}")]
    said.append(tag("desc", _says(report, aims, voice), id=f"says-{frame.name}"))
    about = {"role": "img", "aria_labelledby": f"title-{frame.name}", "aria_describedby": f"says-{frame.name}"}
    size = f"0 0 {frame.width} {height:.0f}"
    return tag("svg", *said, *layers, viewBox=size, class_=f"picture {frame.name}", font_size=frame.font, **about), aims


def _says(report: Report, aims: Sequence[Aim], voice: Voice) -> str:
    """Return in words what the picture shows."""
    first, last, limit = report["curve"][0], report["curve"][-1], report.get("fit")
    fitted = ""
    if limit:
        value = limit["asymptote"]
        fitted = voice("figure fit", value=voice.score(value["value"]), interval=voice.plain_interval(value))
    said = [f"{one.arrow.text} ({voice(one.arrow.verdict)})" for one in aims]
    return voice(
        "figure says",
        metric=report["metric"],
        first=voice.score(first["value"]),
        least=voice.budget(first["budget"]),
        last=voice.score(last["value"]),
        most=voice.budget(last["budget"]),
        fit=fitted,
        arrows=voice("semicolon").join(said),
    )


def _caption(report: Report, candidates: Sequence[Arrow], drawn: Mapping[Frame, int], voice: Voice) -> Html:
    """Return how the picture is read, with a legend of the verdicts in it."""
    level, n = f"{report['level']:.0%}", voice.count(report["budgets"][-1])
    fitted = voice("read fit", n=n) if report.get("fit") else ""
    said = [tag("p", voice("read curve", metric=report["metric"], level=level) + fitted)]
    if candidates:
        said.append(tag("p", voice("read arrows")))
        said += [_choice(report, len(candidates) - count, frame, voice) for frame, count in drawn.items()]
    verdicts = [one for one in marks.SHAPES if any(arrow.verdict == one for arrow in candidates)]
    legend = [tag("span", voice.verdict({"verdict": one})) for one in verdicts]
    return tag("figcaption", tag("p", join(legend, " "), class_="legend"), *said)


def _choice(report: Report, left: int, frame: Frame, voice: Voice) -> Html:
    """Return which arrows one drawing has."""
    said = voice("read choice", budget=voice.budget(focus(report)))
    rest = voice("read left", left=left) if left else ""
    return tag("p", f"{said}{rest}", class_=f"picture {frame.name}")
