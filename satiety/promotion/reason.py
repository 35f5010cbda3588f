"""A verdict -> the sentence that says why, for reports, the registry and the history."""

from collections.abc import Iterator

from satiety.evaluate.bootstrap import Interval
from satiety.promotion import Promote
from satiety.promotion.judge import Evidence, Finding, Verdict
from satiety.promotion.spending import Looks


def reason(metric: str, rival: str, evidence: Evidence, verdict: Verdict, looks: Looks, params: Promote) -> str:
    """Return why the challenger takes over, or does not: every ground, and, where it does not, the rules that say so.

    Args:
        metric: the headline metric.
        rival: whom it was compared with: ``the champion, version 2``.
        evidence: what was compared.
        verdict: what came of it.
        looks: which ones they were at the test sets.
        params: the block ``promote``.
    """
    pair = evidence.frozen.headline
    scores = f"{metric} {pair.new.value:.3f} against {pair.old.value:.3f} of {rival}"
    parts = [f"{scores}: the difference {shown(verdict.frozen.difference)} {_lies(verdict.frozen, evidence, params)}"]
    parts += [*_fresh(verdict), *_instead(evidence, verdict), *_slices(evidence, verdict), _paid(looks, params)]
    if not verdict.promote:
        parts.append(f"not promoted, for {' and '.join(_rules(evidence, verdict, params))}")
    return "; ".join(parts)


def _fresh(verdict: Verdict) -> Iterator[str]:
    for examples, found in (("fresh", verdict.fresh), ("randomly drawn", verdict.drawn)):
        if found:
            word = "better" if found.better else "worse" if found.worse else "undecided"
            yield f"on {found.examples:,} {examples} examples {shown(found.difference)}: {word}"


def _rules(evidence: Evidence, verdict: Verdict, params: Promote) -> Iterator[str]:
    """Yield each rule that holds the challenger back, with its switch in params.yaml."""
    for examples, found in (("frozen", verdict.frozen), ("fresh", verdict.fresh)):
        if found and found.worse:
            yield f"on the {examples} examples it is surely worse by more than promote.margin ({params.margin:g})"
    if verdict.regressed:
        yield f"a slice is surely worse by more than promote.slice_margin ({params.slice_margin:g})"
    if not verdict.sound:
        return
    yield f"it is not surely better on the frozen examples, at what is left of promote.level ({params.level:g})"
    if evidence.sizes and verdict.frozen.equal:
        yield f"not inferior counts only for what is cheaper (promote.saving {params.saving:g}) or better calibrated"
    if not verdict.drawn:
        volunteered = verdict.fresh and verdict.fresh.better
        yield (
            f"{'labels that people volunteered may only hold back; ' if volunteered else ''}labels of a random sample "
            "may promote too (`satiety label next --from traffic --random -n N`), once promote.fresh_least "
            f"({params.fresh_least}) of them are tested on"
        )


def shown(interval: Interval) -> str:
    """Return a difference with its interval."""
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def _lies(found: Finding, evidence: Evidence, params: Promote) -> str:
    if found.better:
        return "lies above zero"
    if found.worse:
        return f"does not lie above zero; it is worse by more than {params.margin:g}"
    equal = found.equal and evidence.sizes is not None
    return f"does not lie above zero{f', but above -{params.margin:g}: not inferior' if equal else ''}"


def _instead(evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    """Say what counts where it is not better, but not inferior."""
    if verdict.frozen.better or not verdict.frozen.equal:
        return
    if evidence.sizes:
        old, new = evidence.sizes
        size = f"{new / 1e6:,.1f} MB of weights against {old / 1e6:,.1f} MB"
        yield f"{size}: {'cheaper' if verdict.cheaper else 'not cheaper'}"
    if verdict.calibration:
        better = "better calibrated" if verdict.calibrated else "not surely better calibrated"
        yield f"calibration error {shown(verdict.calibration)}: {better}"


def _slices(evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    if verdict.regressed:
        named = ", ".join(f"{name} {shown(interval)}" for name, interval in list(verdict.regressed.items())[:5])
        more = f" and {len(verdict.regressed) - 5} more" if len(verdict.regressed) > 5 else ""
        yield f"worse in a slice: {named}{more}"
        return
    count = len(evidence.frozen.slices) + (len(evidence.fresh.slices) if evidence.fresh else 0)
    if count:
        yield f"none of {count} slices is worse"


def _paid(looks: Looks, params: Promote) -> str:
    look = looks.frozen
    said = f"look {look.number} at this test set, {look.left:.2f} of its alpha is left"
    return f"{said}: give it new test examples" if look.number >= params.looks else said
