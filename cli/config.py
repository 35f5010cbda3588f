"""A params.yaml -> every value that is in force, as YAML; in full, a line each, with where it comes from."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from satiety.params import load_params, sections
from satiety.registry import Component
from satiety.section import PARAMS_FILE, line_of, stands

Keys = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """One value that is in force."""

    keys: Keys
    value: Any
    owner: type[BaseModel]
    """What has the field."""


def config(params: Path) -> str:
    """Return the file as it would be with every default written out.

    Raises:
        ParamsError: lists all that is wrong with the file.
    """
    loaded = load_params(_file(params))
    blocks = {name: getattr(loaded, name).model_dump(mode="json") for name in sections()}
    return yaml.safe_dump(blocks, allow_unicode=True, sort_keys=False, width=120).rstrip()


def full(params: Path) -> str:
    """Return a line per value, ``block.field: value``, and after it where the value comes from.

    Raises:
        ParamsError: lists all that is wrong with the file.
    """
    path = _file(params)
    loaded, tree = load_params(path), yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    values = [value for name in sections() for value in _values(getattr(loaded, name), (name,), sections()[name])]
    lines = [f"{'.'.join(map(str, one.keys))}: {json.dumps(one.value, ensure_ascii=False)}" for one in values]
    width = min(max(map(len, lines)), 60)
    origins = [_origin(path, tree, one) for one in values]
    return "\n".join(f"{line:{width}}  # {origin}" for line, origin in zip(lines, origins, strict=True))


def _file(params: Path) -> Path:
    return params / PARAMS_FILE if params.is_dir() else params


def _values(model: BaseModel, keys: Keys, above: type[BaseModel]) -> Iterator[Value]:
    """Yield the values of a model. What its class does not say was said where the model stands."""
    for name in type(model).model_fields:
        yield from _below(getattr(model, name), (*keys, name), above if name in model.model_fields_set else type(model))


def _below(value: Any, keys: Keys, owner: type[BaseModel]) -> Iterator[Value]:
    """Yield a field's value; of a model, or of a list of models, what these have."""
    if isinstance(value, BaseModel):
        if isinstance(value, Component):
            yield Value((*keys, "kind"), value.kind, owner)
        yield from _values(value, keys, owner)
    elif isinstance(value, list | tuple) and any(isinstance(item, BaseModel) for item in value):
        for place, item in enumerate(value):
            yield from _below(item, (*keys, place), owner)
    else:
        yield Value(keys, list(value) if isinstance(value, tuple) else value, owner)


def _origin(path: Path, tree: yaml.Node | None, value: Value) -> str:
    """Return the line of the file that a value stands in, or the file of ours that has its default."""
    if stands(tree, value.keys):
        return f"{path}:{line_of(tree, value.keys)}"
    *_, name = (key for key in value.keys if isinstance(key, str) and key != "kind")
    owner = next((cls for cls in value.owner.__mro__ if name in vars(cls).get("__annotations__", {})), value.owner)
    return f"default of {_source(owner)}"


def _source(cls: type) -> str:
    """Return the file of a class as it lies in the project."""
    file = Path(sys.modules[cls.__module__].__file__ or "")
    return Path(*file.parts[-len(cls.__module__.split(".")) - (file.stem == "__init__") :]).as_posix()
