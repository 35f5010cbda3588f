"""Answers that the packaged model gives: the traffic log, and the nearest labelled examples of an answer."""
