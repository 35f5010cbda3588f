"""Texts in time -> how negative opinion on each topic goes, window by window, and where it surges."""

from examples.opinion_monitoring.stream.section import StreamParams
from examples.opinion_monitoring.stream.surge import Assessments, SurgeDetector, TopicAssessment
from examples.opinion_monitoring.stream.topics import Topics
from examples.opinion_monitoring.stream.windows import Count, CountWindow, ScoredText, WindowCounter, windows

__all__ = [
    "Assessments",
    "Count",
    "CountWindow",
    "ScoredText",
    "StreamParams",
    "SurgeDetector",
    "TopicAssessment",
    "Topics",
    "WindowCounter",
    "windows",
]
