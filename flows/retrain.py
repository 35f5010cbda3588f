"""Flow `retrain`: train a challenger on corrections and new labels, on a branch, and decide whether it is promoted.

python -m flows.retrain        in the folder of a params.yaml; needs no server

    traffic ─▶ labels, fresh test set, texts ─▶ worktree of the last commit ─▶ stages ─▶ promote ─▶ branch and note

The checkout is read-only, and the champion stays if anything fails.
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

from flows import artifacts, dvc, recovery, worktree
from flows.alerts.hooks import HOOKS
from flows.commands import enter_workspace, execute
from flows.concurrency import hold_flow_lock
from flows.pipeline import RunOptions, run, run_stages, track_run
from flows.stages import promote
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

LAST_RUN = WORKTREES / "last.json"
"""Note of the last retraining that ended with a decision."""
SEEN_IDS = WORKTREES / "seen.json"
"""Ids that it read from the traffic record."""


@dataclass(frozen=True, slots=True)
class RetrainInputs:
    """New data since the last retraining."""

    gathered: RetrainingData
    problem: Problem
    raw_data_digest: str
    """Hash of the files in data/raw/."""

    def find_cause(self, params: Params, last: Mapping[str, Any]) -> str:
        """Return the cause of a retraining, or "" if there is too little new data."""
        counts = self.gathered.unseen_counts
        if counts["labels"] >= params.retrain.min_examples:
            return f"{counts['labels']} new labels"
        if params.retrain.texts_alone and counts["texts"]:
            return f"{counts['texts']} new texts"
        return "changed files in data/raw" if last.get("raw", self.raw_data_digest) != self.raw_data_digest else ""


@flow(name="retrain", persist_result=False, **HOOKS)
def retrain(workspace: str = ".", reason: str = "schedule") -> State[Any] | None:
    """Retrain on new data, on a new branch, and promote the model if the evidence is sufficient.

    Args:
        workspace: folder of a params.yaml and its dvc.yaml.
        reason: trigger of the run: the schedule, an event or a person.
    """
    try:
        with enter_workspace(workspace), hold_flow_lock("retrain"):
            return Completed(message=_run_retraining(load_params(PARAMS_FILE), reason))
    except SatietyError as error:
        return Failed(message=str(error))


def _run_retraining(params: Params, reason: str) -> str:
    last_run, started = read_state(LAST_RUN, {}) or {}, datetime.now(UTC)
    seen_ids = read_recorded_ids(SEEN_IDS)
    if seen_ids is None and "decision" in last_run:
        get_run_logger().warning("%s: missing or damaged, so every recorded prediction counts as new", SEEN_IDS)
    inputs = gather_inputs(params, seen_ids or RecordedIds())
    cause = inputs.find_cause(params, last_run)
    if not cause:
        if not last_run:
            _write_note(LAST_RUN, {"raw": inputs.raw_data_digest})
        label_count = inputs.gathered.unseen_counts["labels"]
        return f"not retrained: {label_count} new labels, retrain.min_examples is {params.retrain.min_examples}"

    worktree.prune(params.retrain.keep - 1, {path.stem for path in WORKTREES.glob("*.json")})
    name = started.strftime("%Y%m%dT%H%M%S-%f")
    record: dict[str, Any] = {"time": started.isoformat(timespec="seconds"), "trigger": reason, "cause": cause}
    try:
        record |= _retrain_on_branch(prepare_worktree(name, params), inputs, params, started, cause)
    except Exception as error:
        _write_note(WORKTREES / f"{name}.json", record | {"failed": str(error)})
        raise
    for path in (WORKTREES / f"{name}.json", LAST_RUN):
        _write_note(path, record | {"raw": inputs.raw_data_digest})
    # Last: after a crash before this line, the same data counts as new again and is retrained twice at worst.
    write_recorded_ids(SEEN_IDS, inputs.gathered.recorded)
    artifacts.publish_retraining(record)
    return f"{record['decision']}: {record['decision_reason']}"


@task(task_run_name="gather", persist_result=False)
def gather_inputs(params: Params, snapshot: RecordedIds) -> RetrainInputs:
    """Read the recorded traffic and the data of the checkout; return what is new since the snapshot."""
    train, dev, test, fresh = find_paths("train", "dev", "test", "fresh")
    for name in (version.LABELS, version.TEXTS, fresh):
        if Path(f"{name}.dvc").is_file() and not Path(name).is_file():
            raise SetupError(f"{name}: missing, but tracked by DVC; restore it with `dvc checkout {name}.dvc`")
    problem, traffic = Problem.load(find_paths("problem")[0]), open_record(Settings())
    if traffic is None:
        raise SetupError(
            f"{Path.cwd()}: not in a project, so no predictions are recorded; change to one, or set SATIETY_TRAFFIC"
        )
    labelled = [e for path in (train, dev) for e in read(path, Example)]
    existing = ExistingData(
        [e for e in labelled if not e.source.startswith(f"{version.LABELS}:")],
        list(read(test, Example)),
        version.read_training_labels(Path(version.LABELS), problem),
        version.read_fresh(fresh),
    )
    answers = traffic.read(params.register.name)
    corrections = traffic.corrections()
    random_ids = collect_random_ids(traffic.draws().values(), corrections)
    gathered = gather(answers, corrections, problem, existing, params.retrain, snapshot, random_ids)
    get_run_logger().info("new: %s; dropped: %s", dict(gathered.unseen_counts), dict(gathered.dropped) or "none")
    return RetrainInputs(gathered, problem, version.hash_folder(Path("data/raw")))


@task(task_run_name="worktree", persist_result=False)
def prepare_worktree(name: str, params: Params) -> Worktree:
    """Create the worktree."""
    tree = worktree.make(name, [asset for _, asset in params.ingest.assets()])
    if worktree.has_changes():
        get_run_logger().warning("uncommitted changes are ignored: the retraining starts from the last commit")
    return tree


def _retrain_on_branch(
    tree: Worktree, inputs: RetrainInputs, params: Params, started: datetime, cause: str
) -> dict[str, Any]:
    """Create the data version, train the challenger and decide about promotion; return the note of the run."""
    with worktree.enter(tree):
        begin_pipeline(Path())
        branch, options = f"satiety/retrain-{started:%Y-%m-%d}", RunOptions([], None, str(runtime.flow_run.name))
        with track_run(options, "retrain") as key:
            branch = write_data_version(tree, inputs, branch, cause)
            upstream = dvc.select_upstream(dvc.read_stages(), "register")
            run_stages(options, upstream, frozenset(upstream), key)
            fresh = write_fresh_test(inputs, params)
        promote.with_options(task_run_name="promote")(key)  # which also reports the end of the parent run to MLflow
        decision = artifacts.read_report("promote")
        message = f"model: {decision['decision']}\n\n{decision['reason']}"
        commit = worktree.commit(tree, ["dvc.lock", "reports", "plots", f"{find_paths('fresh')[0]}.dvc"], message)
    if decision["decision"] != "promoted":
        obstacle = "its model was not promoted"
    else:
        obstacle = _merge_branch(tree, branch, upstream) if params.retrain.merge else "retrain.merge is false"
    gathered = inputs.gathered
    return {
        "decision": decision["decision"],
        "decision_reason": decision["reason"],
        "branch": branch,
        "commit": commit,
        "worktree": str(tree.root),
        "merged": not obstacle,
        "not_merged_because": obstacle,
        "new": dict(gathered.unseen_counts),
        "trained_on": len(gathered.learn),
        "fresh": fresh,
        "texts": len(gathered.texts),
        "dropped": dict(gathered.dropped),
    }


@task(task_run_name="data version", persist_result=False)
def write_data_version(tree: Worktree, inputs: RetrainInputs, branch: str, cause: str) -> str:
    """Write the data files, add them to params.yaml and DVC, and commit; return the branch."""
    files = version.write_version(Path(), inputs.gathered, inputs.problem)
    version.add_sources(PARAMS_FILE, version.list_sources(files, inputs.problem))
    if files:
        _add_to_dvc(files)
    branch_name = worktree.begin_branch(tree, branch)
    worktree.commit(tree, [PARAMS_FILE.name, *(f"{name}.dvc" for name in files)], f"data: {cause}")
    return branch_name


@task(task_run_name="fresh test", persist_result=False)
def write_fresh_test(inputs: RetrainInputs, params: Params) -> int:
    """Write the fresh test set without near-duplicates of the training data; return its number of examples."""
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
    """Merge the branch into the checkout unless a flow runs there; return why it was not merged, or ""."""
    try:
        with hold_lock("pipeline"):
            recovery.repair_rwlock(project_root())
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
