"""Predictions in production: the traffic log, and the nearest training examples of an answer."""
