"""Registries and sections -> text for people: what there is, what it does, what its fields mean."""

import importlib
import inspect
import json
import pkgutil
import textwrap
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import satiety
from satiety.errors import ParamsError
from satiety.params import sections
from satiety.project import Project
from satiety.registry import Component, Registry
from satiety.section import Section, nearest

STAGE = "stage"
"""The kind under which a block of params.yaml is explained."""
WIDTH = 100
SIGNS = {
    "ge": "≥",
    "gt": ">",
    "le": "≤",
    "lt": "<",
    "min_length": "length ≥",
    "max_length": "length ≤",
    "pattern": "like",
}


def registries() -> dict[str, Registry[Any]]:
    """Return every registry of the library by its kind: those its packages name. A new lever needs no edit here."""
    packages = [module.name for module in pkgutil.iter_modules(satiety.__path__, "satiety.") if module.ispkg]
    values = [value for name in packages for value in vars(importlib.import_module(name)).values()]
    return {value.kind: value for value in sorted(filter(_is_registry, values), key=lambda value: value.kind)}


def listing(kind: str | None) -> str:
    """Return a line per component: its name and the first line of what it says of itself."""
    kinds = _kinds()
    chosen = {kind: _pick(kinds, kind, "kind")} if kind is not None else kinds
    return "\n\n".join(f"{name}\n{_lines(classes)}" for name, classes in chosen.items())


def explanation(kind: str, name: str) -> str:
    """Return a component's or a section's docstring, its fields, and an example where it has one.

    Raises:
        ParamsError: there is no such kind or name; says which there are.
    """
    cls = _pick(_pick(_kinds(), kind, "kind"), name, kind)
    parts = [f"{kind} {name}", inspect.getdoc(cls) or "", *_fields(cls)]
    if issubclass(cls, Component):
        example = yaml.safe_dump(cls.sample().model_dump(mode="json"), allow_unicode=True, sort_keys=False)
        parts.append("Example:\n" + textwrap.indent(example.rstrip(), "  "))
    return "\n\n".join(parts)


def _is_registry(value: object) -> bool:
    return isinstance(value, Registry)


def _kinds() -> dict[str, Mapping[str, type[BaseModel]]]:
    found: dict[str, Mapping[str, type[BaseModel]]] = {STAGE: sections()}
    return found | {kind: {name: registry[name] for name in registry} for kind, registry in registries().items()}


def _pick(there: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in there:
        raise ParamsError(f"no {what} is called {name!r}; {nearest(name, there)}there are: {', '.join(there)}")
    return there[name]


def _lines(classes: Mapping[str, type[BaseModel]]) -> str:
    width = max(map(len, classes), default=0)
    return "\n".join(
        f"  {name:{width}}  {(inspect.getdoc(cls) or '').partition(chr(10))[0]}" for name, cls in classes.items()
    )


def _fields(cls: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield each field, and the fields of what it holds; a component's are explained under its own name."""
    elsewhere = cls.elsewhere() if issubclass(cls, Section) and not issubclass(cls, Component) else set()
    for name, field in cls.model_fields.items():
        if name in elsewhere:
            continue
        shared = field.is_required() and name in Project.model_fields and cls is not Project
        yield _field(prefix + name, field, "; by default that of project" if shared else _default(field))
        for inner in _held(field.annotation):
            yield from _fields(inner, f"{prefix}{name}.")


def _held(hint: Any) -> list[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [] if issubclass(hint, Component) else [hint]
    return [cls for argument in typing.get_args(hint) for cls in _held(argument)]


def _field(name: str, field: FieldInfo, default: str) -> str:
    head = f"  {name}: {_type(field.annotation)}{_bounds(field)}{default}"
    text = " ".join((field.description or "").split())
    return head + "\n" + textwrap.fill(text, WIDTH, initial_indent="      ", subsequent_indent="      ")


def _default(field: FieldInfo) -> str:
    """Say what stands where the file says nothing; of a model its own fields say it."""
    if field.is_required():
        return "; needed"
    value = _plain(field.get_default(call_default_factory=True))
    return "" if value is None and field.default is not None else f"; default {json.dumps(value, ensure_ascii=False)}"


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.kind if isinstance(value, Component) else None if isinstance(value, BaseModel) else value


def _type(hint: Any) -> str:
    """Write a type as people do: ``int | null``, ``'max' | 'mean'``, ``list of Source``."""
    arguments = typing.get_args(hint)
    if hint is type(None):
        return "null"
    if typing.get_origin(hint) is typing.Literal:
        return " | ".join(map(repr, arguments))
    if typing.get_origin(hint) in (list, tuple):
        return f"list of {_type(arguments[0])}"
    if typing.get_origin(hint) is typing.Annotated:
        return _type(arguments[0])
    if typing.get_origin(hint) is dict:
        return f"map of {_type(arguments[0])} to {_type(arguments[1])}"
    return " | ".join(map(_type, arguments)) if arguments else getattr(hint, "__name__", str(hint))


def _bounds(field: FieldInfo) -> str:
    rules = [(sign, getattr(rule, key, None)) for rule in field.metadata for key, sign in SIGNS.items()]
    found = [f"{sign} {value}" for sign, value in rules if value is not None]
    return f", {', '.join(found)}" if found else ""
