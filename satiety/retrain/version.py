"""What was gathered <-> files: labels and raw texts as JSON lines in data/raw/, the fresh test as a table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from satiety.core.errors import DataError
from satiety.core.files import write_text
from satiety.core.inputs import content_id, dump_inputs
from satiety.core.records import Example, read, write
from satiety.problems.base import Problem
from satiety.retrain.dataset import RetrainingData

LABELS = "data/raw/feedback.jsonl"
TEXTS = "data/raw/traffic.jsonl"
"""One file each, which every data version writes anew: git and DVC keep the versions."""
_TAG = "tag:yaml.org,2002:"


def write_version(folder: Path, retraining_data: RetrainingData, problem: Problem) -> list[str]:
    """Write what is to be learned from, where there is any; return the files, as seen from the folder.

    Args:
        folder: of a params.yaml.
        retraining_data: what goes in.
        problem: says what a label is called.
    """
    labels = [
        {
            **json.loads(dump_inputs(e.inputs)),
            problem.gold: e.answer and e.answer.to_json(),
            "id": e.source.partition(":")[2],
        }
        for e in retraining_data.learn
    ]
    rows_by_file = {LABELS: labels, TEXTS: [{"text": document.text} for document in retraining_data.texts]}
    for name, rows in rows_by_file.items():
        if rows:
            write_text(folder / name, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return [name for name, rows in rows_by_file.items() if rows]


def write_fresh(path: Path, fresh: Iterable[Example]) -> None:
    """Write the fresh test."""
    write(path, fresh, Example)


def read_learned(path: Path, problem: Problem) -> list[Example]:
    """Return the labels of the last data version, if there is one.

    Raises:
        DataError: it is not the file that ``write_version`` wrote.
    """
    if not path.is_file():
        return []
    lines = enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), start=1)
    return [_parse_label(path, number, line, problem) for number, line in lines if line]


def read_fresh(path: Path) -> list[Example]:
    """Return the fresh test of the last data version, if there is one."""
    return list(read(path, Example)) if path.is_file() else []


def list_sources(files: Collection[str], problem: Problem) -> dict[str, dict[str, Any]]:
    """Return what params.yaml says of the files, by the list of `ingest` in which it stands."""
    blocks = {LABELS: ("labelled", problem.columns, {"split": "added"}), TEXTS: ("corpus", ("text",), {})}
    return {
        block: {"uri": f"file:{name}", "sha256": None, "reader": {"kind": "jsonl"}, "columns": {c: c for c in columns}}
        | extra
        for name, (block, columns, extra) in blocks.items()
        if name in files
    }


def add_sources(path: Path, new_sources: dict[str, dict[str, Any]]) -> None:
    """Add sources to params.yaml, where they are not in it; the user's comments stay."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    yaml.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar(f"{_TAG}null", "null")
    )
    yaml.indent(mapping=2, sequence=4, offset=2)
    params = yaml.load(path.read_text(encoding="utf-8"))
    for block, source in new_sources.items():
        block_sources = params["ingest"].setdefault(block, [])
        if all(present["uri"] != source["uri"] for present in block_sources):
            block_sources.append(source)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def hash_folder(folder: Path) -> str:
    """Return what changes when somebody changes, adds or removes a file of the folder; ours do not count."""
    generated_names = {Path(name).name for name in (LABELS, TEXTS)}
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name.removesuffix(".dvc") not in generated_names
    )
    lines = [f"{path.relative_to(folder)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _format_row(example: Example, problem: Problem) -> dict[str, Any]:
    answer = {problem.gold: example.answer.to_json()} if example.answer else {}
    return {**json.loads(dump_inputs(example.inputs)), **answer, "id": example.source.partition(":")[2]}


def _parse_label(path: Path, number: int, line: str, problem: Problem) -> Example:
    try:
        row = json.loads(line)
        inputs, answer = problem.read(row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}:{number}: no label of an earlier retraining ({error}); `dvc checkout` it") from None
    return Example(content_id(inputs), inputs, answer, source=f"feedback:{row.get('id', '')}")
