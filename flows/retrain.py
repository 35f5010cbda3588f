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

from satiety.core.services import join_services

if __name__ == "__main__":
    join_services()

from prefect import State, flow, get_run_logger, runtime, task  # Prefect reads its settings when it is imported
from prefect.states import Completed, Failed

from flows import artifacts, dvc, lock, worktree
from flows.alerts.hooks import HOOKS
from flows.commands import execute
from flows.pipeline import Order, enter_workspace, limit_lifetime, run, run_stages, track_run
from flows.stages import promote
from flows.stale_runs import hold_flow_lock
from flows.worktree import WORKTREES, Worktree
from satiety.core.errors import SatietyError, SetupError
from satiety.core.files import write_text
from satiety.core.records import Document, Example, read
from satiety.core.section import PARAMS_FILE
from satiety.core.settings import Settings, project_root
from satiety.core.state_files import read_state
from satiety.ingest.split import assign_groups, link
from satiety.params import Params, load_params
from satiety.problems.base import Problem
from satiety.retrain import version
from satiety.retrain.dataset import ExistingData, RetrainingData, exclude_learned, gather
from satiety.retrain.draws import collect_random_ids
from satiety.retrain.recorded_ids import RecordedIds, read_recorded_ids, write_recorded_ids
from satiety.serving.traffic import open_record
from tasks.paths import find_paths
from tasks.stage import begin_pipeline, hold_lock

LAST = WORKTREES / "last.json"
"""What came of the last retraining that ended with a decision."""
SEEN = WORKTREES / "seen.json"
"""And what it saw of the record."""


@dataclass(frozen=True, slots=True)
class RetrainInputs:
    """What there is to retrain on."""

    gathered: RetrainingData
    problem: Problem
    raw: str
    """What tells the files of data/raw/ from others."""

    def find_reason(self, params: Params, last: Mapping[str, Any]) -> str:
        """Return what makes a retraining worth it; nothing where it is not."""
        counts = self.gathered.unseen_counts
        if counts["labels"] >= params.retrain.min_examples:
            return f"{counts['labels']} new labels"
        if params.retrain.texts_alone and counts["texts"]:
            return f"{counts['texts']} new texts"
        return "other files in data/raw" if last.get("raw", self.raw) != self.raw else ""


@flow(name="retrain", persist_result=False, **HOOKS)
def retrain(workspace: str = ".", reason: str = "schedule") -> State[Any] | None:
    """Learn from what is new, on a branch of its own, and let the evidence decide who is champion.

    Args:
        workspace: the folder of a params.yaml and its dvc.yaml.
        reason: what asks for it: the schedule, an event, a person.
    """
    try:
        with limit_lifetime(), enter_workspace(workspace), hold_flow_lock("retrain"):
            return Completed(message=_run_retraining(load_params(PARAMS_FILE), reason))
    except SatietyError as error:
        return Failed(message=str(error))


def _run_retraining(params: Params, reason: str) -> str:
    last, started = read_state(LAST, {}) or {}, datetime.now(UTC)
    inputs = gather_inputs(params, _load_seen(last))
    cause = inputs.find_reason(params, last)
    if not cause:
        label_count = inputs.gathered.unseen_counts["labels"]
        message = (
            f"not worth it yet: {label_count} new labels, and retrain.min_examples is {params.retrain.min_examples}"
        )
        if not last:
            _write_note(LAST, {"raw": inputs.raw})
        return message
    worktree.prune(params.retrain.keep - 1, {path.stem for path in WORKTREES.glob("*.json")})
    name = started.strftime("%Y%m%dT%H%M%S-%f")
    note: dict[str, Any] = {"time": started.isoformat(timespec="seconds"), "reason": reason, "why": cause}
    try:
        note |= _retrain_on_branch(prepare_worktree(name, params), inputs, params, started, cause)
    except Exception as error:
        _write_note(WORKTREES / f"{name}.json", note | {"failed": str(error)})
        raise
    for path in (WORKTREES / f"{name}.json", LAST):
        _write_note(path, note | {"raw": inputs.raw})
    write_recorded_ids(
        SEEN, inputs.gathered.recorded
    )  # last: what is not noted counts as new, which at worst is done twice
    artifacts.publish_retraining(note)
    return f"{note['decision']}: {note['because']}"


def _load_seen(last: Mapping[str, Any]) -> RecordedIds:
    """Return what the last retraining saw."""
    snapshot = read_recorded_ids(SEEN)
    if snapshot is None and "decision" in last:
        get_run_logger().warning("%s: not there, or damaged; all that is on record counts as new", SEEN)
    return snapshot or RecordedIds()


@task(task_run_name="gather", persist_result=False)
def gather_inputs(params: Params, snapshot: RecordedIds) -> RetrainInputs:
    """Read the record and the data of the checkout."""
    train, dev, test, fresh = find_paths("train", "dev", "test", "fresh")
    for name in (version.LABELS, version.TEXTS, fresh):
        if Path(f"{name}.dvc").is_file() and not Path(name).is_file():
            raise SetupError(f"{name}: DVC keeps it, but it is not here; bring it back by `dvc checkout {name}.dvc`")
    problem, traffic = Problem.load(find_paths("problem")[0]), open_record(Settings())
    if traffic is None:
        raise SetupError(
            f"{Path.cwd()}: no project, so no record of what was asked; run in one, or set SATIETY_TRAFFIC"
        )
    labelled = [e for path in (train, dev) for e in read(path, Example)]
    corpus = ExistingData(
        [e for e in labelled if not e.source.startswith(f"{version.LABELS}:")],
        list(read(test, Example)),
        version.read_learned(Path(version.LABELS), problem),
        version.read_fresh(fresh),
    )
    answers = traffic.read(params.register.name)
    corrections = traffic.corrections()
    random = collect_random_ids(traffic.draws().values(), corrections)
    gathered = gather(answers, corrections, problem, corpus, params.retrain, snapshot, random)
    get_run_logger().info("new: %s; of no use: %s", dict(gathered.unseen_counts), dict(gathered.dropped) or "none")
    return RetrainInputs(gathered, problem, version.hash_folder(Path("data/raw")))


@task(task_run_name="worktree", persist_result=False)
def prepare_worktree(name: str, params: Params) -> Worktree:
    """Make the worktree."""
    tree = worktree.make(name, [asset for _, asset in params.ingest.assets()])
    if worktree.has_changes():
        get_run_logger().warning(
            "the checkout has changes that are not committed; the last commit is what is retrained"
        )
    return tree


def _retrain_on_branch(
    tree: Worktree, inputs: RetrainInputs, params: Params, started: datetime, cause: str
) -> dict[str, Any]:
    """Make the data version, the challenger and the decision; return what came of it."""
    with worktree.enter(tree):
        begin_pipeline(Path())
        branch, order = f"satiety/retrain-{started:%Y-%m-%d}", Order([], None, str(runtime.flow_run.name))
        with track_run(order, "retrain") as key:
            branch = write_data_version(tree, inputs, branch, cause)
            upstream = dvc.select_upstream(dvc.read_stages(), "register")
            run_stages(order, upstream, frozenset(upstream), key)
            fresh = write_fresh_test(inputs, params)
        promote.with_options(task_run_name="promote")(key)  # which tells MLflow, too, how the run above ended
        decision = artifacts.read_report("promote")
        message = f"model: {decision['decision']}\n\n{decision['reason']}"
        commit = worktree.commit(tree, ["dvc.lock", "reports", "plots", f"{find_paths('fresh')[0]}.dvc"], message)
    if decision["decision"] != "promoted":
        obstacle = "its model is not champion"
    else:
        obstacle = _merge_branch(tree, branch, upstream) if params.retrain.merge else "retrain.merge is false"
    gathered = inputs.gathered
    return {
        "decision": decision["decision"],
        "because": decision["reason"],
        "branch": branch,
        "commit": commit,
        "worktree": str(tree.root),
        "merged": not obstacle,
        "left": obstacle,
        "new": dict(gathered.unseen_counts),
        "learned": len(gathered.learn),
        "fresh": fresh,
        "texts": len(gathered.texts),
        "of no use": dict(gathered.dropped),
    }


@task(task_run_name="data version", persist_result=False)
def write_data_version(tree: Worktree, inputs: RetrainInputs, branch: str, cause: str) -> str:
    """Write the files, name them in params.yaml, let DVC keep them, and commit; return the branch."""
    files = version.write_version(Path(), inputs.gathered, inputs.problem)
    version.add_sources(PARAMS_FILE, version.list_sources(files, inputs.problem))
    if files:
        _add_to_dvc(files)
    branch_name = worktree.begin_branch(tree, branch)
    worktree.commit(tree, [PARAMS_FILE.name, *(f"{name}.dvc" for name in files)], f"data: {cause}")
    return branch_name


@task(task_run_name="fresh test", persist_result=False)
def write_fresh_test(inputs: RetrainInputs, params: Params) -> int:
    """Write the fresh test, without what the challenger has learned from; return how many it has."""
    *labelled, retrieved, file = find_paths("train", "dev", "augmented", "retrieved", "fresh")
    texts = [e.text for path in labelled for e in read(path, Example)]
    texts += [document.text for document in read(retrieved, Document)]
    fresh = exclude_learned(inputs.gathered.fresh, texts, params.retrain.dedup_threshold)
    if fresh:
        version.write_fresh(file, assign_groups(fresh, link(fresh, params.ingest.group_similarity)))
        _add_to_dvc([str(file)])
    return len(fresh)


def _add_to_dvc(files: Sequence[str]) -> None:
    execute("data version", [*dvc.DVC, "add", *files], dvc.build_environment())


def _merge_branch(tree: Worktree, branch: str, stages: Iterable[str]) -> str:
    """Merge, where nobody is at work in the checkout; return why it was left, if it was."""
    try:
        with hold_lock("pipeline"):
            lock.repair_rwlock(project_root())
            obstacle = worktree.merge(tree, branch, stages)
    except SatietyError as error:
        obstacle = str(error)
    if obstacle:
        get_run_logger().warning("%s is not merged: %s", branch, obstacle)
    return obstacle


def _write_note(path: Path, note: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(note, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    run(retrain)
