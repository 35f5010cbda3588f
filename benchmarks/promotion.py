"""How often a model that is no better is promoted, over many comparisons on one test set.

Each simulation has 500 test texts and 25 challengers, one after another. Each is as good as the champion and as well
calibrated, right on eight texts of ten, and agrees with the champion on most texts. The peer is what most do: every
challenger at 95 %, as if it were the first. Then the cost of later comparisons: the smallest difference that is
evidence, relative to the first comparison's.

    python -m benchmarks.promotion
"""

from statistics import NormalDist

import numpy as np

from satiety.promotion.alpha_spending import InterimAnalysis

SIMULATIONS, CHALLENGERS, TEXTS, TOTAL, CALIBRATION = 20_000, 25, 500, 0.025, 0.2


def simulate(draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return z-values of score and calibration, shape (simulations, challengers) each."""
    score = np.zeros((SIMULATIONS, CHALLENGERS))
    for row in score:
        champion = draw.random(TEXTS) < 0.8
        challengers = draw.random((CHALLENGERS, TEXTS)) < 0.8
        differences = np.where(draw.random((CHALLENGERS, TEXTS)) < 0.3, challengers, champion) * 1.0 - champion
        row[:] = differences.mean(axis=1) / (differences.std(axis=1) / np.sqrt(TEXTS))
    return score, draw.normal(size=score.shape)


def compute_error_rate(score: np.ndarray, calibration: np.ndarray, alphas: np.ndarray) -> float:
    """Return the share of simulations in which some challenger is promoted."""
    bounds = [[NormalDist().inv_cdf(1 - alpha * share) for alpha in alphas] for share in (1 - CALIBRATION, CALIBRATION)]
    return float(((score > bounds[0]) | (calibration > bounds[1])).any(axis=1).mean())


def main() -> None:
    """Print the error rates and the costs of later comparisons."""
    score, calibration = simulate(np.random.default_rng(9))
    alphas = np.array([InterimAnalysis(number, TOTAL).alpha for number in range(1, CHALLENGERS + 1)])
    print(f"any wrong promotion in {CHALLENGERS} comparisons, {SIMULATIONS:,} simulations, alpha {TOTAL}:")
    print(f"  alpha spending         {compute_error_rate(score, calibration, alphas):.3f}")
    print(f"  each as if the first   {compute_error_rate(score, calibration, np.full(CHALLENGERS, TOTAL)):.3f}")
    first = NormalDist().inv_cdf(1 - InterimAnalysis(1, TOTAL).alpha)
    print("smallest difference that is evidence, relative to the first comparison:")
    for number in (2, 5, 10, 20, 52):
        bound = NormalDist().inv_cdf(1 - InterimAnalysis(number, TOTAL).alpha)
        print(f"  comparison {number:2}: {bound / first:.2f} times")


if __name__ == "__main__":
    main()
