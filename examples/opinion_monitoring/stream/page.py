"""The readings of a stream's last windows -> one page that shows them, in English or Chinese.

Served over HTTP (`live.py`), its one script (`page.js`) asks for the next page every few seconds, until *Pause*; opened
as a file, the page stays as it is.
"""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from examples.opinion_monitoring.stream.surge import Reading, local
from satiety.evaluate.share import estimate_wilson_interval
from satiety.report.charts.series import TopicSeries, topic_panels
from satiety.report.numbers import percent
from satiety.report.render import Language, render, translator

if TYPE_CHECKING:
    from examples.opinion_monitoring.stream.section import Watching
    from satiety.evaluate.bootstrap import Interval

Readings = tuple[Reading, ...]
SCRIPT = "\n" + (Path(__file__).parent / "page.js").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_DIGEST}'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""Only this script runs, and it asks only the server that the page is from."""
POINTS = 28
"""Points of the share: as many windows each as it takes for an interval that is narrow enough to read."""


class Board:
    """The last windows, each with a reading per topic."""

    def __init__(self, watch: Watching, max_windows: int, seconds: float) -> None:
        """Begin with none.

        Args:
            watch: how the stream is watched.
            max_windows: windows that the page shows at most.
            seconds: after which the page asks for the next one.
        """
        self.watch, self.seconds = watch, seconds
        self._windows: deque[Readings] = deque(maxlen=max_windows)
        self._zone = ZoneInfo(watch.timezone)
        self._pages: dict[Language, tuple[tuple[Readings, ...], str]] = {}

    def add(self, readings: Readings) -> None:
        """Take a window; the oldest may go."""
        self._windows.append(tuple(local(reading, self._zone) for reading in readings))

    def page(self, language: Language) -> str:
        """Return the page as it is now; it is made once for each window, however many ask for it."""
        windows = tuple(self._windows)
        if self._pages.get(language, (None, ""))[0] != windows:
            self._pages[language] = windows, self._page(windows, language)
        return self._pages[language][1]

    def _page(self, windows: tuple[Readings, ...], language: Language) -> str:
        from markupsafe import Markup

        window = windows[-1] if windows else ()
        return render(
            "opinion",
            language,
            policy=POLICY,
            script=Markup(SCRIPT),  # noqa: S704
            topics=len(self.watch.topics),
            minutes=self.watch.minutes,
            rate=f"{1000 * self.watch.rate:g}",
            zone=self.watch.timezone,
            seconds=f"{self.seconds:g}",
            window=window,
            learning=any(reading.verdict == "too little history" for reading in window),
            surging=[reading.topic for reading in window if reading.verdict == "surge"],
            alerts=[reading for readings in reversed(windows) for reading in readings if reading.begins],
            charts=[self._chart(readings, language) for readings in zip(*windows, strict=True)],
            share_of=lambda reading: self._share([reading]),
        )

    def _chart(self, readings: Sequence[Reading], language: Language) -> dict[str, Any]:
        """Return the chart of a topic, its readings in order of time."""
        t, size = translator(language), max(1, -(-len(readings) // POINTS))
        names = {
            "negative": t("opinion.negative"),
            "share": t("opinion.share", n=size, level=percent(self.watch.confidence_level)),
            "volume": t("opinion.volume"),
        }
        series = TopicSeries(
            negative=[reading.count.negative for reading in readings],
            expected=[reading.expected for reading in readings],
            limits=[reading.limit for reading in readings],
            judged=sum(reading.verdict == "too little history" for reading in readings),
            surges=[place for place, reading in enumerate(readings) if reading.begins],
            traffic=list(_begins(readings, "more traffic")),
            shares=list(self._shares(readings, size)),
            totals=[reading.count.all for reading in readings],
        )
        dates = (f"{readings[0].start:%m-%d %H:%M}", f"{readings[-1].start:%m-%d %H:%M}")
        surges = sum(reading.verdict == "surge" for reading in readings)
        return {"last": readings[-1], "surges": surges, "picture": topic_panels(series, names, dates)}

    def _shares(self, readings: Sequence[Reading], size: int) -> Iterator[tuple[float, dict[str, float]]]:
        """Yield place and negative share of every group of so many windows that has texts."""
        for start in range(0, len(readings), size):
            group = readings[start : start + size]
            if any(reading.count.all for reading in group):
                yield start + (len(group) - 1) / 2, self._share(group).to_dict()

    def _share(self, readings: Sequence[Reading]) -> Interval:
        negative, texts = (sum(getattr(reading.count, name) for reading in readings) for name in ("negative", "all"))
        return estimate_wilson_interval(negative, texts, self.watch.confidence_level)


def _begins(readings: Sequence[Reading], verdict: str) -> Iterator[int]:
    """Yield the windows that have a verdict which the one before had not."""
    for place, reading in enumerate(readings):
        if reading.verdict == verdict and (place == 0 or readings[place - 1].verdict != verdict):
            yield place
