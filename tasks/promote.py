"""`promote`, which is no stage: challenger against champion, on the same test examples; the better one is champion.

Who is champion is a fact of the world, not of this workspace, so DVC must not cache it: run it after `dvc repro`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from satiety import package as packages
from satiety.errors import DataError, ModelError, ParamsError
from satiety.evaluate.answers import read as read_answer
from satiety.evaluate.answers import recalled
from satiety.evaluate.bootstrap import Interval, Resampling, compare
from satiety.package import Promote
from satiety.package.load import Package
from satiety.problems import Prediction, Problem
from satiety.records import Example, read
from satiety.section import read_yaml
from satiety.settings import Settings
from tasks import standing, tracking
from tasks.pages import describe
from tasks.register import DIGEST_TAG, publish
from tasks.stage import Report, stage

CHAMPION = "champion"
PIPELINE = Path("dvc.yaml")
"""Where the paths of this workspace stand."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and why."""

    decision: Literal["promoted", "kept", "refused", "unchanged"]
    """``kept``: the champion stays. ``refused``: there is none, and this model is no better than no training."""
    reason: str
    old: Interval | None = None
    """Score of the champion, or of no training where there is none."""
    new: Interval | None = None
    """Score of the challenger."""
    difference: Interval | None = None
    """New − old, on the same resamples."""


@stage
def main(*, params: Promote, report: Report) -> None:
    """Make the packaged model champion of MLflow's registry, where it is measurably better than what is there."""
    package, test = _paths()
    challenger = packages.inspect(package, Settings().device)
    number = publish(challenger, report.run.head)
    client, name = tracking.connect(), challenger.facts().name
    with tracking.reached():
        held = client.get_registered_model(name).aliases.get(CHAMPION)
        champion = client.get_model_version(name, held) if held else None
    decided = decide(challenger, champion, test, params)
    report.add(
        decision=decided.decision,
        reason=decided.reason,
        name=name,
        metric=challenger.problem.headline,
        champion=champion and _side(champion.version, champion.tags.get(DIGEST_TAG, "unknown"), decided.old),
        challenger=_side(number, challenger.digest, decided.new),
        difference=decided.difference and decided.difference.rounded(),
    )
    with tracking.reached():
        _carry_out(client, name, number, decided)
        describe(client, challenger, number)


def decide(challenger: Package, champion: Any, test: Path, params: Promote) -> Decision:
    """Compare the challenger with the champion, an MLflow model version, or with no training where there is none.

    Raises:
        DataError: the challenger was evaluated on other test examples than are there now.
        ModelError: the champion's package is damaged.
        ParamsError: the champion answers another problem.
    """
    if champion is not None and champion.tags.get(DIGEST_TAG) == challenger.digest:
        score = Interval(**challenger.scores()["after"])
        reason = f"this model is the champion already, as version {champion.version}"
        return Decision("unchanged", reason, score, score)
    gold, problem = list(read(test, Example)), challenger.problem
    answers = recalled(challenger.stored(), gold)
    if answers is None:
        raise DataError(f"{challenger.folder}: its scores are of other test examples than {test}; run `dvc repro`")
    new = problem.tally(gold, [read_answer(answer.after) for answer in answers])
    if champion is None:
        old = problem.tally(gold, [read_answer(answer.before) for answer in answers])
    else:
        old = problem.tally(gold, _answers(champion, problem, gold))
    both = compare(problem.measure, old, new, Resampling(params.seed, params.resamples, params.level))
    name = problem.headline
    return _judge(name, both.first[name], both.second[name], both.difference[name], champion)


def _judge(metric: str, old: Interval, new: Interval, difference: Interval, champion: Any) -> Decision:
    """Promote where the whole interval of the difference lies above zero."""
    rival = f"the champion, version {champion.version}" if champion else "no training, for there is no champion yet"
    apart = f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"
    scores = f"{metric} {new.value:.3f} against {old.value:.3f} of {rival}: the difference {apart}"
    if difference.low > 0:
        return Decision("promoted", f"{scores} lies above zero", old, new, difference)
    return Decision("kept" if champion else "refused", f"{scores} does not lie above zero", old, new, difference)


def _answers(champion: Any, problem: Problem, gold: Sequence[Example]) -> list[Prediction]:
    """Return the champion's answers to the test examples: those it was stored with, or new ones where they differ."""
    with TemporaryDirectory(prefix="satiety-") as scratch:
        package = _fetch(champion, Path(scratch))
        if package.problem.kind != problem.kind:
            raise ParamsError(
                f"params.yaml: register.name: {champion.name!r} is a model of the problem {package.problem.kind}, "
                f"this one is of {problem.kind}; give it another name"
            )
        if not set(package.problem.classes) & set(problem.classes) - {"O"}:
            raise ParamsError(
                f"params.yaml: register.name: {champion.name!r} is a model of other labels, none of which is of this "
                "problem; give it another name"
            )
        stored = recalled(package.stored(), gold)
        if stored is None:
            answers = package.predict([example.text for example in gold])
        else:
            answers = [read_answer(answer.after) for answer in stored]
    known = set(problem.model_dump()["labels"])  # a span of another label cannot be right, and has no class to count in
    return [replace(one, spans=tuple(span for span in one.spans if span.label in known)) for one in answers]


def _fetch(champion: Any, scratch: Path) -> Package:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    uri = f"models:/{champion.name}/{champion.version}"
    try:
        folder = Path(download_artifacts(artifact_uri=uri, dst_path=str(scratch)))
        return packages.inspect(next((folder / "data").iterdir()), Settings().device)
    except (MlflowException, ModelError, OSError, StopIteration) as error:
        raise ModelError(
            f"{uri}, the champion, is damaged, or cannot be fetched: {error}\n"
            f"restore its files, or take the alias {CHAMPION!r} off it"
        ) from None


def _carry_out(client: Any, name: str, number: str, decided: Decision) -> None:
    """Note the decision on the challenger's version; move the alias last, when all else is done."""
    if decided.decision == "unchanged":
        return
    client.set_model_version_tag(name, number, "satiety.decision", decided.decision)
    client.set_model_version_tag(name, number, "satiety.reason", decided.reason)
    if decided.decision == "promoted":
        client.set_registered_model_alias(name, CHAMPION, number)


def _side(version: str, digest: str, score: Interval | None) -> dict[str, Any]:
    return {"version": str(version), "digest": digest, "score": score and score.rounded()}


def _paths() -> tuple[Path, Path]:
    """Return where the package and the test examples of this workspace lie."""
    places = {name: path for block in read_yaml(PIPELINE).get("vars", []) for name, path in block.items()}
    missing = [name for name in ("package", "test") if name not in places]
    if missing:
        raise ParamsError(f"{PIPELINE}: vars: gives no path for {', '.join(missing)}; write it anew from the root's")
    return Path(places["package"]), Path(places["test"])


if __name__ == "__main__":
    main.cli()
    tracking.deliver()
    standing.note()
