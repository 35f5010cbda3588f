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
KEPT = ("SATIETY_DEVICE", "SATIETY_PROCESSES")
IDENTITY = ("-c", "user.name=A year", "-c", "user.email=year@localhost", "-c", "commit.gpgsign=false")
LEASH = (sys.executable, "-m", "tasks.pdeathsig")
TAIL = 3000
"""Characters of what a command said that its error shows."""


def alone() -> None:
    """Forget, in this process and its children, what would lead out of the copy."""
    for name in [one for one in os.environ if one.startswith(PRIVATE) and one not in KEPT]:
        del os.environ[name]
    os.environ |= {"SATIETY_JOIN": "false", "DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


@dataclass(frozen=True, slots=True)
class Copy:
    """A project that a champion is at work in."""

    root: Path
    around: Mapping[str, str]
    """What else its commands find in their environment."""

    def run(self, *command: str) -> str:
        """Run a command in the copy, with the copy's code; return what it said.

        Raises:
            SatietyError: it failed.
        """
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        env = {**os.environ, "PATH": path, "PYTHONPATH": str(self.root), **self.around}
        done = subprocess.run(command, cwd=self.root, env=env, text=True, capture_output=True, check=False)
        if done.returncode:
            said = (done.stdout + done.stderr).strip()[-TAIL:]
            raise SatietyError(f"{self.root}: `{' '.join(command)}` ended with code {done.returncode}:\n{said}")
        return done.stdout

    def module(self, name: str) -> str:
        """Run a module of the copy's; whoever is killed leaves none at work."""
        return self.run(*LEASH, str(os.getpid()), sys.executable, "-m", name)

    def report(self, name: str) -> dict[str, Any]:
        """Return what a stage, or `monitor`, reported."""
        found: dict[str, Any] = json.loads((self.root / "reports" / f"{name}.json").read_text(encoding="utf-8"))
        return found


def clone(project: Path, root: Path) -> Copy:
    """Make the copy of the last commit; what was there of an earlier year goes.

    Raises:
        SatietyError: there is something else there, or git fails.
    """
    if root.exists() and not (root / "dvc.yaml").is_file():
        raise SatietyError(f"{root}: is there already, and no copy of a project; name another folder")
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    Copy(root.parent, {}).run("git", "clone", "--quiet", str(project), str(root))
    return Copy(root, {})


def divided(params: Ingest, raw: Path, seed: int) -> tuple[list[Example], list[Example]]:
    """Return the labelled texts of the project, those of test marked so, and the rest: what the world will ask.

    It is the division of `ingest`, with another seed: the world asks what the labels of which stay hidden.
    """
    from satiety.ingest.duplicates import drop_duplicates, resolve_conflicts
    from satiety.ingest.load import load
    from satiety.ingest.split import divide, link

    read = load(params.labelled, [], params.problem, params.limits, params.mask, raw)
    single, _, _ = drop_duplicates(
        resolve_conflicts(read.examples, params.conflicts)[0], [], {}, params.dedup_threshold
    )
    sizes: dict[str, Any] = {"test": params.test, "budget": params.budget, "dev": params.dev}
    ties, stratum = link(single, params.group_similarity), params.problem.fit_labels(single).stratum
    made = divide(single, ties, {}, stratum, seed=seed, **sizes)
    hidden = {document.id for document in made.hidden}
    rest = [one for one in single if one.id in hidden]
    random.Random(seed).shuffle(rest)
    return made.examples, rest


def changed(params: dict[str, Any], by: Mapping[str, Any]) -> dict[str, Any]:
    """Return params with ``block.field`` values of their own.

    Raises:
        SatietyError: what is to hold the field is a plain value, or a list.
    """
    made = deepcopy(params)
    for where, value in by.items():
        *blocks, field = where.split(".")
        inner = made
        for block in blocks:
            inner = inner.setdefault(block, {})
            if not isinstance(inner, dict):
                raise SatietyError(f"year.yaml: params: {where}: {PARAMS_FILE} has no such block")
        inner[field] = value
    return made


def settle(copy: Copy, params: dict[str, Any], examples: Sequence[Example]) -> None:
    """Give the copy its labelled texts as files of its own, and its params."""
    raw, columns, sources = copy.root / "data" / "raw", {"text": "text", "label": "label"}, []
    for name, bound in (("labelled", None), ("test", "test")):
        rows = [
            {"text": one.text, "label": str(one.answer)} for one in examples if (one.split == "test") == bool(bound)
        ]
        write_text(raw / f"{name}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        file = {"uri": f"file:data/raw/{name}.jsonl", "sha256": None, "reader": {"kind": "jsonl"}}
        sources.append(file | {"columns": columns, "split": bound})
    text = yaml.safe_dump(changed(params, {"ingest.labelled": sources}), allow_unicode=True, sort_keys=False)
    write_text(copy.root / PARAMS_FILE, text)


def first_champion(copy: Copy) -> None:
    """Make a model, promote it, and commit: what a retraining begins from."""
    copy.run("satiety", "check")
    copy.run("satiety", "workspace", str(PARAMS_FILE))
    copy.run("dvc", "--wait-for-lock", "repro", "register")  # the meter is left out: it has no part in the year
    copy.module("tasks.promote")
    copy.run("git", "add", "--all")
    copy.run("git", *IDENTITY, "commit", "--quiet", "--no-verify", "-m", "the first champion")
