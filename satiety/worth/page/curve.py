"""The curve of plain, its fit and the axes -> shapes, and what they take of the plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from satiety.worth.page.markup import Html, join, tag
from satiety.worth.page.placing import Box, Room, along, width
from satiety.worth.page.scale import Scale, ticks
from satiety.worth.page.voice import Voice

Report = Mapping[str, Any]
Place = tuple[float, float]


def axes(scale: Scale, report: Report, voice: Voice) -> list[Html]:
    """Return the grid, the ticks and what the axes are."""
    font, floor, left, right = scale.frame.font, scale.floor, scale.left, scale.right
    found, scores = [], ticks(scale.low, scale.high)
    digits = 2 if scores[-1] - scores[0] > 0.01 * (len(scores) - 1.5) else 3
    for score in scores:
        y = scale.y(score)
        found.append(tag("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        found.append(
            tag("text", f"{score:.{digits}f}", x=left - 7, y=y + font * 0.35, text_anchor="end", class_="tick")
        )
    found.append(tag("path", d=_axis(scale), class_="axis"))
    for labels in _marked(scale):
        x = scale.x(labels)
        found.append(tag("line", x1=x, x2=x, y1=floor, y2=floor + 5, class_="axis"))
    for labels in _named(scale, voice):
        x, said = scale.x(labels), voice.count(labels)
        found.append(tag("text", said, x=x, y=floor + font * 1.45, text_anchor="middle", class_="tick"))
    middle, below = (left + right) / 2, floor + font * 2.9
    found.append(tag("text", voice("x"), x=middle, y=below, text_anchor="middle", class_="name"))
    found.append(tag("text", report["metric"], x=2, y=font * 1.1, class_="name"))
    return found


def _axis(scale: Scale) -> str:
    """Return the line of the axis of labels, broken between 0 and the smallest budget."""
    floor = scale.floor
    if scale.budgets[0]:
        return f"M{scale.left} {floor:.1f}H{scale.right}"
    cut = scale.begin - scale.frame.gap / 2
    strokes = "".join(f"M{cut + off - 3:.1f} {floor + 6:.1f}L{cut + off + 3:.1f} {floor - 6:.1f}" for off in (-3, 3))
    return f"M{scale.left} {floor:.1f}H{cut - 3:.1f}M{cut + 3:.1f} {floor:.1f}H{scale.right}{strokes}"


def _marked(scale: Scale) -> list[float]:
    ahead = [float(scale.budgets[-1])]
    while ahead[-1] * 2 <= scale.last:
        ahead.append(ahead[-1] * 2)
    return [*scale.budgets, *ahead[1:]]


def _named(scale: Scale, voice: Voice) -> list[float]:
    """Return the ticks whose numbers find room, the ends first."""
    room, font, marked = Room(Box(0, -1, scale.frame.width, 2)), scale.frame.font, _marked(scale)
    found = []
    for labels in (marked[0], scale.budgets[-1], marked[-1], *marked):
        half = width(voice.count(labels), font) / 2 + 2
        box = Box(scale.x(labels) - half, 0, min(scale.x(labels) + half, scale.frame.width), 1)
        if room.free(box):
            room.taken.append(box)
            found.append(labels)
    return found


def plain(scale: Scale, report: Report) -> tuple[list[Html], list[Box]]:
    """Return the measured curve: band, line, and a point with its interval at every budget."""
    points, between = report["curve"], _measured(scale, report)
    line = [(scale.x(point["labels"]), scale.y(point["value"])) for point in between]
    found = [band(between, scale, "band")]
    taken = along(line)
    if points[0]["budget"] == 0:
        zero = [(scale.x(0), scale.y(points[0]["value"])), line[0]]
        found.append(tag("path", d=path(zero), class_="plain broken"))
        taken += along(zero, thick=2)
    found.append(tag("path", d=path(line), class_="plain"))
    for point in points:
        x, y = scale.x(point["budget"]), scale.y(point["value"])
        low, high = scale.y(point["low"]), scale.y(point["high"])
        upright = tag("line", x1=x, x2=x, y1=low, y2=high, class_="error")
        found.append(tag("g", upright, tag("circle", cx=x, cy=y, r=4), class_="point"))
        taken.append(Box(x - 5, min(high, y - 5), x + 5, max(low, y + 5)))
    return found, taken


def _measured(scale: Scale, report: Report) -> Sequence[Mapping[str, float]]:
    """Return the points of the measured curve: as it was fitted through the budgets, else straight between them."""
    budgets = [{**point, "labels": point["budget"]} for point in report["curve"] if point["budget"] > 0]
    fitted = report["fit"]["line"] if report.get("fit") else []
    inside = [point for point in fitted if scale.first <= point["labels"] <= scale.budgets[-1]]
    return inside if len(inside) >= len(budgets) else budgets


def fit(scale: Scale, report: Report) -> tuple[list[Html], list[Box]]:
    """Return the fitted curve where nothing was measured, with its band and the limit it tends to."""
    if not report.get("fit"):
        return [], []
    line, largest, limit = report["fit"]["line"], scale.budgets[-1], report["fit"]["asymptote"]
    ahead = [_at(line, largest), *(point for point in line if largest < point["labels"] <= scale.last)]
    places = [(scale.x(point["labels"]), scale.y(point["value"])) for point in ahead]
    edge, top = scale.x(largest), scale.frame.top
    zone = tag("rect", x=edge, y=top, width=scale.right - edge, height=scale.floor - top, class_="zone")
    found = [zone, band(ahead, scale, "band far")]
    found.append(tag("path", d=path(places), class_="fit"))
    taken = along(places)
    if limit["value"] <= scale.high:
        y = scale.y(limit["value"])
        found.append(tag("line", x1=edge, x2=scale.right, y1=y, y2=y, class_="limit"))
        taken.append(Box(edge, y - 2, scale.right, y + 2))
    return found, taken


def names(scale: Scale, report: Report, voice: Voice, room: Room) -> list[Html]:
    """Return the names of what was drawn, each beside it; ``room`` fills with them."""
    font = scale.frame.font
    line = [(scale.x(point["budget"]), scale.y(point["value"])) for point in report["curve"]]
    near = [(x + 8, y + font * off) for off in (0.6, 1.2) for x, y in _middles(line)[::-1]]
    found = [_name(voice("plain curve"), font, room, near)]
    if report.get("fit"):
        edge, largest = scale.x(scale.budgets[-1]), scale.budgets[-1]
        ahead = [point for point in report["fit"]["line"] if largest < point["labels"] <= scale.last]
        spots = [(scale.x(point["labels"]), scale.y(point["value"])) for point in ahead]
        near = [(x, y + font * off) for x, y in _middles(spots)[::-1] for off in (0.6, 1.2, 1.8)]
        found.append(_name(voice("fitted"), font, room, near))
        found.append(_name(voice("beyond", n=voice.count(largest)), font, room, [(edge + 7, scale.floor - 1.7 * font)]))
        found += _limit(scale, report["fit"]["asymptote"], voice, room)
    return [name for name in found if name]


def _middles(places: Sequence[Place]) -> list[Place]:
    return [((x0 + x1) / 2, (y0 + y1) / 2) for (x0, y0), (x1, y1) in pairwise(places)]


def _limit(scale: Scale, limit: Mapping[str, float], voice: Voice, room: Room) -> list[Html]:
    if limit["value"] > scale.high:
        return []
    font = scale.frame.font
    text = voice("limit", value=voice.score(limit["value"]), interval=voice.plain_interval(limit))
    y, left = scale.y(limit["value"]), scale.right - width(text, font)
    return [_name(text, font, room, [(left, y - font * 1.5), (left, y + font * 0.4)])]


def _name(text: str, font: float, room: Room, places: Sequence[Place]) -> Html:
    """Return a text at the first of ``places`` (its upper left) that is free; nothing if there is none."""
    size = width(text, font)
    box = room.first(Box(x, y, x + size, y + font * 1.2) for x, y in places)
    if box is None:
        return join([])
    room.taken.append(box)
    return tag("text", text, x=box.left, y=box.bottom - font * 0.3, class_="name")


def _at(line: Sequence[Mapping[str, float]], labels: float) -> dict[str, float]:
    """Return the fitted point at a number of labels, between those given."""
    before = [point for point in line if point["labels"] <= labels] or line[:1]
    after = [point for point in line if point["labels"] >= labels] or line[-1:]
    first, second = before[-1], after[0]
    apart = second["labels"] - first["labels"]
    share = (labels - first["labels"]) / apart if apart else 0.0
    between = {end: first[end] + share * (second[end] - first[end]) for end in ("value", "low", "high")}
    return {"labels": labels} | between


def band(points: Sequence[Mapping[str, float]], scale: Scale, kind: str) -> Html:
    """Return the area between the lows and the highs of ``points``, cut at the edge of the plot."""
    top, floor = scale.frame.top, scale.floor
    ends = [(scale.x(point["labels"]), scale.y(point["low"]), scale.y(point["high"])) for point in points]
    upper = [(x, max(top, high)) for x, _, high in ends]
    lower = [(x, min(floor, low)) for x, low, _ in reversed(ends)]
    return tag("path", d=path([*upper, *lower]) + "Z", class_=kind)


def path(places: Sequence[Place]) -> str:
    """Return a line through ``places``."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
