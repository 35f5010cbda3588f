"""`promote`, which is no stage: challenger against champion; the one that the evidence is for is champion.

Who is champion is a fact of the world, not of this workspace, so DVC must not cache it: run it after `dvc repro`.
The alias moves last, and at once; what was cut off before is done again by the next run, as the same look, and what was
cut off after is told by the next run, as the promotion that it was.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from satiety import package as packages
from satiety.core.records import Example, read
from satiety.core.settings import Settings
from satiety.package.load import Package
from satiety.promotion import Promote
from satiety.promotion.alpha_spending import InterimAnalyses, InterimAnalysis
from satiety.promotion.judge import Evidence, Verdict, judge
from satiety.promotion.moves import Move, find_reversal, find_unreported
from satiety.promotion.reason import explain_decision
from satiety.promotion.report import report_grounds, report_spending, select_random
from tasks import comparisons, history, tracking
from tasks.evidence import EvaluationSets, compare_with_baseline, compare_with_champion
from tasks.integrity import check
from tasks.pages import describe
from tasks.paths import find_paths
from tasks.publish import publish
from tasks.register import DIGEST_TAG, find_version, register_package
from tasks.stage import Report, stage

log = logging.getLogger("tasks.promote")


@dataclass(frozen=True, slots=True)
class PromotionOutcome:
    """What was decided, and why."""

    decision: Literal["promoted", "kept", "refused", "unchanged"]
    """``kept``: the champion stays. ``refused``: there is none, and this model is no better than no training."""
    reason: str
    spending: InterimAnalyses
    evidence: Evidence | None = None
    """None where nothing had to be compared."""
    verdict: Verdict | None = None
    move: Move | None = None
    """A promotion that was made, and cut off before its report was written."""


@dataclass(frozen=True, slots=True)
class Contest:
    """A challenger, and where it is to become champion."""

    client: Any
    name: str
    number: str
    """Of the challenger's version."""
    challenger: Package
    test_sets: EvaluationSets
    params: Promote


@stage
def main(*, params: Promote, report: Report) -> None:
    """Make the packaged model champion of MLflow's registry, where the evidence is for it."""
    package, test_sets = _load_test_sets()
    challenger = packages.snapshot(package, Settings().device)
    if not _is_champion(challenger):
        challenger.check_example()  # whoever wrote it: what does not answer as it did is registered by nobody
    number = register_package(challenger, report.run)
    contest = Contest(tracking.connect(), challenger.facts().name, number, challenger, test_sets, params)
    champion, outcome = _decide_and_apply(contest)
    with tracking.translate_errors():
        describe(contest.client, challenger, number)
    report.add(**build_report(contest, champion, outcome))
    if outcome.decision == "promoted":
        report.defer(lambda: _mark_reported(contest))


def _is_champion(challenger: Package) -> bool:
    """Return whether the champion is this very model, so that nothing can move."""
    client, name = tracking.connect(), challenger.facts().name
    with tracking.translate_errors():
        number = find_version(client, name, challenger.digest)
        return number is not None and number == history.find_champion(client, name)


def _decide_and_apply(contest: Contest) -> tuple[Any, PromotionOutcome]:
    """Decide and carry out; decide anew where somebody moved the alias meanwhile."""
    while True:
        with tracking.translate_errors():
            champion_number = history.find_champion(contest.client, contest.name)
            champion = contest.client.get_model_version(contest.name, champion_number) if champion_number else None
        outcome = decide(contest, champion)
        with history.lock_champion(), tracking.translate_errors():
            history.confirm_last_move(contest.client, contest.name)
            if history.find_champion(contest.client, contest.name) == champion_number:
                _apply_decision(contest, champion, outcome)
                return champion, outcome


def decide(contest: Contest, champion: Any) -> PromotionOutcome:
    """Compare the challenger with the champion, an MLflow model version, or with no training where there is none.

    Raises:
        DataError: the challenger was evaluated on other test examples than are there now.
        ModelError: the champion's package is damaged.
        OutdatedError: an earlier version of satiety made it.
        ParamsError: the champion answers another problem.
    """
    client, name, challenger, params = contest.client, contest.name, contest.challenger, contest.params
    with tracking.translate_errors():
        comparison_count = comparisons.count_comparisons(
            client.get_registered_model(name).tags, comparisons.digest_test_set(contest.test_sets.frozen)
        )
        moves = history.read_moves(client, name)
    rollback = find_reversal(moves, challenger.digest)
    prior_spending = InterimAnalyses(InterimAnalysis(comparison_count, (1 - params.confidence_level) / 2))
    champion_digest = champion.tags.get(DIGEST_TAG, "unknown") if champion else None
    if champion_digest == challenger.digest:
        if move := find_unreported(moves, str(champion.version)):
            return PromotionOutcome("promoted", move.why, prior_spending, move=move)
        return PromotionOutcome(
            "unchanged", f"this model is the champion already, as version {champion.version}", prior_spending
        )
    if rollback:
        hint = f'`satiety rollback {contest.number} --why "…"` makes it champion all the same'
        return PromotionOutcome(
            "kept",
            f"{rollback.who} took this model back on {rollback.time[:10]}: {rollback.why}; {hint}",
            prior_spending,
        )
    if champion is None:
        evidence, rival = (
            compare_with_baseline(challenger, contest.test_sets, params),
            "no training, for there is no champion yet",
        )
    else:
        evidence = compare_with_champion(challenger, champion, contest.test_sets, params)
        rival = f"the champion, version {champion.version}"
    spending = _record_comparisons(contest, champion_digest, has_random_sample=evidence.random is not None)
    verdict = judge(evidence, spending, params)
    explanation = explain_decision(challenger.problem.headline, rival, evidence, verdict, spending, params)
    return PromotionOutcome(
        "promoted" if verdict.promote else "kept" if champion else "refused", explanation, spending, evidence, verdict
    )


def _record_comparisons(contest: Contest, champion_digest: str | None, *, has_random_sample: bool) -> InterimAnalyses:
    """Note the looks that this comparison takes, before anything of it is known to anybody."""
    alpha = (1 - contest.params.confidence_level) / 2

    def record(test_digest: str, challenger: str) -> InterimAnalysis:
        return InterimAnalysis(
            comparisons.record_comparison(contest.client, contest.name, test_digest, champion_digest, challenger), alpha
        )

    digest = contest.challenger.digest
    with tracking.translate_errors():
        frozen = record(comparisons.digest_test_set(contest.test_sets.frozen), digest)
        fresh_digest = comparisons.digest_test_set(select_random(contest.test_sets.fresh))
        key = f"{digest} on {fresh_digest}"  # of more examples it is another comparison
        return InterimAnalyses(frozen, record(comparisons.FRESH, key) if has_random_sample else None)


def _apply_decision(contest: Contest, champion: Any, outcome: PromotionOutcome) -> None:
    """Note the decision on the challenger's version; move the alias last, when all else is done."""
    if outcome.evidence is None:
        return  # nothing was compared, so there is nothing new to say of it
    client, name, number = contest.client, contest.name, contest.number
    client.set_model_version_tag(name, number, "satiety.decision", outcome.decision)
    client.set_model_version_tag(name, number, "satiety.reason", outcome.reason)
    if outcome.decision == "promoted":
        move = history.build_move(
            "promote",
            champion and str(champion.version),
            number,
            outcome.reason,
            facts=contest.challenger.facts(),
            digests={"before": champion and champion.tags.get(DIGEST_TAG), "after": contest.challenger.digest},
            scores=_summarize_scores(contest, outcome),
        )
        history.apply_move(client, name, move)


def build_report(contest: Contest, champion: Any, outcome: PromotionOutcome) -> dict[str, Any]:
    """Return what the report says: the decision, and every ground for it."""
    if outcome.move:
        return _report_from_move(contest, outcome, outcome.move)
    unchanged = contest.challenger.scores()["after"] if outcome.decision == "unchanged" else None
    pair = outcome.evidence and outcome.evidence.frozen.headline
    champion_score, challenger_score = (
        (pair.champion.to_dict(), pair.challenger.to_dict()) if pair else (unchanged, unchanged)
    )
    return {
        "decision": outcome.decision,
        "reason": outcome.reason,
        "name": contest.name,
        "metric": contest.challenger.problem.headline,
        "champion": champion
        and _describe_side(champion.version, champion.tags.get(DIGEST_TAG, "unknown"), champion_score),
        "challenger": _describe_side(contest.number, contest.challenger.digest, challenger_score),
        "difference": outcome.verdict and outcome.verdict.frozen.difference.to_dict(),
        **report_grounds(outcome.evidence, outcome.verdict, contest.test_sets.fresh, contest.params),
        "alpha": report_spending(outcome.spending, contest.params),
    }


def _report_from_move(contest: Contest, outcome: PromotionOutcome, move: Move) -> dict[str, Any]:
    """Return the report of a promotion that was cut off: what its move in the history knows of it."""
    champion_digest, scores = move.digests.get("before") or "unknown", move.scores
    return {
        "decision": outcome.decision,
        "reason": outcome.reason,
        "name": contest.name,
        "metric": contest.challenger.problem.headline,
        "champion": move.before and _describe_side(move.before, champion_digest, scores.get("old")),
        "challenger": _describe_side(contest.number, contest.challenger.digest, scores.get("new")),
        "difference": scores.get("difference"),
        "alpha": report_spending(outcome.spending, contest.params),
    }


def _mark_reported(contest: Contest) -> None:
    """Note in the history that the report is written, so that no later run tells of this promotion again."""
    try:
        with tracking.translate_errors():
            history.mark_reported(contest.client, contest.name, contest.number)
    except tracking.TrackingError as error:
        log.warning("%s. The next `promote` will tell of this promotion once more", error)


def _summarize_scores(contest: Contest, outcome: PromotionOutcome) -> dict[str, Any]:
    """Return what the history keeps of a comparison."""
    if not outcome.evidence or not outcome.verdict:
        return {}
    pair, verdict = outcome.evidence.frozen.headline, outcome.verdict
    sets = {"fresh": verdict.fresh, "drawn": verdict.random}
    fresh = {name: comparison.difference.to_dict() for name, comparison in sets.items() if comparison}
    sides = {
        "old": pair.champion.to_dict(),
        "new": pair.challenger.to_dict(),
        "difference": verdict.frozen.difference.to_dict(),
    }
    return {"metric": contest.challenger.problem.headline, "level": verdict.frozen.confidence_level, **sides, **fresh}


def _describe_side(version: Any, digest: str, score: Mapping[str, float] | None) -> dict[str, Any]:
    return {"version": str(version), "digest": digest, "score": score}


def _load_test_sets() -> tuple[Path, EvaluationSets]:
    """Return where the package of this workspace lies, and its test examples; all of them as DVC keeps them."""
    package, test, fresh = find_paths("package", "test", "fresh")
    check([package, test, fresh])
    return package, EvaluationSets(test, list(read(test, Example)), _read_fresh(fresh))


def _read_fresh(path: Path) -> list[Example]:
    return list(read(path, Example)) if path.is_file() else []


if __name__ == "__main__":
    main.cli()
    publish()
