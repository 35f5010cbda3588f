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
from satiety.package.load import Package
from satiety.promotion import Promote
from satiety.promotion.judge import Evidence, Verdict, judge
from satiety.promotion.moves import Move, taken_back, untold
from satiety.promotion.reason import reason
from satiety.promotion.report import drawn_of, grounds, spent
from satiety.promotion.spending import Look, Looks
from satiety.records import Example, read
from satiety.settings import Settings
from tasks import history, looks, standing, tracking
from tasks.evidence import Asked, gathered, untrained
from tasks.integrity import check
from tasks.pages import describe
from tasks.places import places
from tasks.register import DIGEST_TAG, find, publish
from tasks.stage import Report, stage

log = logging.getLogger("tasks.promote")


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and why."""

    decision: Literal["promoted", "kept", "refused", "unchanged"]
    """``kept``: the champion stays. ``refused``: there is none, and this model is no better than no training."""
    reason: str
    looks: Looks
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
    asked: Asked
    params: Promote


@stage
def main(*, params: Promote, report: Report) -> None:
    """Make the packaged model champion of MLflow's registry, where the evidence is for it."""
    package, asked = _asked()
    challenger = packages.snapshot(package, Settings().device)
    if not _reigns(challenger):
        challenger.check_example()  # whoever wrote it: what does not answer as it did is registered by nobody
    number = publish(challenger, report.run.head)
    contest = Contest(tracking.connect(), challenger.facts().name, number, challenger, asked, params)
    champion, decided = _contest(contest)
    with tracking.reached():
        describe(contest.client, challenger, number)
    report.add(**told(contest, champion, decided))
    if decided.decision == "promoted":
        report.then(lambda: _tell(contest))


def _reigns(challenger: Package) -> bool:
    """Return whether the champion is this very model, so that nothing can move."""
    client, name = tracking.connect(), challenger.facts().name
    with tracking.reached():
        number = find(client, name, challenger.digest)
        return number is not None and number == history.held(client, name)


def _contest(contest: Contest) -> tuple[Any, Decision]:
    """Decide and carry out; decide anew where somebody moved the alias meanwhile."""
    while True:
        with tracking.reached():
            held = history.held(contest.client, contest.name)
            champion = contest.client.get_model_version(contest.name, held) if held else None
        decided = decide(contest, champion)
        with history.deciding(), tracking.reached():
            history.settle(contest.client, contest.name)
            if history.held(contest.client, contest.name) == held:
                _carry_out(contest, champion, decided)
                return champion, decided


def decide(contest: Contest, champion: Any) -> Decision:
    """Compare the challenger with the champion, an MLflow model version, or with no training where there is none.

    Raises:
        DataError: the challenger was evaluated on other test examples than are there now.
        ModelError: the champion's package is damaged.
        OutdatedError: an earlier version of satiety made it.
        ParamsError: the champion answers another problem.
    """
    client, name, challenger, params = contest.client, contest.name, contest.challenger, contest.params
    with tracking.reached():
        taken = looks.taken(client.get_registered_model(name).tags, looks.set_digest(contest.asked.frozen))
        moves = history.moves(client, name)
    back = taken_back(moves, challenger.digest)
    before = Looks(Look(taken, (1 - params.level) / 2))
    old = champion.tags.get(DIGEST_TAG, "unknown") if champion else None
    if old == challenger.digest:
        if move := untold(moves, str(champion.version)):
            return Decision("promoted", move.why, before, move=move)
        return Decision("unchanged", f"this model is the champion already, as version {champion.version}", before)
    if back:
        again = f'`satiety rollback {contest.number} --why "…"` makes it champion all the same'
        return Decision("kept", f"{back.who} took this model back on {back.time[:10]}: {back.why}; {again}", before)
    if champion is None:
        evidence, rival = untrained(challenger, contest.asked, params), "no training, for there is no champion yet"
    else:
        evidence = gathered(challenger, champion, contest.asked, params)
        rival = f"the champion, version {champion.version}"
    paid = _look(contest, old, drawn=evidence.drawn is not None)
    verdict = judge(evidence, paid, params)
    why = reason(challenger.problem.headline, rival, evidence, verdict, paid, params)
    return Decision("promoted" if verdict.promote else "kept" if champion else "refused", why, paid, evidence, verdict)


def _look(contest: Contest, old: str | None, *, drawn: bool) -> Looks:
    """Note the looks that this comparison takes, before anything of it is known to anybody."""
    total = (1 - contest.params.level) / 2

    def take(test: str, new: str) -> Look:
        return Look(looks.take(contest.client, contest.name, test, old, new), total)

    new = contest.challenger.digest
    with tracking.reached():
        frozen = take(looks.set_digest(contest.asked.frozen), new)
        more = f"{new} on {looks.set_digest(drawn_of(contest.asked.fresh))}"  # of more examples it is another look
        return Looks(frozen, take(looks.FRESH, more) if drawn else None)


def _carry_out(contest: Contest, champion: Any, decided: Decision) -> None:
    """Note the decision on the challenger's version; move the alias last, when all else is done."""
    if decided.evidence is None:
        return  # nothing was compared, so there is nothing new to say of it
    client, name, number = contest.client, contest.name, contest.number
    client.set_model_version_tag(name, number, "satiety.decision", decided.decision)
    client.set_model_version_tag(name, number, "satiety.reason", decided.reason)
    if decided.decision == "promoted":
        one = history.begun(
            "promote",
            champion and str(champion.version),
            number,
            decided.reason,
            facts=contest.challenger.facts(),
            digests={"before": champion and champion.tags.get(DIGEST_TAG), "after": contest.challenger.digest},
            scores=_scores(contest, decided),
        )
        history.move(client, name, one)


def told(contest: Contest, champion: Any, decided: Decision) -> dict[str, Any]:
    """Return what the report says: the decision, and every ground for it."""
    if decided.move:
        return _finished(contest, decided, decided.move)
    unchanged = contest.challenger.scores()["after"] if decided.decision == "unchanged" else None
    pair = decided.evidence and decided.evidence.frozen.headline
    old, new = (pair.old.rounded(), pair.new.rounded()) if pair else (unchanged, unchanged)
    return {
        "decision": decided.decision,
        "reason": decided.reason,
        "name": contest.name,
        "metric": contest.challenger.problem.headline,
        "champion": champion and _side(champion.version, champion.tags.get(DIGEST_TAG, "unknown"), old),
        "challenger": _side(contest.number, contest.challenger.digest, new),
        "difference": decided.verdict and decided.verdict.frozen.difference.rounded(),
        **grounds(decided.evidence, decided.verdict, contest.asked.fresh, contest.params),
        "alpha": spent(decided.looks, contest.params),
    }


def _finished(contest: Contest, decided: Decision, move: Move) -> dict[str, Any]:
    """Return the report of a promotion that was cut off: what its move in the history knows of it."""
    before, scores = move.digests.get("before") or "unknown", move.scores
    return {
        "decision": decided.decision,
        "reason": decided.reason,
        "name": contest.name,
        "metric": contest.challenger.problem.headline,
        "champion": move.before and _side(move.before, before, scores.get("old")),
        "challenger": _side(contest.number, contest.challenger.digest, scores.get("new")),
        "difference": scores.get("difference"),
        "alpha": spent(decided.looks, contest.params),
    }


def _tell(contest: Contest) -> None:
    """Note in the history that the report is written, so that no later run tells of this promotion again."""
    try:
        with tracking.reached():
            history.tell(contest.client, contest.name, contest.number)
    except tracking.TrackingError as error:
        log.warning("%s. The next `promote` will tell of this promotion once more", error)


def _scores(contest: Contest, decided: Decision) -> dict[str, Any]:
    """Return what the history keeps of a comparison."""
    if not decided.evidence or not decided.verdict:
        return {}
    pair, found = decided.evidence.frozen.headline, decided.verdict
    sets = {"fresh": found.fresh, "drawn": found.drawn}
    fresh = {name: one.difference.rounded() for name, one in sets.items() if one}
    sides = {"old": pair.old.rounded(), "new": pair.new.rounded(), "difference": found.frozen.difference.rounded()}
    return {"metric": contest.challenger.problem.headline, "level": found.frozen.level, **sides, **fresh}


def _side(version: Any, digest: str, score: Mapping[str, float] | None) -> dict[str, Any]:
    return {"version": str(version), "digest": digest, "score": score}


def _asked() -> tuple[Path, Asked]:
    """Return where the package of this workspace lies, and its test examples; all of them as DVC keeps them."""
    package, test, fresh = places("package", "test", "fresh")
    check([package, test, fresh])
    return package, Asked(test, list(read(test, Example)), _fresh(fresh))


def _fresh(path: Path) -> list[Example]:
    return list(read(path, Example)) if path.is_file() else []


if __name__ == "__main__":
    main.cli()
    tracking.deliver()
    standing.note()
