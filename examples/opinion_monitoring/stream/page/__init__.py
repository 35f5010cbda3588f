"""The readings of a stream's last windows -> one page that shows them, in a language.

It needs no network, escapes every value, and is the same for the same readings. Served over HTTP
(`live.py`), its one script asks for the next page every few seconds, until *Pause*; opened as a file,
it stands still.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from examples.opinion_monitoring.stream.page.chart import chart
from examples.opinion_monitoring.stream.page.script import POLICY, SCRIPT
from examples.opinion_monitoring.stream.page.style import STYLE
from examples.opinion_monitoring.stream.page.tables import alerts, now
from examples.opinion_monitoring.stream.page.words import Language, say
from examples.opinion_monitoring.stream.section import Watching
from examples.opinion_monitoring.stream.surge import Reading, local
from satiety.worth.page.markup import Html, document, join, tag

Readings = tuple[Reading, ...]
PER = 1000


class Board:
    """The last windows, each with a reading per topic."""

    def __init__(self, watch: Watching, shown: int, seconds: float) -> None:
        """Begin with none.

        Args:
            watch: how the stream is watched.
            shown: windows that the page shows at most.
            seconds: after which the page asks for the next one.
        """
        self.watch, self.seconds = watch, seconds
        self._windows: deque[Readings] = deque(maxlen=shown)
        self._zone = ZoneInfo(watch.timezone)

    def add(self, readings: Readings) -> None:
        """Take a window; the oldest may go."""
        self._windows.append(tuple(local(one, self._zone) for one in readings))

    def page(self, language: Language) -> str:
        """Return the page as it is now."""
        main = tag("main", *self._sections(language))
        body = tag("body", self._header(language), self._pause(language), main, tag("script", Html(SCRIPT)))
        return document(language, say(language, "title"), STYLE, body, POLICY)

    def _header(self, language: Language) -> Html:
        watch = self.watch
        eyebrow = say(language, "eyebrow", n=len(watch.topics), minutes=watch.minutes)
        last = self._windows[-1] if self._windows else None
        return tag(
            "header",
            tag("p", eyebrow, class_="eyebrow"),
            tag("h1", self._headline(language), aria_live="polite"),
            tag("p", say(language, "rate", rate=f"{PER * watch.rate:g}"), class_="lead"),
            tag("p", self._until(language, last[0]) if last else "", class_="trust"),
        )

    def _until(self, language: Language, last: Reading) -> str:
        return say(language, "until", time=f"{last.start:%Y-%m-%d %H:%M}", zone=self.watch.timezone)

    def _headline(self, language: Language) -> str:
        if not self._windows:
            return say(language, "empty")
        last = self._windows[-1]
        if any(one.verdict == "too little history" for one in last):
            return say(language, "learning")
        surging = [one.topic for one in last if one.verdict == "surge"]
        names = say(language, "comma").join(surging)
        return say(language, "surging", topics=names) if surging else say(language, "calm")

    def _pause(self, language: Language) -> Html:
        button = tag("button", say(language, "pause"), type="button", aria_pressed="false", hidden="")
        lost = tag("p", say(language, "lost"), id="lost", role="status", hidden="")
        return tag("div", button, lost, id="live", data_seconds=self.seconds)

    def _sections(self, language: Language) -> Iterator[Html]:
        windows: Sequence[Readings] = tuple(self._windows)
        charts = [
            tag("figure", tag("h3", several[-1].topic), chart(several, self.watch.level, language))
            for several in zip(*windows, strict=True)
        ]
        reading = [tag("p", say(language, name), class_="note") for name in ("read chart", "read marks")]
        yield _section("topics", language, *reading, tag("div", join(charts), class_="topics"))
        if windows:
            yield _section("alerts", language, alerts(windows, self.watch.timezone, language))
            yield _section("now", language, now(windows[-1], self.watch.level, language))


def _section(name: str, language: Language, *children: Html) -> Html:
    return tag("section", tag("h2", say(language, name), id=name), *children, aria_labelledby=name)
