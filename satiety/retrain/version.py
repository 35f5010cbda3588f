"""Retraining data <-> files: labels and raw texts as JSON lines in data/raw/, the fresh test as Parquet."""

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
"""Files that every data version rewrites; git and DVC keep the older versions."""
_TAG = "tag:yaml.org,2002:"


def write_version(folder: Path, retraining_data: RetrainingData, problem: Problem) -> list[str]:
    """Write the training labels and raw texts, if any; return the files, relative to the folder.

    Args:
        folder: the folder of params.yaml.
        retraining_data: labels and texts to write.
        problem: sets the column of the answer.
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
    """Write the fresh test set."""
    write(path, fresh, Example)


def read_training_labels(path: Path, problem: Problem) -> list[Example]:
    """Return the training labels of the last data version; empty if there is none.

    Raises:
        DataError: a line is not a label as written by ``write_version``.
    """
    if not path.is_file():
        return []
    lines = enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), start=1)
    return [_parse_label(path, number, line, problem) for number, line in lines if line]


def read_fresh(path: Path) -> list[Example]:
    """Return the fresh test set of the last data version; empty if there is none."""
    return list(read(path, Example)) if path.is_file() else []


def list_sources(files: Collection[str], problem: Problem) -> dict[str, dict[str, Any]]:
    """Return the sources of params.yaml for these files, by list of `ingest`: ``labelled`` or ``corpus``."""
    blocks = {LABELS: ("labelled", problem.columns, {"split": "extra"}), TEXTS: ("corpus", ("text",), {})}
    return {
        block: {"uri": f"file:{name}", "sha256": None, "reader": {"kind": "jsonl"}, "columns": {c: c for c in columns}}
        | extra
        for name, (block, columns, extra) in blocks.items()
        if name in files
    }


def add_sources(path: Path, new_sources: dict[str, dict[str, Any]]) -> None:
    """Add sources that params.yaml does not contain yet; the user's comments stay."""
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
    """Return a digest of names, sizes and times of the folder's files, without those that a retraining writes."""
    generated_names = {Path(name).name for name in (LABELS, TEXTS)}
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name.removesuffix(".dvc") not in generated_names
    )
    lines = [f"{path.relative_to(folder)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _parse_label(path: Path, number: int, line: str, problem: Problem) -> Example:
    try:
        row = json.loads(line)
        inputs, answer = problem.read(row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}:{number}: not a label of an earlier retraining ({error}); restore the file with `dvc checkout`"
        ) from None
    return Example(content_id(inputs), inputs, answer, source=f"feedback:{row.get('id', '')}")
