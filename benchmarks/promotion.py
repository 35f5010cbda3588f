"""How often a model that is no better is promoted, over many looks at one test set: python -m benchmarks.promotion.

Worlds of 500 test texts and 25 challengers, one after another, each as good as the champion and as well calibrated,
right on eight texts of ten; they agree with the champion on most texts. The peer is what most do: every challenger at
95 %, as if it were the first. Then what a later look costs: the least difference that is evidence, beside the first's.
"""

from statistics import NormalDist

import numpy as np

from satiety.promotion.alpha_spending import InterimAnalysis

SIMULATIONS, CHALLENGERS, TEXTS, TOTAL, CALIBRATION = 20_000, 25, 500, 0.025, 0.2


def simulate(draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return z-values of score and calibration, shape (worlds, challengers) each."""
    score = np.zeros((SIMULATIONS, CHALLENGERS))
    for row in score:
        champion = draw.random(TEXTS) < 0.8
        challengers = draw.random((CHALLENGERS, TEXTS)) < 0.8
        differences = np.where(draw.random((CHALLENGERS, TEXTS)) < 0.3, challengers, champion) * 1.0 - champion
        row[:] = differences.mean(axis=1) / (differences.std(axis=1) / np.sqrt(TEXTS))
    return score, draw.normal(size=score.shape)


def compute_error_rate(score: np.ndarray, trust: np.ndarray, alphas: np.ndarray) -> float:
    """Return the share of worlds in which some challenger is promoted."""
    bounds = [[NormalDist().inv_cdf(1 - alpha * share) for alpha in alphas] for share in (1 - CALIBRATION, CALIBRATION)]
    return float(((score > bounds[0]) | (trust > bounds[1])).any(axis=1).mean())


def main() -> None:
    """Print both."""
    score, trust = simulate(np.random.default_rng(9))
    alphas = np.array([InterimAnalysis(number, TOTAL).alpha for number in range(1, CHALLENGERS + 1)])
    print(f"ever a wrong promotion in {CHALLENGERS} looks, {SIMULATIONS:,} worlds, alpha {TOTAL}:")
    print(f"  each look paid for     {compute_error_rate(score, trust, alphas):.3f}")
    print(f"  each as if the first   {compute_error_rate(score, trust, np.full(CHALLENGERS, TOTAL)):.3f}")
    first = NormalDist().inv_cdf(1 - InterimAnalysis(1, TOTAL).alpha)
    print("least difference that is evidence, beside that of the first look:")
    for number in (2, 5, 10, 20, 52):
        print(f"  look {number:2}: {NormalDist().inv_cdf(1 - InterimAnalysis(number, TOTAL).alpha) / first:.2f} times")


if __name__ == "__main__":
    main()
