"""Command `promote`: compare the challenger with the champion; make it champion if it is better.

It runs after `dvc repro` and outside the DVC pipeline, because the champion is state of MLflow that DVC cannot track.
The alias moves last. After a kill before the move, the next run repeats the comparison as the same interim analysis;
after a kill following the move, the next run writes the missing report.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from satiety import package as packages
from satiety.core.records import Example, read
from satiety.core.settings import Settings
from satiety.evaluate.gold import select_gold
from satiety.package.load import Package
from satiety.promotion import Promote
from satiety.promotion.alpha_spending import InterimAnalyses, InterimAnalysis
from satiety.promotion.judge import Evidence, Verdict, judge
from satiety.promotion.moves import Move, find_reversal, find_unreported
from satiety.promotion.reason import explain_decision, explain_too_few
from satiety.promotion.report import report_grounds, report_spending, select_random
from tasks import comparisons, history, tracking
from tasks.evidence import EvaluationSets, compare_with_baseline, compare_with_champion
from tasks.integrity import check_hashes
from tasks.pages import update_descriptions
from tasks.paths import find_paths
from tasks.publish import publish
from tasks.register import DIGEST_TAG, find_version, register_package
from tasks.stage import Report, stage

log = logging.getLogger("tasks.promote")


@dataclass(frozen=True, slots=True)
class PromotionOutcome:
    """Decision with its reason and evidence."""

    decision: Literal["promoted", "kept", "refused", "unchanged"]
    """``kept``: the champion stays. ``refused``: there is no champion, and the untuned model is not worse."""
    reason: str
    spending: InterimAnalyses
    evidence: Evidence | None = None
    """None if no comparison was made."""
    verdict: Verdict | None = None
    move: Move | None = None
    """An earlier promotion whose report was not written."""


@dataclass(frozen=True, slots=True)
class Contest:
    """Challenger, registered model and test sets of one promotion."""

    client: Any
    name: str
    number: str
    """Version number of the challenger."""
    challenger: Package
    test_sets: EvaluationSets
    params: Promote


@stage
def main(*, params: Promote, report: Report) -> None:
    """Make the packaged model champion in MLflow's registry if it passes the promotion tests."""
    package, test_sets = _load_test_sets()
    challenger = packages.snapshot(package, Settings().device)
    if not _is_champion(challenger):
        challenger.check_example()  # it must reproduce its predictions before it is registered
    number = register_package(challenger, report.run)
    contest = Contest(tracking.connect(), challenger.facts().name, number, challenger, test_sets, params)
    champion, outcome = _decide_and_apply(contest)
    with tracking.translate_errors():
        update_descriptions(contest.client, challenger, number)
    report.add(**build_report(contest, champion, outcome))
    if outcome.decision == "promoted":
        report.defer(lambda: _mark_reported(contest))


def _is_champion(challenger: Package) -> bool:
    """Return whether the challenger already is the champion."""
    client, name = tracking.connect(), challenger.facts().name
    with tracking.translate_errors():
        number = find_version(client, name, challenger.digest)
        return number is not None and number == history.find_champion(client, name)


def _decide_and_apply(contest: Contest) -> tuple[Any, PromotionOutcome]:
    """Decide and apply the decision; decide again if the alias has moved in the meantime."""
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
    """Compare the challenger with the champion, an MLflow model version, or with the untuned model if it is None.

    Raises:
        DataError: the challenger was evaluated on a different test set.
        ModelError: the champion's package is damaged.
        OutdatedError: the champion was made by an earlier version of satiety.
        ParamsError: the champion was trained for a different problem.
    """
    client, name, challenger, params = contest.client, contest.name, contest.challenger, contest.params
    with tracking.translate_errors():
        comparison_count = comparisons.count_comparisons(
            client.get_registered_model(name).tags, _identify_test_set(contest, champion)
        )
        moves = history.read_moves(client, name)
    rollback = find_reversal(moves, challenger.digest)
    prior_spending = InterimAnalyses(InterimAnalysis(comparison_count, (1 - params.confidence_level) / 2))
    champion_digest = champion.tags.get(DIGEST_TAG, "unknown") if champion else None
    if champion_digest == challenger.digest:
        if move := find_unreported(moves, str(champion.version)):
            return PromotionOutcome("promoted", move.reason, prior_spending, move=move)
        return PromotionOutcome(
            "unchanged", f"this model is already the champion (version {champion.version})", prior_spending
        )
    if rollback:
        hint = f'to promote it anyway, run `satiety rollback {contest.number} --why "…"`'
        return PromotionOutcome(
            "kept",
            f"{rollback.author} rolled this model back on {rollback.time[:10]}: {rollback.reason}; {hint}",
            prior_spending,
        )
    drawn = len(select_random(contest.test_sets.fresh))
    if champion and not contest.test_sets.has_test and drawn < params.min_fresh_examples:
        return PromotionOutcome("kept", explain_too_few(drawn, params), prior_spending)
    if champion is None:
        evidence, rival = (
            compare_with_baseline(challenger, contest.test_sets, params),
            "the untuned model (there is no champion yet)",
        )
    else:
        evidence = compare_with_champion(challenger, champion, contest.test_sets, params)
        rival = f"the champion, version {champion.version}"
    spending = _record_comparisons(contest, champion, has_random_sample=evidence.random is not None)
    verdict = judge(evidence, spending, params)
    explanation = explain_decision(challenger.problem.headline, rival, evidence, verdict, spending, params)
    return PromotionOutcome(
        "promoted" if verdict.promote else "kept" if champion else "refused", explanation, spending, evidence, verdict
    )


def _identify_test_set(contest: Contest, champion: Any) -> str:
    """Return the key of the test set that the decision rests on, whose comparisons share one alpha."""
    is_drawn = champion is not None and not contest.test_sets.has_test
    return comparisons.FRESH if is_drawn else comparisons.digest_test_set(contest.test_sets.gold)


def _record_comparisons(contest: Contest, champion: Any, *, has_random_sample: bool) -> InterimAnalyses:
    """Record this comparison as interim analyses before its result is published."""
    alpha = (1 - contest.params.confidence_level) / 2
    champion_digest = champion.tags.get(DIGEST_TAG, "unknown") if champion else None
    fresh_digest = comparisons.digest_test_set(select_random(contest.test_sets.fresh))

    def record(test_set: str) -> InterimAnalysis:
        digest = contest.challenger.digest
        # more fresh examples make it a new comparison
        challenger = f"{digest} on {fresh_digest}" if test_set == comparisons.FRESH else digest
        number = comparisons.record_comparison(contest.client, contest.name, test_set, champion_digest, challenger)
        return InterimAnalysis(number, alpha)

    with tracking.translate_errors():
        frozen = record(_identify_test_set(contest, champion))
        return InterimAnalyses(frozen, record(comparisons.FRESH) if has_random_sample else None)


def _apply_decision(contest: Contest, champion: Any, outcome: PromotionOutcome) -> None:
    """Tag the challenger's version with the decision; move the alias last."""
    if outcome.evidence is None:
        return  # without a comparison the earlier tags remain valid
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
    """Return the report: the decision with all its evidence."""
    champion_side: Any
    grounds: dict[str, Any] = {}
    if move := outcome.move:  # the history has the scores, but not the rest of the evidence
        champion_digest = move.digests.get("before") or "unknown"
        champion_side = move.before and _describe_side(move.before, champion_digest, move.scores.get("old"))
        challenger_score, difference = move.scores.get("new"), move.scores.get("difference")
    else:
        unchanged = contest.challenger.scores()["after"] if outcome.decision == "unchanged" else None
        pair = outcome.evidence and outcome.evidence.frozen.headline
        champion_score, challenger_score = (
            (pair.champion.to_dict(), pair.challenger.to_dict()) if pair else (unchanged, unchanged)
        )
        champion_side = champion and _describe_side(
            champion.version, champion.tags.get(DIGEST_TAG, "unknown"), champion_score
        )
        difference = outcome.verdict and outcome.verdict.frozen.difference.to_dict()
        grounds = report_grounds(outcome.evidence, outcome.verdict, contest.test_sets.fresh, contest.params)
    return {
        "decision": outcome.decision,
        "reason": outcome.reason,
        "name": contest.name,
        "metric": contest.challenger.problem.headline,
        "champion": champion_side,
        "challenger": _describe_side(contest.number, contest.challenger.digest, challenger_score),
        "difference": difference,
        **grounds,
        "alpha": report_spending(outcome.spending, contest.params),
    }


def _mark_reported(contest: Contest) -> None:
    """Mark the promotion as reported, so that the next run does not report it again."""
    try:
        with tracking.translate_errors():
            history.mark_reported(contest.client, contest.name, contest.number)
    except tracking.TrackingError as error:
        log.warning("%s. The next `promote` will report this promotion again", error)


def _summarize_scores(contest: Contest, outcome: PromotionOutcome) -> dict[str, Any]:
    """Return the scores of a comparison for the history."""
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
    return {
        "metric": contest.challenger.problem.headline,
        "confidence_level": verdict.frozen.confidence_level,
        **sides,
        **fresh,
    }


def _describe_side(version: Any, digest: str, score: Mapping[str, float] | None) -> dict[str, Any]:
    return {"version": str(version), "digest": digest, "score": score}


def _load_test_sets() -> tuple[Path, EvaluationSets]:
    """Return the workspace's package folder and test sets after checking their hashes."""
    package, test, train, fresh = find_paths("package", "test", "train", "fresh")
    check_hashes([package, test, train, fresh])
    gold, scored_on = select_gold(read(test, Example), read(train, Example))
    fresh_examples = list(read(fresh, Example)) if fresh.is_file() else []
    return package, EvaluationSets(test, gold, scored_on, fresh_examples)


if __name__ == "__main__":
    main.cli()
    publish()
