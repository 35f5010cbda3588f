"""One stage of dvc.yaml, run by itself in a folder of its own, with params of its own."""

import os
import shlex
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def read(path: Path) -> dict[str, Any]:
    """Return what a YAML file holds."""
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return values


def write(folder: Path, params: dict[str, Any]) -> None:
    """Put the params into the folder, where stages read them, and a place for raw data beside them."""
    (folder / "data" / "raw").mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(params, allow_unicode=True, sort_keys=False)
    (folder / "params.yaml").write_text(text, encoding="utf-8")


def run(folder: Path, stage: str) -> None:
    """Run the stage as `dvc repro` would, with this Python."""
    pipeline = read(ROOT / "dvc.yaml")
    names = {key: value for group in pipeline["vars"] for key, value in group.items()} | {"root": str(ROOT)}
    command = shlex.split(string.Template(pipeline["stages"][stage]["cmd"]).substitute(names))[2:]  # `exec python`
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *command], cwd=folder, env=environment, check=True)
