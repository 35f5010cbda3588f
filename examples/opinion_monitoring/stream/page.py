"""The assessments of a stream's last windows -> one page that shows them, in English or Chinese.

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

from examples.opinion_monitoring.stream.surge import Assessments, TopicAssessment, local
from satiety.evaluate.share import estimate_wilson_interval
from satiety.report.charts.series import TopicSeries, topic_panels
from satiety.report.numbers import percent
from satiety.report.render import Language, render, translator

if TYPE_CHECKING:
    from examples.opinion_monitoring.stream.section import StreamParams
    from satiety.evaluate.bootstrap import Interval

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
    """The last windows, each with an assessment per topic."""

    def __init__(self, stream_params: StreamParams, max_windows: int, seconds: float) -> None:
        """Begin with none.

        Args:
            stream_params: how the stream is monitored.
            max_windows: windows that the page shows at most.
            seconds: after which the page asks for the next one.
        """
        self.stream_params, self.seconds = stream_params, seconds
        self._windows: deque[Assessments] = deque(maxlen=max_windows)
        self._zone = ZoneInfo(stream_params.timezone)
        self._pages: dict[Language, tuple[tuple[Assessments, ...], str]] = {}

    def add(self, assessments: Assessments) -> None:
        """Take a window; the oldest may go."""
        self._windows.append(tuple(local(assessment, self._zone) for assessment in assessments))

    def page(self, language: Language) -> str:
        """Return the page as it is now; it is made once for each window, however many ask for it."""
        windows = tuple(self._windows)
        if self._pages.get(language, (None, ""))[0] != windows:
            self._pages[language] = windows, self._page(windows, language)
        return self._pages[language][1]

    def _page(self, windows: tuple[Assessments, ...], language: Language) -> str:
        from markupsafe import Markup

        window = windows[-1] if windows else ()
        return render(
            "opinion",
            language,
            policy=POLICY,
            script=Markup(SCRIPT),  # noqa: S704
            topics=len(self.stream_params.topics),
            minutes=self.stream_params.minutes,
            rate=f"{1000 * self.stream_params.rate:g}",
            zone=self.stream_params.timezone,
            seconds=f"{self.seconds:g}",
            window=window,
            learning=any(assessment.verdict == "too little history" for assessment in window),
            surging=[assessment.topic for assessment in window if assessment.verdict == "surge"],
            alerts=[assessment for assessments in reversed(windows) for assessment in assessments if assessment.begins],
            charts=[self._chart(assessments, language) for assessments in zip(*windows, strict=True)],
            share_of=lambda assessment: self._share([assessment]),
        )

    def _chart(self, assessments: Sequence[TopicAssessment], language: Language) -> dict[str, Any]:
        """Return the chart of a topic, its assessments in order of time."""
        t, size = translator(language), max(1, -(-len(assessments) // POINTS))
        names = {
            "negative": t("opinion.negative"),
            "share": t("opinion.share", n=size, level=percent(self.stream_params.confidence_level)),
            "volume": t("opinion.volume"),
        }
        series = TopicSeries(
            negative=[assessment.count.negative for assessment in assessments],
            expected=[assessment.expected for assessment in assessments],
            limits=[assessment.limit for assessment in assessments],
            judged=sum(assessment.verdict == "too little history" for assessment in assessments),
            surges=[place for place, assessment in enumerate(assessments) if assessment.begins],
            traffic=list(_begins(assessments, "more traffic")),
            shares=list(self._shares(assessments, size)),
            totals=[assessment.count.all for assessment in assessments],
        )
        dates = (f"{assessments[0].start:%m-%d %H:%M}", f"{assessments[-1].start:%m-%d %H:%M}")
        surges = sum(assessment.verdict == "surge" for assessment in assessments)
        return {"last": assessments[-1], "surges": surges, "picture": topic_panels(series, names, dates)}

    def _shares(self, assessments: Sequence[TopicAssessment], size: int) -> Iterator[tuple[float, dict[str, float]]]:
        """Yield place and negative share of every group of so many windows that has texts."""
        for start in range(0, len(assessments), size):
            group = assessments[start : start + size]
            if any(assessment.count.all for assessment in group):
                yield start + (len(group) - 1) / 2, self._share(group).to_dict()

    def _share(self, assessments: Sequence[TopicAssessment]) -> Interval:
        negative, texts = (
            sum(getattr(assessment.count, name) for assessment in assessments) for name in ("negative", "all")
        )
        return estimate_wilson_interval(negative, texts, self.stream_params.confidence_level)


def _begins(assessments: Sequence[TopicAssessment], verdict: str) -> Iterator[int]:
    """Yield the windows that have a verdict which the one before had not."""
    for place, assessment in enumerate(assessments):
        if assessment.verdict == verdict and (place == 0 or assessments[place - 1].verdict != verdict):
            yield place
