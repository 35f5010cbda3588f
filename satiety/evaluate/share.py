"""Hits and trials -> a share with its confidence interval.

Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference, Journal of the American
Statistical Association 22 (158).
"""

from satiety.evaluate.bootstrap import Interval


def estimate_wilson_interval(hits: float, trials: int, confidence_level: float) -> Interval:
    """Return a share and its interval (Wilson 1927)."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, trials, alpha=1 - confidence_level, method="wilson")
    return Interval(hits / trials, float(low), float(high))
