"""dvc.lock as DVC leaves it -> the same in the order of the stages, and whole: a kill may have cut it off."""

import logging
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from satiety.files import write_text

FILE = Path("dvc.lock")
_ENTRY = re.compile(r"(?m)^(?=  [^ \n][^\n]*:$)")
"""Where the entry of a stage begins."""
log = logging.getLogger(__name__)


def tidy(order: Iterable[str]) -> None:
    """Put the entries into the order of the stages; DVC writes them as stages end, side by side or not."""
    if not FILE.is_file():
        return
    text = FILE.read_text(encoding="utf-8")
    head, *parts = _ENTRY.split(text)
    entries = {part.partition(":")[0].strip(" '\""): part for part in parts}
    names = [name for name in order if name in entries]
    ordered = head + "".join(entries[name] for name in [*names, *(name for name in entries if name not in names)])
    if ordered != text:
        write_text(FILE, ordered)


def mend() -> bool:
    """Drop what a kill left half-written; return whether there was any. DVC's cache has the results of what is dropped.

    Nobody else may be at work in the folder; a `dvc repro` of somebody's own is given a moment to end its writing.
    """
    if not FILE.is_file() or whole(FILE.read_text(encoding="utf-8")):
        return False
    time.sleep(0.5)
    text = FILE.read_text(encoding="utf-8")
    if whole(text):
        return False
    lines, end, _ = text.rpartition("\n")  # what follows is no whole line
    head, *parts = _ENTRY.split(lines + end)
    kept = [part for part in parts if whole(head + part)]
    if kept:
        write_text(FILE, head + "".join(kept))
    else:
        FILE.unlink()
    log.warning(
        "%s was cut off while DVC wrote it: %d of its entries are kept, the cache has the rest", FILE, len(kept)
    )
    return True


def whole(text: str) -> bool:
    """Return whether DVC can read it: a schema, and of every stage a command, and paths of what it reads and makes."""
    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    stages = content.get("stages") if isinstance(content, dict) and "schema" in content else None
    return isinstance(stages, dict) and text.endswith("\n") and all(map(_complete, stages.values()))


def _complete(stage: Any) -> bool:
    if not isinstance(stage, dict) or not isinstance(stage.get("cmd"), str | list):
        return False
    paths = [entry for kind in ("deps", "outs") for entry in stage.get(kind) or ()]
    return all(isinstance(entry, dict) and isinstance(entry.get("path"), str) for entry in paths)
