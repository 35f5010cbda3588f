"""A verdict -> the sentence that says why, for reports, the registry and the history."""

from collections.abc import Iterator

from satiety.evaluate.bootstrap import Interval
from satiety.promotion import Promote
from satiety.promotion.alpha_spending import InterimAnalyses
from satiety.promotion.judge import Evidence, SetOutcome, Verdict


def explain_decision(
    metric: str, rival: str, evidence: Evidence, verdict: Verdict, analyses: InterimAnalyses, params: Promote
) -> str:
    """Return why the challenger takes over, or does not: every ground, and, where it does not, the rules that say so.

    Args:
        metric: the headline metric.
        rival: whom it was compared with: ``the champion, version 2``.
        evidence: what was compared.
        verdict: what came of it.
        analyses: which ones they were at the test sets.
        params: the block ``promote``.
    """
    pair = evidence.frozen.headline
    scores = f"{metric} {pair.challenger.value:.3f} against {pair.champion.value:.3f} of {rival}"
    parts = [
        f"{scores}: the difference {format_difference(verdict.frozen.difference)} "
        f"{_describe_difference(verdict.frozen, evidence, params)}"
    ]
    parts += [
        *_explain_fresh(verdict),
        *_explain_alternatives(evidence, verdict),
        *_explain_slices(evidence, verdict),
        _describe_spending(analyses, params),
    ]
    if not verdict.promote:
        parts.append(f"not promoted, for {' and '.join(_list_rules(evidence, verdict, params))}")
    return "; ".join(parts)


def _explain_fresh(verdict: Verdict) -> Iterator[str]:
    for examples, outcome in (("fresh", verdict.fresh), ("randomly drawn", verdict.random)):
        if outcome:
            word = "better" if outcome.better else "worse" if outcome.worse else "undecided"
            yield f"on {outcome.examples:,} {examples} examples {format_difference(outcome.difference)}: {word}"


def _list_rules(evidence: Evidence, verdict: Verdict, params: Promote) -> Iterator[str]:
    """Yield each rule that holds the challenger back, with its switch in params.yaml."""
    for examples, outcome in (("frozen", verdict.frozen), ("fresh", verdict.fresh)):
        if outcome and outcome.worse:
            yield f"on the {examples} examples it is surely worse by more than promote.margin ({params.margin:g})"
    if verdict.regressed:
        yield f"a slice is surely worse by more than promote.slice_margin ({params.slice_margin:g})"
    if not verdict.is_sound:
        return
    level = f"promote.confidence_level ({params.confidence_level:g})"
    yield f"it is not surely better on the frozen examples, at what is left of {level}"
    if evidence.sizes and verdict.frozen.equal:
        yield f"not inferior counts only for what is cheaper (promote.saving {params.saving:g}) or better calibrated"
    if not verdict.random:
        has_feedback_gain = verdict.fresh and verdict.fresh.better
        yield (
            f"{'labels that people volunteered may only hold back; ' if has_feedback_gain else ''}labels of a random "
            "sample "
            "may promote too (`satiety label next --from traffic --random -n N`), once promote.min_fresh_examples "
            f"({params.min_fresh_examples}) of them are tested on"
        )


def format_difference(interval: Interval) -> str:
    """Return a difference with its interval."""
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def _describe_difference(outcome: SetOutcome, evidence: Evidence, params: Promote) -> str:
    if outcome.better:
        return "lies above zero"
    if outcome.worse:
        return f"does not lie above zero; it is worse by more than {params.margin:g}"
    is_equal = outcome.equal and evidence.sizes is not None
    return f"does not lie above zero{f', but above -{params.margin:g}: not inferior' if is_equal else ''}"


def _explain_alternatives(evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    """Say what counts where it is not better, but not inferior."""
    if verdict.frozen.better or not verdict.frozen.equal:
        return
    if evidence.sizes:
        champion_bytes, challenger_bytes = evidence.sizes
        size = f"{challenger_bytes / 1e6:,.1f} MB of weights against {champion_bytes / 1e6:,.1f} MB"
        yield f"{size}: {'cheaper' if verdict.cheaper else 'not cheaper'}"
    if verdict.calibration:
        better = "better calibrated" if verdict.calibrated else "not surely better calibrated"
        yield f"calibration error {format_difference(verdict.calibration)}: {better}"


def _explain_slices(evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    if verdict.regressed:
        worst_slices = ", ".join(
            f"{name} {format_difference(interval)}" for name, interval in list(verdict.regressed.items())[:5]
        )
        remainder = f" and {len(verdict.regressed) - 5} more" if len(verdict.regressed) > 5 else ""
        yield f"worse in a slice: {worst_slices}{remainder}"
        return
    count = len(evidence.frozen.slices) + (len(evidence.fresh.slices) if evidence.fresh else 0)
    if count:
        yield f"none of {count} slices is worse"


def _describe_spending(analyses: InterimAnalyses, params: Promote) -> str:
    analysis = analyses.frozen
    summary = f"look {analysis.number} at this test set, {analysis.remaining:.2f} of its alpha is left"
    return f"{summary}: give it new test examples" if analysis.number >= params.max_comparisons else summary
