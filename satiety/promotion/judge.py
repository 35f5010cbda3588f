"""The evidence on two test sets -> whether the challenger takes over. docs/promotion.md has the table of it.

Better is what a look's alpha can vouch for; worse is what the plain level says already. So it is hard to be promoted,
and easy to be held back. All fresh examples may hold back; only those that chance drew from the traffic may promote: of
answers that people corrected because they were wrong the champion has none right, so any model looks better there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from satiety.evaluate.bootstrap import Interval
from satiety.promotion import Promote
from satiety.promotion.alpha_spending import InterimAnalyses
from satiety.promotion.paired_bootstrap import PairedMetric


@dataclass(frozen=True, slots=True)
class SystemComparison:
    """Both systems on one test set."""

    headline: PairedMetric
    slices: Mapping[str, PairedMetric]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a challenger beside its rival."""

    frozen: SystemComparison
    fresh: SystemComparison | None = None
    """On all fresh test examples; None where there are none, or too few."""
    random: SystemComparison | None = None
    """On those of them that were drawn at random; None where there are none, or too few."""
    calibration: PairedMetric | None = None
    """Expected calibration error; None where it is not known."""
    sizes: tuple[int, int] | None = None
    """Bytes of the old and of the new one's weights; None against no training."""


@dataclass(frozen=True, slots=True)
class SetOutcome:
    """What one test set says."""

    difference: Interval
    """At the level that is left for this look."""
    confidence_level: float
    """That level."""
    better: bool
    """The whole interval lies above zero."""
    worse: bool
    """The whole interval at the plain level lies below minus the margin."""
    equal: bool
    """Not inferior: the whole interval lies above minus the margin."""
    examples: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the challenger takes over, and each ground for it."""

    promote: bool
    frozen: SetOutcome
    fresh: SetOutcome | None
    random: SetOutcome | None
    regressed: Mapping[str, Interval]
    """Slices that got worse, at the plain level."""
    cheaper: bool
    calibration: Interval | None
    """Of the difference of calibration errors, at the level left for it."""
    calibrated: bool
    """Better than the old one's: that whole interval lies below zero."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing got worse."""
        return not (self.regressed or self.frozen.worse or (self.fresh and self.fresh.worse))


def judge(evidence: Evidence, analyses: InterimAnalyses, params: Promote) -> Verdict:
    """Weigh the evidence; the claims that rest on one test set share the alpha of this look at it."""
    share = params.calibration if evidence.sizes else 0.0
    calibration = (
        evidence.calibration.interval(analyses.frozen.alpha * share) if evidence.calibration and share else None
    )
    alpha = (1 - params.confidence_level) / 2
    random_outcome = (
        _assess(evidence.random.headline, analyses.random.alpha, params)
        if evidence.random and analyses.random
        else None
    )
    verdict = Verdict(
        promote=False,
        frozen=_assess(evidence.frozen.headline, analyses.frozen.alpha * (1 - share), params),
        fresh=_assess(evidence.fresh.headline, alpha, params) if evidence.fresh else None,
        random=random_outcome,
        regressed=_find_regressions(evidence, params),
        cheaper=_is_cheaper(evidence.sizes, params.saving),
        calibration=calibration,
        calibrated=calibration is not None and calibration.high < 0,
    )
    is_better = verdict.frozen.better or (random_outcome is not None and random_outcome.better)
    is_acceptable = verdict.frozen.equal and (verdict.cheaper or verdict.calibrated)
    return replace(verdict, promote=verdict.is_sound and (is_better or is_acceptable))


def _assess(pair: PairedMetric, alpha: float, params: Promote) -> SetOutcome:
    interval, baseline_interval = pair.interval(alpha), pair.interval((1 - params.confidence_level) / 2)
    is_worse, is_equal = baseline_interval.high < -params.margin, interval.low > -params.margin
    return SetOutcome(interval, 1 - 2 * alpha, interval.low > 0, is_worse, is_equal, pair.examples)


def _find_regressions(evidence: Evidence, params: Promote) -> dict[str, Interval]:
    sets = {"": evidence.frozen} | ({"fresh, ": evidence.fresh} if evidence.fresh else {})
    pairs = {f"{prefix}{name}": pair for prefix, comparison in sets.items() for name, pair in comparison.slices.items()}
    intervals = {name: pair.interval((1 - params.confidence_level) / 2) for name, pair in pairs.items()}
    return {name: interval for name, interval in intervals.items() if interval.high < -params.slice_margin}


def _is_cheaper(sizes: tuple[int, int] | None, saving: float) -> bool:
    return sizes is not None and sizes[1] <= (1 - saving) * sizes[0]
