"""Texts in time -> how negative opinion on each topic goes, window by window, and where it surges."""

from examples.opinion_monitoring.stream.section import Watching
from examples.opinion_monitoring.stream.surge import Reading, Watch
from examples.opinion_monitoring.stream.topics import Topics
from examples.opinion_monitoring.stream.windows import Count, Counting, CountWindow, ScoredText, windows

__all__ = ["Count", "CountWindow", "Counting", "Reading", "ScoredText", "Topics", "Watch", "Watching", "windows"]
