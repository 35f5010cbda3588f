"""Evidence on up to three test sets -> promotion decision, by the table in docs/promotion.md.

*Better* is tested at the alpha of this comparison, *worse* at `promote.confidence_level`: promoting a model needs more
evidence than blocking it. All fresh examples can block a promotion, but only randomly drawn ones can cause it: people
mostly correct wrong answers, all of which the champion got wrong, so any other model scores higher on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from satiety.evaluate.bootstrap import Interval
from satiety.promotion import Promote
from satiety.promotion.alpha_spending import InterimAnalyses
from satiety.promotion.paired_bootstrap import PairedMetric

Basis = Literal["frozen", "out_of_fold", "drawn"]
"""What a decision rests on: the frozen test; where there is none, for a first champion every label scored out of fold,
and against a champion the randomly drawn fresh examples."""


@dataclass(frozen=True, slots=True)
class SystemComparison:
    """Champion and challenger on one test set."""

    headline: PairedMetric
    slices: Mapping[str, PairedMetric]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Comparisons of a challenger with the champion, or with no training."""

    frozen: SystemComparison
    """On the frozen test examples, or what stands in for them (``basis``)."""
    fresh: SystemComparison | None = None
    """On all fresh test examples; None if there are too few."""
    random: SystemComparison | None = None
    """On the randomly drawn fresh test examples; None if there are too few."""
    calibration: PairedMetric | None = None
    """Expected calibration error; None if unknown."""
    sizes: tuple[int, int] | None = None
    """Bytes of the weights of champion and challenger; None against no training."""
    basis: Basis = "frozen"

    @property
    def slices(self) -> dict[str, PairedMetric]:
        """Slices of the frozen and of the fresh examples, by name: ``language zh``, ``fresh, language zh``."""
        fresh_slices = self.fresh.slices if self.fresh else {}
        return {**self.frozen.slices, **{f"fresh, {name}": pair for name, pair in fresh_slices.items()}}


@dataclass(frozen=True, slots=True)
class SetOutcome:
    """Result of the comparison on one test set."""

    difference: Interval
    """Interval at ``confidence_level``."""
    confidence_level: float
    """Confidence level that the alpha of this comparison allows."""
    better: bool
    """The interval lies above zero."""
    worse: bool
    """The interval at `promote.confidence_level` lies below minus the margin."""
    equal: bool
    """Not inferior: the interval lies above minus the margin."""
    examples: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Grounds of a promotion decision."""

    frozen: SetOutcome
    fresh: SetOutcome | None
    random: SetOutcome | None
    regressed: Mapping[str, Interval]
    """Slices that got worse, with intervals at `promote.confidence_level`."""
    cheaper: bool
    calibration: Interval | None
    """Difference of the calibration errors, at its share of this comparison's alpha."""
    calibrated: bool
    """Better calibrated: that interval lies below zero."""

    @property
    def is_sound(self) -> bool:
        """Whether no test set and no slice got worse."""
        return not (self.regressed or self.frozen.worse or (self.fresh and self.fresh.worse))

    @property
    def promote(self) -> bool:
        """Whether the challenger becomes champion."""
        is_better = self.frozen.better or (self.random is not None and self.random.better)
        return self.is_sound and (is_better or (self.frozen.equal and (self.cheaper or self.calibrated)))


def judge(evidence: Evidence, analyses: InterimAnalyses, params: Promote) -> Verdict:
    """Weigh the evidence; score and calibration share the alpha of this comparison on the frozen test set."""
    single_alpha = (1 - params.confidence_level) / 2
    calibration_share = params.calibration if evidence.sizes else 0.0
    calibration = (
        evidence.calibration.interval(analyses.frozen.alpha * calibration_share)
        if evidence.calibration and calibration_share
        else None
    )
    slices = {name: pair.interval(single_alpha) for name, pair in evidence.slices.items()}
    return Verdict(
        frozen=_assess(evidence.frozen, analyses.frozen.alpha * (1 - calibration_share), params),
        fresh=_assess(evidence.fresh, single_alpha, params) if evidence.fresh else None,
        random=_assess(evidence.random, analyses.random.alpha, params) if evidence.random and analyses.random else None,
        regressed={name: interval for name, interval in slices.items() if interval.high < -params.slice_margin},
        cheaper=evidence.sizes is not None and evidence.sizes[1] <= (1 - params.saving) * evidence.sizes[0],
        calibration=calibration,
        calibrated=calibration is not None and calibration.high < 0,
    )


def _assess(comparison: SystemComparison, alpha: float, params: Promote) -> SetOutcome:
    pair = comparison.headline
    interval, baseline_interval = pair.interval(alpha), pair.interval((1 - params.confidence_level) / 2)
    is_worse, is_equal = baseline_interval.high < -params.margin, interval.low > -params.margin
    return SetOutcome(interval, 1 - 2 * alpha, interval.low > 0, is_worse, is_equal, pair.examples)
