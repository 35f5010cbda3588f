"""Flow `retrain`: what people corrected becomes a new version of the data, a challenger, and a decision; on a branch.

python -m flows.retrain        in the folder of a params.yaml; needs no server

    record ─▶ labels, fresh test, texts ─▶ worktree of the last commit ─▶ stages ─▶ promote ─▶ branch, and a note why

The user's checkout is only read. Whatever fails, the champion stays.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from satiety.services import join

if __name__ == "__main__":
    join()

from prefect import State, flow, get_run_logger, runtime, task  # Prefect reads its settings when it is imported
from prefect.states import Completed, Failed

from flows import artifacts, dvc, lock, worktree
from flows.alerts import HOOKS
from flows.commands import execute
from flows.former import held
from flows.pipeline import Order, bounded, entered, run, run_stages, tracked
from flows.stages import promote
from flows.worktree import ROOM, Worktree
from satiety.damaged import read_state
from satiety.errors import SatietyError, SetupError
from satiety.files import write_text
from satiety.ingest.split import grouped, tie
from satiety.params import Params, load_params
from satiety.problems.base import Problem
from satiety.records import Document, Example, read
from satiety.retrain import version
from satiety.retrain.draws import random_ids
from satiety.retrain.gather import Gathered, Known, gather, unlearned
from satiety.retrain.seen import Seen, read_seen, write_seen
from satiety.section import PARAMS_FILE
from satiety.settings import Settings, project_root
from satiety.traffic import recorded
from tasks.places import places
from tasks.stage import alone, begin

LAST = ROOM / "last.json"
"""What came of the last retraining that ended with a decision."""
SEEN = ROOM / "seen.json"
"""And what it saw of the record."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to retrain on."""

    gathered: Gathered
    problem: Problem
    raw: str
    """What tells the files of data/raw/ from others."""

    def worth(self, params: Params, last: Mapping[str, Any]) -> str:
        """Return what makes a retraining worth it; nothing where it is not."""
        new = self.gathered.new
        if new["labels"] >= params.retrain.least:
            return f"{new['labels']} new labels"
        if params.retrain.texts_alone and new["texts"]:
            return f"{new['texts']} new texts"
        return "other files in data/raw" if last.get("raw", self.raw) != self.raw else ""


@flow(name="retrain", persist_result=False, **HOOKS)
def retrain(workspace: str = ".", reason: str = "schedule") -> State[Any] | None:
    """Learn from what is new, on a branch of its own, and let the evidence decide who is champion.

    Args:
        workspace: the folder of a params.yaml and its dvc.yaml.
        reason: what asks for it: the schedule, an event, a person.
    """
    try:
        with bounded(), entered(workspace), held("retrain"):
            return Completed(message=_retrained(load_params(PARAMS_FILE), reason))
    except SatietyError as error:
        return Failed(message=str(error))


def _retrained(params: Params, reason: str) -> str:
    last, now = read_state(LAST, {}) or {}, datetime.now(UTC)
    found = look(params, _seen(last))
    why = found.worth(params, last)
    if not why:
        new = found.gathered.new["labels"]
        said = f"not worth it yet: {new} new labels, and retrain.least is {params.retrain.least}"
        if not last:
            _note(LAST, {"raw": found.raw})
        return said
    worktree.tidy(params.retrain.keep - 1, {path.stem for path in ROOM.glob("*.json")})
    name = now.strftime("%Y%m%dT%H%M%S-%f")
    note: dict[str, Any] = {"time": now.isoformat(timespec="seconds"), "reason": reason, "why": why}
    try:
        note |= _on_a_branch(prepare(name, params), found, params, now, why)
    except Exception as error:
        _note(ROOM / f"{name}.json", note | {"failed": str(error)})
        raise
    for path in (ROOM / f"{name}.json", LAST):
        _note(path, note | {"raw": found.raw})
    write_seen(SEEN, found.gathered.seen)  # last: what is not noted counts as new, which at worst is done twice
    artifacts.publish_retraining(note)
    return f"{note['decision']}: {note['because']}"


def _seen(last: Mapping[str, Any]) -> Seen:
    """Return what the last retraining saw."""
    seen = read_seen(SEEN)
    if seen is None and "decision" in last:
        get_run_logger().warning("%s: not there, or damaged; all that is on record counts as new", SEEN)
    return seen or Seen()


@task(task_run_name="gather", persist_result=False)
def look(params: Params, seen: Seen) -> Found:
    """Read the record and the data of the checkout."""
    train, dev, test, fresh = places("train", "dev", "test", "fresh")
    for name in (version.LABELS, version.TEXTS, fresh):
        if Path(f"{name}.dvc").is_file() and not Path(name).is_file():
            raise SetupError(f"{name}: DVC keeps it, but it is not here; bring it back by `dvc checkout {name}.dvc`")
    problem, record = Problem.load(places("problem")[0]), recorded(Settings())
    if record is None:
        raise SetupError(
            f"{Path.cwd()}: no project, so no record of what was asked; run in one, or set SATIETY_TRAFFIC"
        )
    labelled = [e for path in (train, dev) for e in read(path, Example)]
    known = Known(
        [e for e in labelled if not e.source.startswith(f"{version.LABELS}:")],
        list(read(test, Example)),
        version.read_learned(Path(version.LABELS), problem),
        version.read_fresh(fresh),
    )
    answers = record.read(params.register.name)
    corrections = record.corrections()
    random = random_ids(record.draws().values(), corrections)
    gathered = gather(answers, corrections, problem, known, params.retrain, seen, random)
    get_run_logger().info("new: %s; of no use: %s", dict(gathered.new), dict(gathered.left) or "none")
    return Found(gathered, problem, version.stamp(Path("data/raw")))


@task(task_run_name="worktree", persist_result=False)
def prepare(name: str, params: Params) -> Worktree:
    """Make the worktree."""
    made = worktree.make(name, [asset for _, asset in params.ingest.assets()])
    if worktree.changed():
        get_run_logger().warning(
            "the checkout has changes that are not committed; the last commit is what is retrained"
        )
    return made


def _on_a_branch(made: Worktree, found: Found, params: Params, now: datetime, why: str) -> dict[str, Any]:
    """Make the data version, the challenger and the decision; return what came of it."""
    with worktree.inside(made):
        begin(Path())
        branch, order = f"satiety/retrain-{now:%Y-%m-%d}", Order([], None, str(runtime.flow_run.name))
        with tracked(order, "retrain") as key:
            branch = write(made, found, branch, why)
            upstream = dvc.before(dvc.stages(), "register")
            run_stages(order, upstream, frozenset(upstream), key)
            fresh = test(found, params)
        promote.with_options(task_run_name="promote")(key)  # which tells MLflow, too, how the run above ended
        decided = artifacts.report("promote")
        message = f"model: {decided['decision']}\n\n{decided['reason']}"
        done = worktree.commit(made, ["dvc.lock", "reports", "plots", f"{places('fresh')[0]}.dvc"], message)
    if decided["decision"] != "promoted":
        left = "its model is not champion"
    else:
        left = _merged(made, branch, upstream) if params.retrain.merge else "retrain.merge is false"
    gathered = found.gathered
    return {
        "decision": decided["decision"],
        "because": decided["reason"],
        "branch": branch,
        "commit": done,
        "worktree": str(made.root),
        "merged": not left,
        "left": left,
        "new": dict(gathered.new),
        "learned": len(gathered.learn),
        "fresh": fresh,
        "texts": len(gathered.texts),
        "of no use": dict(gathered.left),
    }


@task(task_run_name="data version", persist_result=False)
def write(made: Worktree, found: Found, branch: str, why: str) -> str:
    """Write the files, name them in params.yaml, let DVC keep them, and commit; return the branch."""
    files = version.write_version(Path(), found.gathered, found.problem)
    version.name_sources(PARAMS_FILE, version.sources(files, found.problem))
    if files:
        _keep(files)
    free = worktree.begin_branch(made, branch)
    worktree.commit(made, [PARAMS_FILE.name, *(f"{name}.dvc" for name in files)], f"data: {why}")
    return free


@task(task_run_name="fresh test", persist_result=False)
def test(found: Found, params: Params) -> int:
    """Write the fresh test, without what the challenger has learned from; return how many it has."""
    *labelled, retrieved, file = places("train", "dev", "augmented", "retrieved", "fresh")
    learned = [e.text for path in labelled for e in read(path, Example)]
    learned += [document.text for document in read(retrieved, Document)]
    fresh = unlearned(found.gathered.fresh, learned, params.retrain.near_duplicate)
    if fresh:
        version.write_fresh(file, grouped(fresh, tie(fresh, params.ingest.near_group)))
        _keep([str(file)])
    return len(fresh)


def _keep(files: Sequence[str]) -> None:
    execute("data version", [*dvc.DVC, "add", *files], dvc.surroundings())


def _merged(made: Worktree, branch: str, stages: Iterable[str]) -> str:
    """Merge, where nobody is at work in the checkout; return why it was left, if it was."""
    try:
        with alone("pipeline"):
            lock.mend_rwlock(project_root())
            left = worktree.merge(made, branch, stages)
    except SatietyError as error:
        left = str(error)
    if left:
        get_run_logger().warning("%s is not merged: %s", branch, left)
    return left


def _note(path: Path, note: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(note, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    run(retrain)
