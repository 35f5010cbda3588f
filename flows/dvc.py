"""Query DVC and build its commands: the stages, their dependencies, what is stale, and how to run a stage.

A run with overrides is one DVC experiment:

    dvc exp run --single-item <first stage> -S ++section.field=value …   writes them into params.yaml, runs the stage
    dvc repro --single-item …                                          runs the other stages, as in any run
    dvc exp save                                                       saves the results as one experiment
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.recovery import DVC_LOCK
from satiety.core.errors import SatietyError, SetupError
from satiety.core.section import PARAMS_FILE, read_yaml

DVC = ("dvc", "--wait-for-lock")
Upstream = Mapping[str, frozenset[str]]
"""Stages in file order, each with the stages whose outs it reads."""
FILE = Path("dvc.yaml")


class DvcError(SatietyError):
    """`dvc status` failed."""


def read_stages() -> Upstream:
    """Return the stages in file order, each with the stages whose outs it reads; these stand above it.

    Raises:
        SetupError: the current folder has no dvc.yaml.
    """
    if not FILE.is_file():
        raise SetupError(f"{Path.cwd()}: no {FILE}; change to the project's root, or run `satiety workspace` first")
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


def _resolve_paths(entries: Sequence[str | Mapping[str, Any]], names: Mapping[str, str]) -> list[str]:
    """Return the paths of deps or outs, without their options and with `${names}` substituted."""
    templates = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
    return [Path(re.sub(r"\$\{(\w+)\}", lambda m: str(names[m[1]]), entry)).as_posix() for entry in templates]


def _overlap(first: str, second: str) -> bool:
    """Return whether two paths are equal or one contains the other."""
    return first == second or first.startswith(f"{second}/") or second.startswith(f"{first}/")


def find_stale(upstream: Upstream) -> frozenset[str]:
    """Return the stages that changed according to `dvc status`, and all stages downstream of them."""
    if not DVC_LOCK.is_file():
        return frozenset(upstream)  # nothing ran yet: saves the call
    command = [*DVC, "status", "--json", str(FILE)]
    process = subprocess.run(command, env=build_environment(), capture_output=True, text=True, check=False)
    if process.returncode:
        raise DvcError(f"`dvc status` failed with exit code {process.returncode}:\n{process.stderr.strip()}")
    changed: set[str] = set(json.loads(process.stdout or "{}"))
    for stage, parents in upstream.items():
        if parents & changed:
            changed.add(stage)
    return frozenset(changed)


def select_upstream(upstream: Upstream, stage: str) -> Upstream:
    """Return a stage and all stages upstream of it, in order."""
    required = {stage}
    for name in reversed(list(upstream)):
        if name in required:
            required |= upstream[name]
    return {name: parents for name, parents in upstream.items() if name in required}


def build_repro_command(stage: str) -> list[str]:
    """Return the command that reproduces one stage; DVC skips it if nothing changed."""
    return [*DVC, "repro", "--single-item", stage]


def build_run_command(stage: str, overrides: Sequence[str], name: str) -> list[str]:
    """Return the command that starts an experiment: set the overrides, then reproduce its first stage."""
    values = read_yaml(PARAMS_FILE)
    changes = [word for override in overrides for change in _to_hydra(override, values) for word in ("-S", change)]
    return [*DVC, "exp", "run", "--single-item", stage, "--name", name, *changes]


def _to_hydra(override: str, values: Any) -> list[str]:
    """Return Hydra's form of an override: ``++`` sets a field whether or not the file has it.

    Hydra merges mappings, so an existing one is deleted first.
    """
    name, _, value = override.partition("=")
    for key in name.strip().split("."):
        values = values.get(key) if isinstance(values, dict) else None
    replaces_mapping = value.strip().startswith("{") and isinstance(values, dict)
    return [*([f"~{name.strip()}"] if replaces_mapping else []), f"++{override.strip()}"]


def build_save_command(stages: Collection[str], name: str) -> list[str]:
    """Return the command that saves the results of these stages as one experiment, without other workspaces."""
    files = ["dvc.lock", "plots", *(f"reports/{name}.json" for name in (*stages, "scores"))]
    untracked = [word for path in files if Path(path).exists() for word in ("--include-untracked", path)]
    return [*DVC, "exp", "save", *stages, "--name", name, "--force", *untracked]


def build_environment(parent: str = "") -> dict[str, str]:
    """Return the environment of a command; this Python's programs come first, since DVC runs `python` by name.

    Args:
        parent: key of the parent run in MLflow.
    """
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"} | ({"SATIETY_PARENT_RUN": parent} if parent else {})


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this project."""
    return [sys.executable, "-m", module, *arguments]
