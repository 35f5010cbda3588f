"""A params.yaml -> every value that is in force, as YAML; in full, a line each, with where it comes from."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from satiety.core.project import Project
from satiety.core.registry import Component
from satiety.core.section import PARAMS_FILE, Keys, is_present, line_of
from satiety.params import load_params, section_classes
from satiety.worth.selection import Selection


@dataclass(frozen=True, slots=True)
class Value:
    """One value that is in force."""

    keys: Keys
    value: Any
    place: Keys
    """Where it stands, if the file gives it: below the same keys, or in the block `project`."""
    owner: type[BaseModel]
    """What has the field, or the value for it."""


def render_config(params: Path) -> str:
    """Return the file as it would be with every default written out.

    Raises:
        ParamsError: lists all that is wrong with the file.
    """
    loaded, blocks = load_params(_resolve_path(params)), dict[str, Any]()
    for name, section in section_classes().items():
        block = getattr(loaded, name).model_dump(mode="json", exclude=section.external_fields())
        blocks |= block if section is Selection else {name: block}
    return yaml.safe_dump(blocks, allow_unicode=True, sort_keys=False, width=120).rstrip()


def render_values(params: Path) -> str:
    """Return a line per value, ``block.field: value``, and after it where the value comes from.

    Raises:
        ParamsError: lists all that is wrong with the file.
    """
    path = _resolve_path(params)
    loaded, tree = load_params(path), yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    values = [
        value
        for name, section in section_classes().items()
        for value in _ValueWalker(tree).values(getattr(loaded, name), () if section is Selection else (name,), section)
        if value.keys[0] != name or section is Selection or value.keys[1] not in section.external_fields()
    ]
    lines = [f"{'.'.join(map(str, entry.keys))}: {json.dumps(entry.value, ensure_ascii=False)}" for entry in values]
    width = min(max(map(len, lines)), 60)
    origins = [_describe_origin(path, tree, entry) for entry in values]
    return "\n".join(f"{line:{width}}  # {origin}" for line, origin in zip(lines, origins, strict=True))


def _resolve_path(params: Path) -> Path:
    return params / PARAMS_FILE if params.is_dir() else params


@dataclass(frozen=True, slots=True)
class _ValueWalker:
    """What goes through the values of a file."""

    tree: yaml.Node | None

    def values(
        self, model: BaseModel, keys: Keys, parent: type[BaseModel], place: Keys | None = None
    ) -> Iterator[Value]:
        """Yield the values of a model. What its class does not say was said where the model stands."""
        for name, field in type(model).model_fields.items():
            location, owner = (*(place or keys), name), type(model)
            if field.is_required() and name in Project.model_fields and not is_present(self.tree, location):
                location, owner = (Project.key(), name), Project
            elif name in model.model_fields_set and not is_present(self.tree, place or keys):
                owner = parent
            yield from self._descend(getattr(model, name), (*keys, name), location, owner)

    def _descend(self, value: Any, keys: Keys, place: Keys, owner: type[BaseModel]) -> Iterator[Value]:
        """Yield a field's value; of a model, or of a list of models, what these have."""
        if isinstance(value, BaseModel):
            if isinstance(value, Component):
                yield Value((*keys, "kind"), value.kind, (*place, "kind"), owner)
            yield from self.values(value, keys, owner, place)
        elif any(isinstance(child, BaseModel) for child in _list_children(value).values()):
            for key, child in _list_children(value).items():
                yield from self._descend(child, (*keys, key), (*place, key), owner)
        else:
            yield Value(keys, list(value) if isinstance(value, tuple) else value, place, owner)


def _list_children(value: Any) -> dict[Any, Any]:
    """Return what a list or a mapping holds, by place or by name; nothing of any other value."""
    if isinstance(value, dict):
        return value
    return dict(enumerate(value)) if isinstance(value, list | tuple) else {}


def _describe_origin(path: Path, tree: yaml.Node | None, value: Value) -> str:
    """Return the line of the file that a value stands in, or the file of ours that has its default."""
    prefix = "project, " if value.place[0] != value.keys[0] else ""
    if is_present(tree, value.place):
        return f"{prefix}{path}:{line_of(tree, value.place)}"
    *_, name = (key for key in value.keys if isinstance(key, str) and key != "kind")
    owner = next((cls for cls in value.owner.__mro__ if name in vars(cls).get("__annotations__", {})), value.owner)
    return f"{prefix}default of {_locate_source(owner)}"


def _locate_source(cls: type) -> str:
    """Return the file of a class as it lies in the project."""
    file = Path(sys.modules[cls.__module__].__file__ or "")
    return Path(*file.parts[-len(cls.__module__.split(".")) - (file.stem == "__init__") :]).as_posix()
