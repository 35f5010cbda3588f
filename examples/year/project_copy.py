"""The project's last commit -> a copy with a git, a DVC, a registry and a record of its own, and a first champion.

Whatever happens in the year happens there: nothing of the user's is read but the commit, nothing written.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from satiety.core.errors import SatietyError
from satiety.core.files import write_text
from satiety.core.records import Example
from satiety.core.section import PARAMS_FILE
from satiety.ingest import Ingest

PRIVATE = ("SATIETY_", "MLFLOW_", "PREFECT_", "DVC_", "GIT_")
"""Variables that would lead out of the copy, to services, records or repositories of the user's."""
ALLOWED = ("SATIETY_DEVICE", "SATIETY_PROCESSES")
IDENTITY = ("-c", "user.name=A year", "-c", "user.email=year@localhost", "-c", "commit.gpgsign=false")
PDEATHSIG = (sys.executable, "-m", "tasks.pdeathsig")
TAIL = 3000
"""Characters of what a command said that its error shows."""


def isolate_environment() -> None:
    """Forget, in this process and its children, what would lead out of the copy."""
    for name in [variable for variable in os.environ if variable.startswith(PRIVATE) and variable not in ALLOWED]:
        del os.environ[name]
    os.environ |= {"SATIETY_JOIN": "false", "DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


@dataclass(frozen=True, slots=True)
class ProjectCopy:
    """A project that a champion is at work in."""

    root: Path
    environment: Mapping[str, str]
    """What else its commands find in their environment."""

    def run(self, *command: str) -> str:
        """Run a command in the copy, with the copy's code; return what it said.

        Raises:
            SatietyError: it failed.
        """
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        env = {**os.environ, "PATH": path, "PYTHONPATH": str(self.root), **self.environment}
        process = subprocess.run(command, cwd=self.root, env=env, text=True, capture_output=True, check=False)
        if process.returncode:
            output = (process.stdout + process.stderr).strip()[-TAIL:]
            raise SatietyError(f"{self.root}: `{' '.join(command)}` ended with code {process.returncode}:\n{output}")
        return process.stdout

    def module(self, name: str) -> str:
        """Run a module of the copy; it ends if this process is killed."""
        return self.run(*PDEATHSIG, str(os.getpid()), sys.executable, "-m", name)

    def report(self, name: str) -> dict[str, Any]:
        """Return what a stage, or `monitor`, reported."""
        values: dict[str, Any] = json.loads((self.root / "reports" / f"{name}.json").read_text(encoding="utf-8"))
        return values


def clone(project: Path, root: Path) -> ProjectCopy:
    """Make the copy of the last commit; what was there of an earlier year goes.

    Raises:
        SatietyError: there is something else there, or git fails.
    """
    if root.exists() and not (root / "dvc.yaml").is_file():
        raise SatietyError(f"{root}: is there already, and no copy of a project; name another folder")
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    ProjectCopy(root.parent, {}).run("git", "clone", "--quiet", str(project), str(root))
    return ProjectCopy(root, {})


def divide_labels(params: Ingest, raw: Path, seed: int) -> tuple[list[Example], list[Example]]:
    """Return the labelled texts of the project, those of test marked so, and the others, which are the traffic.

    It is the division of `ingest`, with another seed: the traffic consists of the texts whose labels stay hidden.
    """
    from satiety.ingest.duplicates import drop_duplicates, resolve_conflicts
    from satiety.ingest.load import load
    from satiety.ingest.split import divide, link

    loaded = load(params.labelled, [], params.problem, params.limits, params.mask, raw)
    unique, _, _ = drop_duplicates(
        resolve_conflicts(loaded.examples, params.conflicts)[0], [], {}, params.dedup_threshold
    )
    sizes: dict[str, Any] = {"test": params.test, "budget": params.budget, "dev": params.dev}
    ties, stratum = link(unique, params.group_similarity), params.problem.fit_labels(unique).stratum
    division = divide(unique, ties, {}, stratum, seed=seed, **sizes)
    hidden = {document.id for document in division.hidden}
    traffic = [example for example in unique if example.id in hidden]
    random.Random(seed).shuffle(traffic)
    return division.examples, traffic


def override_params(params: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return params with ``block.field`` values of their own.

    Raises:
        SatietyError: what is to hold the field is a plain value, or a list.
    """
    updated = deepcopy(params)
    for path, value in overrides.items():
        *blocks, field = path.split(".")
        inner = updated
        for block in blocks:
            inner = inner.setdefault(block, {})
            if not isinstance(inner, dict):
                raise SatietyError(f"year.yaml: params: {path}: {PARAMS_FILE} has no such block")
        inner[field] = value
    return updated


def write_inputs(copy: ProjectCopy, params: dict[str, Any], examples: Sequence[Example]) -> None:
    """Give the copy its labelled texts as files of its own, and its params."""
    raw, columns, sources = copy.root / "data" / "raw", {"text": "text", "label": "label"}, []
    for name, bound in (("labelled", None), ("test", "test")):
        rows = [
            {"text": example.text, "label": str(example.answer)}
            for example in examples
            if (example.split == "test") == bool(bound)
        ]
        write_text(raw / f"{name}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        file = {"uri": f"file:data/raw/{name}.jsonl", "sha256": None, "reader": {"kind": "jsonl"}}
        sources.append(file | {"columns": columns, "split": bound})
    text = yaml.safe_dump(override_params(params, {"ingest.labelled": sources}), allow_unicode=True, sort_keys=False)
    write_text(copy.root / PARAMS_FILE, text)


def first_champion(copy: ProjectCopy) -> None:
    """Make a model, promote it, and commit: what a retraining begins from."""
    copy.run("satiety", "check")
    copy.run("satiety", "workspace", str(PARAMS_FILE))
    copy.run("dvc", "--wait-for-lock", "repro", "register")  # the meter is left out: it has no part in the year
    copy.module("tasks.promote")
    copy.run("git", "add", "--all")
    copy.run("git", *IDENTITY, "commit", "--quiet", "--no-verify", "-m", "the first champion")
