"""What DVC knows, for flows: the stages and who reads whose outs, what is stale, and the command that runs a stage."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows import lock
from satiety.core.errors import SatietyError, SetupError
from satiety.core.section import read_yaml

DVC = ("dvc", "--wait-for-lock")
Upstream = Mapping[str, frozenset[str]]
"""Stages in the order of the file, and of each those whose outs it reads."""
FILE = Path("dvc.yaml")


class DvcError(SatietyError):
    """DVC could not say what is to be done."""


def read_stages() -> Upstream:
    """Return the stages in file order, which is run order, and of each those whose outs it reads.

    Raises:
        SetupError: there is no dvc.yaml here.
    """
    if not FILE.is_file():
        raise SetupError(f"{Path.cwd()}: holds no {FILE}; run from the project's root, or `satiety workspace` first")
    content = read_yaml(FILE)
    names = {name: value for block in content.get("vars", []) for name, value in block.items()}
    producers: dict[str, str] = {}
    upstream: dict[str, frozenset[str]] = {}
    for stage, block in content["stages"].items():
        deps = _resolve_paths(block.get("deps", ()), names)
        upstream[stage] = frozenset(producers[path] for path in producers if any(_overlap(path, dep) for dep in deps))
        for kind in ("outs", "metrics", "plots"):
            producers |= dict.fromkeys(_resolve_paths(block.get(kind, ()), names), stage)
    return upstream


def find_stale(upstream: Upstream) -> frozenset[str]:
    """Return the stages that DVC will not leave alone: what changed, and all that may change with it."""
    if not lock.FILE.is_file():
        return frozenset(upstream)  # nothing ran here yet: DVC need not be asked
    command = [*DVC, "status", "--json", str(FILE)]
    process = subprocess.run(command, env=build_environment(), capture_output=True, text=True, check=False)
    if process.returncode:
        raise DvcError(f"`dvc status` ended with code {process.returncode}:\n{process.stderr.strip()}")
    changed: set[str] = set(json.loads(process.stdout or "{}"))
    for stage, parents in upstream.items():
        if parents & changed:
            changed.add(stage)
    return frozenset(changed)


def select_upstream(upstream: Upstream, stage: str) -> Upstream:
    """Return the stages that one rests on, and it, in order."""
    required = {stage}
    for name in reversed(list(upstream)):
        if name in required:
            required |= upstream[name]
    return {name: parents for name, parents in upstream.items() if name in required}


def build_repro_command(stage: str) -> list[str]:
    """Return the command that reproduces one stage, if anything it depends on changed: that DVC decides."""
    return [*DVC, "repro", "--single-item", stage]


def build_environment(parent: str = "") -> dict[str, str]:
    """Return an environment with the programs of this one first, for DVC runs `python` by name; and the run above."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"} | ({"SATIETY_PARENT_RUN": parent} if parent else {})


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs one of our modules."""
    return [sys.executable, "-m", module, *arguments]


def _resolve_paths(entries: Sequence[str | Mapping[str, Any]], names: Mapping[str, str]) -> list[str]:
    """Return the paths of deps or outs, with their options left off and `${names}` filled in."""
    templates = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
    return [Path(re.sub(r"\$\{(\w+)\}", lambda m: str(names[m[1]]), entry)).as_posix() for entry in templates]


def _overlap(first: str, second: str) -> bool:
    """Return whether a path is another, or lies in it, or the other way round."""
    return first == second or first.startswith(f"{second}/") or second.startswith(f"{first}/")
