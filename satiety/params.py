"""params.yaml as one object: a block per stage, and those of what is no stage. A stage reads only its own."""

import json
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from satiety.drift.section import Monitor
from satiety.errors import ParamsError
from satiety.evaluate import Evaluate
from satiety.ingest import Ingest
from satiety.package import Register
from satiety.project import Project, check_age, shared, stand_in
from satiety.promotion import Promote
from satiety.retrain import Retrain
from satiety.secrets import without_secrets
from satiety.section import PARAMS_FILE, Section, Written, nearest, read_value, read_yaml
from satiety.tuning import Finetune
from satiety.validate import Validate
from satiety.worth.section import Worth
from satiety.worth.selection import Selection

EMPTY = {"use": "[]", "measure": "[]"}
"""How a block is written in which nothing stands, where that is no mapping."""
MAY_BE_ABSENT = ("promote", "monitor", "retrain")
"""Blocks of what is no stage. DVC reads the others, and says of one that is not there only that it is missing."""
_NUMBER = re.compile(r"[+-]?(\d|[1-9](_?\d)+)?(\.(\d(_?\d)*)?)?([eE][+-]?\d(_?\d)*)?")
"""What Hydra takes for a number: neither hexadecimal nor with a zero before it."""


@dataclass(frozen=True, slots=True)
class Params:
    """The whole file. A field's name is the block's; `levers` holds `use` and `measure`, too."""

    project: Project
    ingest: Ingest
    validate: Validate
    levers: Selection
    finetune: Finetune
    evaluate: Evaluate
    register: Register
    worth: Worth
    promote: Promote
    monitor: Monitor
    retrain: Retrain


def sections() -> dict[str, type[Section]]:
    """Return the class of every block by its name, in order of the file."""
    return typing.get_type_hints(Params)


def block_names() -> list[str]:
    """Return the names of all blocks, in order of the file."""
    return [name for section in sections().values() for name in own_blocks(section)]


def own_blocks(section: type[Section]) -> tuple[str, ...]:
    """Return the blocks that are a section's alone; others may read them."""
    return section.blocks() if section is Selection else (section.key(),)


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read every block; raise one ParamsError that names every wrong line of the file."""
    values = read_yaml(path)
    check_age(path, values)
    wrong, places = _check_blocks(path, values)
    try:
        given = shared(path, values) or stand_in()
    except ParamsError:
        given = stand_in()
    values |= {name: values[place] for name, place in places.items()}
    loaded: dict[str, Any] = {}
    for name, section in sections().items():
        try:
            written = _written(section, values, places)
            loaded[name] = section.parse(path, written, None if section is Project else given)
        except ParamsError as error:
            wrong.append(str(error))
            if section is Selection:
                values |= {"levers": {}, "use": [], "measure": []}  # what is wrong with them is said, once
    wrong += _apart(path, loaded.get("retrain"), loaded.get("promote"))
    wrong += _untaught(path, loaded.get("ingest"), loaded.get("finetune"))
    if wrong:
        raise ParamsError("\n".join(wrong))
    return Params(**loaded)


def _written(section: type[Section], values: Mapping[str, Any], places: Mapping[str, str]) -> Written:
    """Return what the file says of a section, whose block may stand under another name."""
    written = section.written(values)
    place = places.get(section.key())
    return Written(written.value, {**written.places, (): (place,)}) if place and section is not Selection else written


def _check_blocks(path: Path, values: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return what is wrong with the names of blocks, and which of them stand under which near name."""
    blocks = block_names()
    wrong, places = [_unknown(path, name, blocks) for name in values if name not in blocks], dict[str, str]()
    for name in blocks:
        if name in values:
            continue
        near = get_close_matches(name, [str(key) for key in values if key not in blocks], n=1)
        if near:
            places[name] = near[0]
        elif name not in (Project.key(), *MAY_BE_ABSENT):
            written = f"`{name}: {EMPTY.get(name, '{}')}`"
            wrong.append(f"{path}: {name}: the block is missing; write {written}, for DVC asks for every stage's")
    return wrong, places


def _apart(path: Path, retrain: Retrain | None, promote: Promote | None) -> list[str]:
    """Return what is wrong with two blocks that are right alone."""
    if not retrain or not promote or retrain.window >= promote.fresh_least:
        return []
    return [
        f"{path}: retrain.window: {retrain.window} fresh test examples at most, but promote.fresh_least asks for "
        f"{promote.fresh_least}, so they would never count; raise the one, or lower the other"
    ]


def _untaught(path: Path, ingest: Ingest | None, finetune: Finetune | None) -> list[str]:
    """Return what of the fine-tuning cannot teach what the problem asks."""
    return [f"{path}: {line}" for line in finetune.refusals(ingest.problem)] if ingest and finetune else []


def check_overrides(path: Path, overrides: Sequence[str]) -> None:
    """Check the file, then as it would be with ``block.field=value`` in it, as `dvc exp run -S` takes them.

    Raises:
        ParamsError: lists all that is wrong with the file; else every override that is none, names no field, or gives
            a wrong value.
    """
    load_params(path)
    values = read_yaml(path)
    wrong = override_values(values, overrides)
    try:
        _check_copy(path, values)
    except ParamsError as error:
        wrong.append(str(error))
    if wrong:
        raise ParamsError("\n".join(wrong))


def override_values(values: dict[str, Any], overrides: Sequence[str]) -> list[str]:
    """Put the overrides into the values of a file; return a line for each that is none."""
    wrong, given = list[str](), set[str]()
    for override in overrides:
        name, equals, value = override.partition("=")
        try:
            if not equals or not name.strip():
                raise KeyError("write it as block.field=value")
            if name.strip() in given:
                raise KeyError("it is given twice")
            given.add(name.strip())
            _put(values, name.strip().split("."), _value(value))
        except KeyError as error:
            wrong.append(f"overrides: {without_secrets(override)}: {error.args[0]}")
    return wrong


def _check_copy(path: Path, values: Any) -> None:
    """Check the file as overrides would leave it; its lines mean nothing to who gave them, so they are left out."""
    with TemporaryDirectory(prefix="satiety-") as scratch:
        copy = Path(scratch, path.name)
        copy.write_text(json.dumps(values, default=str), encoding="utf-8")  # as YAML it is read alike by all
        try:
            load_params(copy)
        except ParamsError as error:
            lines = re.sub(rf"^{re.escape(str(copy))}(?::\d+)?: ", "overrides: ", str(error), flags=re.MULTILINE)
            raise ParamsError(lines) from None


def _put(values: Any, keys: Sequence[str], value: Any) -> None:
    """Put a value where the file has one, or its default stands."""
    for i, key in enumerate(keys):
        if not isinstance(values, dict):
            raise KeyError(f"{'.'.join(keys[:i])} has no fields: it is a plain value, or a list")
        if i == len(keys) - 1:
            values[key] = value
        elif values.get(key) is None:
            values[key] = {}
        values = values[key]


def _value(text: str) -> Any:
    """Return a value as it would be read from the file; Hydra's grammar, which DVC uses, reads plain numbers alike."""
    value = read_value(text)
    if isinstance(value, int | float) and not isinstance(value, bool) and not _NUMBER.fullmatch(text.strip()):
        raise KeyError(f"write {value}: {text!r} is a text to DVC")
    return value


def _unknown(path: Path, name: Any, blocks: Sequence[str]) -> str:
    tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    keys = [key for key, _ in tree.value] if isinstance(tree, yaml.MappingNode) else []
    line = next((key.start_mark.line for key in keys if key.value == str(name)), 0) + 1
    return f"{path}:{line}: {name}: there is no such block; {nearest(str(name), blocks)}there are: {', '.join(blocks)}"
