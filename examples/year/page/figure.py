"""A year -> the picture: the score with Satiety and without, the estimate's band, what was planted, what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from examples.year.page.words import SIGNS, Say
from satiety.worth.page.markup import Html, tag
from satiety.worth.page.scale import ticks

Told = Mapping[str, Any]
Way = Callable[[float], float]
TONES = {"harmful drift": "harmful", "drift without harm": "not", "no drift": "not"}
DONE = {"promoted": "worth", "kept": "not", "refused": "not", "none": "not"}


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of one drawing, in CSS pixels at scale 1; the style shows the one that fits the window."""

    name: str
    width: int
    height: int
    font: float
    left: int
    right: int
    """Room for the lines' names; little where the legend alone names them."""

    top = 40

    @property
    def floor(self) -> float:
        """Return where the axis of months lies: above its ticks and two rows of signs."""
        return self.height - 5.6 * self.font


FRAMES = (
    Frame("narrow", 360, 420, 12, 44, 10),
    Frame("middle", 720, 480, 13.5, 76, 104),
    Frame("wide", 1080, 560, 15, 90, 120),
)


def figure(told: Told, say: Say) -> Html:
    """Return the picture in every frame, and how to read it."""
    plan = told["plan"]
    signs = [*TONES, *DONE]
    seen = {one["verdict"] for one in told["months"]} | {_done(one) for one in told["months"]}
    marks = [tag("span", f"{SIGNS[one]} {say(one)}", class_=_tone(one)) for one in signs if one in seen]
    lines = [tag("span", f"━ {say('with')}", class_="worth"), tag("span", f"┅ {say('without')}", class_="harmful")]
    legend = tag("p", *lines, tag("span", f"▒ {say('estimate')}"), *marks, class_="legend key")
    read = {name: plan[name] for name in ("judged", "texts", "drawn")}
    caption = tag("figcaption", legend, tag("p", say("read", **read)))
    return tag("figure", *(_draw(frame, told, say) for frame in FRAMES), caption)


def _draw(frame: Frame, told: Told, say: Say) -> Html:
    months = told["months"]
    seen = [one["estimate"][end] for one in months for end in ("low", "high")]
    seen += [one["true"][line]["value"] for one in months for line in ("champion", "first")]
    spread = (max(seen) - min(seen)) or 1.0
    low, high = min(seen) - 0.05 * spread, max(seen) + 0.12 * spread
    step = (frame.width - frame.left - frame.right) / len(months)

    def x(month: float) -> float:
        return frame.left + (month - 0.5) * step

    def y(score: float) -> float:
        return float(frame.floor - (score - low) / (high - low) * (frame.floor - frame.top))

    layers = [*_planted(frame, months, x, step, say), *_axes(frame, told, ticks(low, high), x, y, say)]
    layers += [_band(months, x, y), *_lines(frame, months, x, y, say), *_rows(frame, months, x, say)]
    first, last = months[0]["true"], months[-1]["true"]
    ends = {
        "a": first["champion"]["value"],
        "b": last["champion"]["value"],
        "c": first["first"]["value"],
        "d": last["first"]["value"],
    }
    label = say("says", metric=told["metric"], months=len(months), **ends)
    size = f"0 0 {frame.width} {frame.height}"
    about = {"role": "img", "aria_label": label}
    return tag("svg", *layers, viewBox=size, class_=f"picture {frame.name}", font_size=frame.font, **about)


def _planted(frame: Frame, months: Sequence[Told], x: Way, step: float, say: Say) -> Iterator[Html]:
    """Yield a ground behind the months of each planted shift, and its name."""
    at = 0
    for planted, those in groupby(months, key=lambda one: tuple(one["world"]["planted"])):
        count, begin = len(list(those)), x(at + 1) - step / 2
        at += count
        if planted:
            height = frame.floor - frame.top + 24
            yield tag("rect", x=begin + 1, y=frame.top - 24, width=count * step - 2, height=height, class_="planted")
            if frame.name != "narrow":
                for i, piece in enumerate(_wrapped(", ".join(map(say, planted)), count * step / (0.56 * frame.font))):
                    place = {"x": begin + 7, "y": frame.top - 8 + 1.15 * i * frame.font}
                    yield tag("text", piece, **place, class_="name", font_size=0.9 * frame.font)


def _wrapped(text: str, letters: float) -> list[str]:
    """Return the words in lines of so many letters."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], joined] if len(joined) <= letters or not lines[-1] else [*lines, word]
    return lines


def _axes(frame: Frame, told: Told, scores: Sequence[float], x: Way, y: Way, say: Say) -> Iterator[Html]:
    right = frame.width - frame.right
    for score in scores:
        at = y(score)
        yield tag("line", x1=frame.left, x2=right, y1=at, y2=at, class_="grid")
        yield tag("text", f"{score:.2f}", x=frame.left - 7, y=at + 0.35 * frame.font, text_anchor="end", class_="tick")
    yield tag("line", x1=frame.left, x2=right, y1=frame.floor, y2=frame.floor, class_="axis")
    yield tag("text", told["metric"], x=2, y=frame.font * 1.1, class_="name")
    for number in range(1, len(told["months"]) + 1):
        yield tag(
            "text", f"{number}", x=x(number), y=frame.floor + 1.4 * frame.font, text_anchor="middle", class_="tick"
        )
    if frame.name != "narrow":
        yield tag("text", say("month"), x=2, y=frame.floor + 1.4 * frame.font, class_="name")


def _band(months: Sequence[Told], x: Way, y: Way) -> Html:
    """Return where monitoring says that the score lies."""
    ends = [(x(i), y(one["estimate"]["high"])) for i, one in enumerate(months, 1)]
    ends += [(x(i), y(one["estimate"]["low"])) for i, one in reversed(list(enumerate(months, 1)))]
    told = [(x(i), y(one["estimate"]["value"])) for i, one in enumerate(months, 1)]
    return tag("g", tag("path", d=_path(ends) + "Z", class_="band"), tag("path", d=_path(told), class_="fit"))


def _lines(frame: Frame, months: Sequence[Told], x: Way, y: Way, say: Say) -> Iterator[Html]:
    """Yield the true scores, each line named at its end where there is room."""
    ends = {line: y(months[-1]["true"][line]["value"]) for line in ("first", "champion")}
    apart = 1.2 * frame.font - abs(ends["first"] - ends["champion"])
    push = max(0.0, apart) / 2 * (1 if ends["first"] >= ends["champion"] else -1)
    for line, name, tone, off in (("first", "without", "harmful", push), ("champion", "with", "worth", -push)):
        places = [(x(i), y(one["true"][line]["value"])) for i, one in enumerate(months, 1)]
        parts = [tag("path", d=_path(places), class_=f"way {line}")]
        parts += [tag("circle", cx=a, cy=b, r=3.4, class_="dot") for a, b in places]
        if frame.name != "narrow":
            at = {"x": places[-1][0] + 10, "y": ends[line] + off + 0.35 * frame.font}
            parts.append(tag("text", say(name), **at, class_="end"))
        yield tag("g", *parts, class_=tone)


def _rows(frame: Frame, months: Sequence[Told], x: Way, say: Say) -> Iterator[Html]:
    """Yield what monitoring said and what retraining did, a sign a month."""
    told = {"monitor": [str(one["verdict"]) for one in months], "retraining": [_done(one) for one in months]}
    for row, (name, signs) in enumerate(told.items()):
        at = frame.floor + (3.1 + 1.6 * row) * frame.font
        if frame.name != "narrow":
            yield tag("text", say(name), x=2, y=at, class_="name")
        for number, what in enumerate(signs, 1):
            if what:
                sign = tag("text", SIGNS[what], x=x(number), y=at, text_anchor="middle", class_="sign")
                yield tag("g", sign, class_=_tone(what))


def _done(month: Told) -> str:
    return str(month["retraining"]["decision"]) if month["retraining"] else ""


def _tone(sign: str) -> str:
    return {**TONES, **DONE}[sign]


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in places)
