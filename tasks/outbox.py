"""A stage, or a flow above stages -> a folder ``.satiety/outbox/<key>/`` that `publish.py` sends to MLflow.

    run.json      what the run is, its status and its end; replaced in one step
    curve.jsonl   points of curves, a line each, appended while the stage runs
    artifacts/    copies of the report, the plots and other small files
    alive.lock    held by the process of the run; the kernel releases it when the process dies

The folder's name is the run's *key*: MLflow keeps it as a tag, and stages name their parent by it before MLflow has
either of them. So no stage imports MLflow, and none fails because MLflow is down.
"""

import hashlib
import json
import logging
import os
import posixpath
import re
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from satiety.core.errors import SetupError
from satiety.core.files import name_temporary, remove, remove_stale, translate_errors, write_atomically, write_text
from satiety.core.secrets import redact_secrets
from satiety.core.section import PARAMS_FILE, read_yaml
from satiety.core.settings import Settings, project_root
from satiety.core.state import STATE, prepare_state
from satiety.core.state_files import read_state

OUTBOX = STATE / "outbox"
RUN, CURVE, ARTIFACTS, ALIVE = "run.json", "curve.jsonl", "artifacts", "alive.lock"
PIPELINE = STATE / "pipeline.json"
"""The newest run of the whole pipeline in this workspace: its key, and the `dvc` command that it is."""
MAX_ARTIFACT_BYTES, MAX_RUN_BYTES = 2**22, 2**25
"""Maximum bytes of one artifact, and of all artifacts of a run. DVC stores the data; MLflow stores what people read."""
MAX_NAME_LENGTH = 120
"""Maximum length of a metric's name: a thousand of them then fit into one request to MLflow."""
_PLUS = re.compile(r"(?<=[\w-])\+(?=[\w-])")
"""The sign between the levers of a set, as in ``augment+retrieve``."""
_REFUSED_CHARACTERS = re.compile(r"[^\w./ -]")
"""Characters that MLflow refuses in a metric's name."""
_NO_KEY_CHARACTERS = re.compile(r"[^\w-]")
log = logging.getLogger(__name__)


class Run:
    """An open run: the folder it writes to, and the record that becomes ``run.json``."""

    def __init__(self, key: str, record: dict[str, Any]) -> None:
        self.key, self.record = key, record
        self.folder = OUTBOX / key
        self._remaining_bytes = MAX_RUN_BYTES

    def log_metric(self, name: str, value: float, step: int = 0) -> None:
        """Append one point of a curve; a kill leaves at most an unfinished last line, which is never published."""
        point = {"name": name, "value": value, "step": step, "time": current_milliseconds()}
        content, path = (json.dumps(point, ensure_ascii=False) + "\n").encode(), self.folder / CURVE
        with translate_errors(path), path.open("ab", buffering=0) as file:
            while content:
                content = content[file.write(content) :]

    def log_input(self, name: str, *, digest: str, uri: str, rows: int | None = None) -> None:
        """Add a data set that the run reads: its name, the SHA-256 of its bytes, and their address."""
        self.record["inputs"].append({"name": name, "digest": digest, "uri": redact_secrets(uri), "rows": rows})
        if name == "train":
            self.record["tags"]["data revision"] = digest[:12]
        self._save()

    def log_artifact(self, path: Path) -> None:
        """Copy a file, or the files of a folder, in their current state; those that are too large are left out."""
        files = [path] if path.is_file() else sorted(child for child in path.rglob("*") if child.is_file())
        base = Path() if not path.is_absolute() and ".." not in path.parts else path.parent
        for file in files:
            size = file.stat().st_size
            if size > min(MAX_ARTIFACT_BYTES, self._remaining_bytes):
                log.info("%s: not copied to the run, %s bytes are too many for an artifact", file, f"{size:,}")
                continue
            self._remaining_bytes -= size
            self._copy(file, file.relative_to(base).as_posix())

    def log_report(self, path: Path) -> None:
        """Copy the report regardless of its size: its numbers become the run's metrics."""
        self._copy(path, path.as_posix())
        self.record["report"] = path.as_posix()

    def end(self, status: str) -> None:
        """Write how the run ended: ``FINISHED``, ``FAILED`` or ``KILLED``."""
        self.record |= {"status": status, "end": current_milliseconds()}
        with suppress(FileNotFoundError), (self.folder / CURVE).open("rb") as file:
            os.fsync(file.fileno())
        self._save()

    def _copy(self, file: Path, name: str) -> None:
        with write_atomically(self.folder / ARTIFACTS / name) as temporary:
            shutil.copyfile(file, temporary)

    def _save(self) -> None:
        write_text(self.folder / RUN, json.dumps(self.record, ensure_ascii=False))


def track_run(
    stage: str, params: Mapping[str, str], *, parent: str | None = None, description: str = ""
) -> AbstractContextManager[Run]:
    """Open the folder of a stage's run; mark the run failed or killed if the block raises."""
    tags = {"stage": stage, "mlflow.note.content": description, **_describe_source(sys.orig_argv)}
    return _open_run(stage, stage, params, tags, parent)


@contextmanager
def track_pipeline(flow: str, params: Mapping[str, str]) -> Iterator[Run]:
    """Open the folder of a flow's run; stages whose `SATIETY_PARENT_RUN` is its key are its children."""
    with _open_run(flow, "", params, {"flow": flow, **_describe_source(sys.orig_argv)}) as run:
        write_text(PIPELINE, json.dumps({"key": run.key, "command": flow}))
        yield run


def find_parent(stage: str) -> str | None:
    """Return the key of the run that a stage belongs to: a flow's, or that of the `dvc` command which runs the stage.

    The first stage of a `dvc` command creates that run; its end and its scores come from its stages. `promote` decides
    about the model of the newest such run, and belongs to that run.
    """
    note = read_state(PIPELINE, {"key": str, "command": str})
    if Settings().parent_run or "DVC_STAGE" not in os.environ:
        return Settings().parent_run or (note["key"] if note and stage == "promote" else None)
    import psutil

    dvc = psutil.Process(os.getppid())
    command = f"{dvc.pid} {dvc.create_time()} {os.environ.get('DVC_EXP_NAME', '')}"
    if note and note["command"] == command:
        return str(note["key"])
    with _open_run("pipeline", "", {}, {"flow": "dvc", **_describe_source(dvc.cmdline())}) as run:
        write_text(PIPELINE, json.dumps({"key": run.key, "command": command}))
    return run.key


@contextmanager
def _open_run(
    kind: str, name: str, params: Mapping[str, str], tags: Mapping[str, str], parent: str | None = None
) -> Iterator[Run]:
    """Open a run; without a name it is named after the model in params.yaml and the time."""
    prepare_state()
    key = f"{time.time_ns()}-{_NO_KEY_CHARACTERS.sub('_', kind)[:MAX_NAME_LENGTH]}-{uuid.uuid4().hex[:8]}"
    project = read_yaml(PARAMS_FILE) if PARAMS_FILE.is_file() else {}
    model, problem = (_look_up(project, *keys) for keys in (("register", "name"), ("ingest", "problem", "kind")))
    workspace = str(Path.cwd().relative_to(project_root()))
    tags = {"workspace": workspace, "problem": problem, **tags}
    record: dict[str, Any] = {
        "name": name or f"{model or kind} {time.strftime('%Y-%m-%d %H:%M')}",
        "parent": parent,
        "ends_parent": "DVC_STAGE" in os.environ and not Settings().parent_run,
        "tags": {tag: value for tag, value in tags.items() if value},
        "params": {field: redact_secrets(value) for field, value in params.items()},
        "inputs": [],
        "report": None,
        "status": "RUNNING",
        "end": None,
    }
    with _make_folder(Run(key, record)) as run:
        try:
            yield run
        except BaseException as error:
            with suppress(SetupError):  # the first error matters more; a run without an end is published as killed
                run.end("KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED")
            raise
        run.end("FINISHED")


@contextmanager
def _make_folder(run: Run) -> Iterator[Run]:
    """Create the folder under a temporary name and lock it, so that the publisher never sees it unlocked."""
    temporary = name_temporary(run.folder)
    lock = FileLock(temporary / ALIVE)
    try:
        with translate_errors(run.folder):
            for folder in list(OUTBOX.glob("**/")):
                remove_stale(folder)  # temporary files of killed processes, also inside the folders of their runs
            temporary.mkdir(parents=True)
            lock.acquire()
            write_text(temporary / RUN, json.dumps(run.record, ensure_ascii=False))
            temporary.rename(run.folder)
        yield run
    finally:
        lock.release()
        remove(temporary)


def parse_key(key: str) -> tuple[int, str]:
    """Return the start of a run in milliseconds, and the stage or flow that it is a run of."""
    start, _, remainder = key.partition("-")
    return int(start) // 1_000_000, remainder.rpartition("-")[0]


def map_to_mlflow_names(names: Collection[str]) -> dict[str, str]:
    """Return for each name one that MLflow accepts; ``augment+retrieve`` becomes ``augment and retrieve``.

    Six digits of a hash follow only where the name is too long, nothing remains of it, or two would be equal.
    """
    cleaned = {name: posixpath.normpath(_REFUSED_CHARACTERS.sub("_", spell_plus(name))).lstrip("/.") for name in names}
    counts = Counter(cleaned.values())
    return {
        name: text
        if 0 < len(text) <= MAX_NAME_LENGTH and (text == name or counts[text] == 1)
        else f"{text[: MAX_NAME_LENGTH - 7]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
        for name, text in cleaned.items()
    }


def spell_plus(name: str) -> str:
    """Return the name of a lever set with "and" between its levers."""
    return _PLUS.sub(" and ", name)


def current_milliseconds() -> int:
    """Return the time in milliseconds, the unit of MLflow's times."""
    return int(time.time() * 1000)


def run_git(*words: str) -> str:
    """Return the output of a git command; empty if it fails or git is not installed."""
    with suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607
    return ""


def _describe_source(command: list[str]) -> dict[str, str]:
    """Return MLflow's tags of the source: the command without its interpreter's folder, and the commit."""
    first = next((i for i, word in enumerate(command) if Path(word).name == "dvc"), 0)
    words = [Path(command[first]).name, *command[first + 1 :]]
    name = redact_secrets(shlex.join(words))
    return {
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": name,
        "mlflow.source.git.commit": run_git("rev-parse", "HEAD"),
    }


def _look_up(params: Any, *keys: str) -> str:
    """Return a text of params.yaml; empty if it is missing."""
    for key in keys:
        params = params.get(key) if isinstance(params, Mapping) else None
    return params if isinstance(params, str) else ""
