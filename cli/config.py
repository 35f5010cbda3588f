"""Validate params.yaml, and print it with every default, as YAML or one line per value with its source."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from flows.recovery import recover
from satiety.core.project import Project
from satiety.core.registry import Component
from satiety.core.section import PARAMS_FILE, Keys, is_present, line_of, read_yaml
from satiety.params import load_params, section_classes
from satiety.worth.selection import Selection


@dataclass(frozen=True, slots=True)
class ResolvedValue:
    """A value of the configuration."""

    keys: Keys
    value: Any
    file_keys: Keys
    """Keys in the file, if it is set there: the same keys, or those in the section `project`."""
    owner: type[BaseModel]
    """Class that defines the default."""


def check_params(params: Path) -> str:
    """Validate a params.yaml and return one line; first restore it if a run with overrides was killed.

    Raises:
        ParamsError: lists all errors of the file.
    """
    path = _resolve_path(params)
    notice = f"{path}: restored, since a run with overrides was killed\n" if recover(path.parent) else ""
    loaded = load_params(path)
    return f"{notice}{path} is valid ({len(read_yaml(path))} sections, problem: {loaded.ingest.problem.kind})"


def render_config(params: Path) -> str:
    """Return the file as YAML with every default filled in.

    Raises:
        ParamsError: lists all errors of the file.
    """
    loaded, blocks = load_params(_resolve_path(params)), dict[str, Any]()
    for name, section in section_classes().items():
        block = getattr(loaded, name).model_dump(mode="json", exclude=section.external_fields())
        blocks |= block if section is Selection else {name: block}
    return yaml.safe_dump(blocks, allow_unicode=True, sort_keys=False, width=120).rstrip()


def render_values(params: Path) -> str:
    """Return one line per value: ``section.field: value``, then its file and line, or the file of its default.

    Raises:
        ParamsError: lists all errors of the file.
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
    """Iterates over all values of a params.yaml."""

    tree: yaml.Node | None

    def values(
        self, model: BaseModel, keys: Keys, parent: type[BaseModel], file_keys: Keys | None = None
    ) -> Iterator[ResolvedValue]:
        """Yield the values of a model. Values set by neither the file nor its class are attributed to the parent."""
        for name, field in type(model).model_fields.items():
            location, owner = (*(file_keys or keys), name), type(model)
            if field.is_required() and name in Project.model_fields and not is_present(self.tree, location):
                location, owner = (Project.key(), name), Project
            elif name in model.model_fields_set and not is_present(self.tree, file_keys or keys):
                owner = parent
            yield from self._descend(getattr(model, name), (*keys, name), location, owner)

    def _descend(self, value: Any, keys: Keys, file_keys: Keys, owner: type[BaseModel]) -> Iterator[ResolvedValue]:
        """Yield the value of a field, or those of the models in it; ``file_keys`` lead to its line in the file."""
        if isinstance(value, BaseModel):
            if isinstance(value, Component):
                yield ResolvedValue((*keys, "kind"), value.kind, (*file_keys, "kind"), owner)
            yield from self.values(value, keys, owner, file_keys)
        elif any(isinstance(child, BaseModel) for child in _list_children(value).values()):
            for key, child in _list_children(value).items():
                yield from self._descend(child, (*keys, key), (*file_keys, key), owner)
        else:
            yield ResolvedValue(keys, list(value) if isinstance(value, tuple) else value, file_keys, owner)


def _list_children(value: Any) -> dict[Any, Any]:
    """Return the members of a list by index, or of a mapping by key; {} for any other value."""
    if isinstance(value, dict):
        return value
    return dict(enumerate(value)) if isinstance(value, list | tuple) else {}


def _describe_origin(path: Path, tree: yaml.Node | None, value: ResolvedValue) -> str:
    """Return the file and line that set a value, or the source file of its default."""
    prefix = "project, " if value.file_keys[0] != value.keys[0] else ""
    if is_present(tree, value.file_keys):
        return f"{prefix}{path}:{line_of(tree, value.file_keys)}"
    *_, name = (key for key in value.keys if isinstance(key, str) and key != "kind")
    owner = next((cls for cls in value.owner.__mro__ if name in vars(cls).get("__annotations__", {})), value.owner)
    return f"{prefix}default of {_locate_source(owner)}"


def _locate_source(cls: type) -> str:
    """Return the source file of a class, relative to the root of the project."""
    file = Path(sys.modules[cls.__module__].__file__ or "")
    return Path(*file.parts[-len(cls.__module__.split(".")) - (file.stem == "__init__") :]).as_posix()
