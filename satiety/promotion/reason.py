"""Verdict -> sentence with the reason of a decision, for reports, the registry and the promotion history."""

from collections.abc import Iterator, Mapping

from satiety.evaluate.bootstrap import Interval
from satiety.promotion import Promote
from satiety.promotion.alpha_spending import InterimAnalyses, InterimAnalysis
from satiety.promotion.judge import Basis, Evidence, SetOutcome, Verdict

NAMES: Mapping[Basis, str] = {
    "frozen": "frozen examples",
    "out_of_fold": "labels scored out of fold",
    "drawn": "randomly drawn examples",
}
"""Names of the examples that a decision rests on."""
NOTES: Mapping[Basis, str] = {
    "out_of_fold": "there is no test, so every label was answered by a model that had not seen it",
    "drawn": "there is no test, so only randomly drawn fresh examples decide",
}


def explain_decision(
    metric: str, rival: str, evidence: Evidence, verdict: Verdict, analyses: InterimAnalyses, params: Promote
) -> str:
    """Return every ground of the decision and, for a refusal, the rules that led to it.

    Args:
        metric: the headline metric.
        rival: baseline of the comparison: ``the champion, version 2``.
        evidence: the comparisons.
        verdict: result of `judge`.
        analyses: number of the comparison on each test set.
        params: the section ``promote``.
    """
    pair = evidence.frozen.headline
    parts = [
        *([NOTES[evidence.basis]] if evidence.basis in NOTES else []),
        f"{metric} {pair.challenger.value:.3f} against {pair.champion.value:.3f} of {rival}",
        f"difference {format_difference(verdict.frozen.difference)}: "
        f"{_describe_outcome(verdict.frozen, evidence, params)}",
        *_explain_fresh(verdict),
        *_explain_alternatives(evidence, verdict),
        *_explain_slices(evidence, verdict),
        _describe_spending(analyses, evidence.basis, params),
    ]
    if not verdict.promote:
        parts.append(f"not promoted because {' and '.join(_list_rules(evidence, verdict, params))}")
    return "; ".join(parts)


def _explain_fresh(verdict: Verdict) -> Iterator[str]:
    for examples, outcome in (("fresh", verdict.fresh), ("randomly drawn", verdict.random)):
        if outcome:
            word = "better" if outcome.better else "worse" if outcome.worse else "undecided"
            yield f"on {outcome.examples:,} {examples} examples {format_difference(outcome.difference)}: {word}"


def _list_rules(evidence: Evidence, verdict: Verdict, params: Promote) -> Iterator[str]:
    """Yield each rule that blocks the promotion, with its param."""
    name = NAMES[evidence.basis]
    for examples, outcome in ((name, verdict.frozen), ("fresh examples", verdict.fresh)):
        if outcome and outcome.worse:
            yield f"it is worse by more than promote.margin ({params.margin:g}) on the {examples}"
    if verdict.regressed:
        yield f"a slice is worse by more than promote.slice_margin ({params.slice_margin:g})"
    if not verdict.is_sound:
        return
    level = f"promote.confidence_level {params.confidence_level:g}"
    yield f"it is not significantly better on the {name} at the remaining alpha ({level})"
    if evidence.sizes and verdict.frozen.equal:
        yield f"one that is not inferior must be cheaper (promote.saving {params.saving:g}) or better calibrated"
    if evidence.basis == "frozen" and not verdict.random:
        if verdict.fresh and verdict.fresh.better:
            yield "volunteered labels can only block a promotion"
        yield (
            "a random sample of labels can also promote (`satiety label next -n N`) once the "
            f"fresh test set contains promote.min_fresh_examples ({params.min_fresh_examples}) of them"
        )


def explain_too_few(drawn: int, params: Promote) -> str:
    """Return why nothing is compared with the champion: without a test, only randomly drawn fresh examples decide."""
    return (
        f"{NOTES['drawn']}, and there are {drawn:,} of the {params.min_fresh_examples:,} needed "
        "(promote.min_fresh_examples): draw texts of the traffic with `satiety label next -n N`, label them, and "
        "retrain"
    )


def format_difference(interval: Interval) -> str:
    """Return a difference with its interval."""
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def format_remaining(analysis: InterimAnalysis) -> str:
    """Return how much of a test set's alpha later comparisons may still spend."""
    return f"{analysis.remaining:.0%} of its error budget for wrong promotions is left"


def _describe_outcome(outcome: SetOutcome, evidence: Evidence, params: Promote) -> str:
    if outcome.better:
        return "better"
    if outcome.worse:
        return f"worse by more than {params.margin:g}"
    return f"not inferior (above -{params.margin:g})" if outcome.equal and evidence.sizes else "undecided"


def _explain_alternatives(evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    """Yield cost and calibration, the criteria for a model that is not inferior."""
    if verdict.frozen.better or not verdict.frozen.equal:
        return
    if evidence.sizes:
        champion_bytes, challenger_bytes = evidence.sizes
        size = f"{challenger_bytes / 1e6:,.1f} MB of weights against {champion_bytes / 1e6:,.1f} MB"
        yield f"{size}: {'cheaper' if verdict.cheaper else 'not cheaper'}"
    if verdict.calibration:
        better = "better calibrated" if verdict.calibrated else "not significantly better calibrated"
        yield f"calibration error {format_difference(verdict.calibration)}: {better}"


def _explain_slices(evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    if verdict.regressed:
        worst_slices = ", ".join(
            f"{name} {format_difference(interval)}" for name, interval in list(verdict.regressed.items())[:5]
        )
        remainder = f" and {len(verdict.regressed) - 5} more" if len(verdict.regressed) > 5 else ""
        yield f"worse in a slice: {worst_slices}{remainder}"
        return
    if evidence.slices:
        yield f"no slice is worse ({len(evidence.slices)} compared)"


def _describe_spending(analyses: InterimAnalyses, basis: Basis, params: Promote) -> str:
    analysis, examples = analyses.frozen, "these labels" if basis == "out_of_fold" else "this test set"
    summary = f"comparison {analysis.number} on {examples}, {format_remaining(analysis)}"
    return f"{summary}: collect new test examples" if analysis.number >= params.max_comparisons else summary
