"""The evidence on two test sets -> whether the challenger takes over. docs/promotion.md has the table of it.

Better is what a look's alpha can vouch for; worse is what the plain level says already. So it is hard to be promoted,
and easy to be held back. All fresh examples may hold back; only those that chance drew from the traffic may promote: of
answers that people corrected because they were wrong the champion has none right, so any model looks better there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from satiety.evaluate.bootstrap import Interval
from satiety.promotion import Promote
from satiety.promotion.paired import Paired
from satiety.promotion.spending import Looks


@dataclass(frozen=True, slots=True)
class Compared:
    """Both systems on one test set."""

    headline: Paired
    slices: Mapping[str, Paired]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a challenger beside its rival."""

    frozen: Compared
    fresh: Compared | None = None
    """On all fresh test examples; None where there are none, or too few."""
    drawn: Compared | None = None
    """On those of them that were drawn at random; None where there are none, or too few."""
    trust: Paired | None = None
    """Expected calibration error; None where it is not known."""
    sizes: tuple[int, int] | None = None
    """Bytes of the old and of the new one's weights; None against no training."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one test set says."""

    difference: Interval
    """At the level that is left for this look."""
    level: float
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
    frozen: Finding
    fresh: Finding | None
    drawn: Finding | None
    regressed: Mapping[str, Interval]
    """Slices that got worse, at the plain level."""
    cheaper: bool
    calibration: Interval | None
    """Of the difference of calibration errors, at the level left for it."""
    calibrated: bool
    """Better than the old one's: that whole interval lies below zero."""

    @property
    def sound(self) -> bool:
        """Whether nothing got worse."""
        return not (self.regressed or self.frozen.worse or (self.fresh and self.fresh.worse))


def judge(evidence: Evidence, looks: Looks, params: Promote) -> Verdict:
    """Weigh the evidence; the claims that rest on one test set share the alpha of this look at it."""
    share = params.calibration if evidence.sizes else 0.0
    trust = evidence.trust.interval(looks.frozen.alpha * share) if evidence.trust and share else None
    plain = (1 - params.level) / 2
    drawn = _find(evidence.drawn.headline, looks.drawn.alpha, params) if evidence.drawn and looks.drawn else None
    verdict = Verdict(
        promote=False,
        frozen=_find(evidence.frozen.headline, looks.frozen.alpha * (1 - share), params),
        fresh=_find(evidence.fresh.headline, plain, params) if evidence.fresh else None,
        drawn=drawn,
        regressed=_regressed(evidence, params),
        cheaper=_cheaper(evidence.sizes, params.saving),
        calibration=trust,
        calibrated=trust is not None and trust.high < 0,
    )
    better = verdict.frozen.better or (drawn is not None and drawn.better)
    instead = verdict.frozen.equal and (verdict.cheaper or verdict.calibrated)
    return replace(verdict, promote=verdict.sound and (better or instead))


def _find(pair: Paired, alpha: float, params: Promote) -> Finding:
    here, plain = pair.interval(alpha), pair.interval((1 - params.level) / 2)
    worse, equal = plain.high < -params.margin, here.low > -params.margin
    return Finding(here, 1 - 2 * alpha, here.low > 0, worse, equal, pair.examples)


def _regressed(evidence: Evidence, params: Promote) -> dict[str, Interval]:
    sets = {"": evidence.frozen} | ({"fresh, ": evidence.fresh} if evidence.fresh else {})
    found = {f"{where}{name}": pair for where, one in sets.items() for name, pair in one.slices.items()}
    plain = {name: pair.interval((1 - params.level) / 2) for name, pair in found.items()}
    return {name: interval for name, interval in plain.items() if interval.high < -params.slice_margin}


def _cheaper(sizes: tuple[int, int] | None, saving: float) -> bool:
    return sizes is not None and sizes[1] <= (1 - saving) * sizes[0]
