"""Texts in time -> how negative opinion on each topic goes, window by window, and where it surges."""

from satiety.stream.section import Watching
from satiety.stream.surge import Reading, Watch
from satiety.stream.topics import Topics
from satiety.stream.windows import Count, Counting, Opinion, Window, windows

__all__ = ["Count", "Counting", "Opinion", "Reading", "Topics", "Watch", "Watching", "Window", "windows"]
