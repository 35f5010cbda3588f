"""`satiety list` and `satiety explain`: describe the components and sections, from their docstrings and fields."""

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
from satiety.core.errors import ParamsError
from satiety.core.project import Project
from satiety.core.registry import Component, Registry
from satiety.core.section import Section, suggest
from satiety.params import section_classes
from satiety.worth.selection import Selection

SECTION = "section"
"""Kind of the sections of params.yaml."""
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


def collect_registries() -> dict[str, Registry[Any]]:
    """Return all registries of the library by kind; packages and `base` modules are searched for them."""
    modules = pkgutil.walk_packages(satiety.__path__, "satiety.")
    holders = [module.name for module in modules if module.ispkg or module.name.endswith(".base")]
    values = [value for name in holders for value in vars(importlib.import_module(name)).values()]
    registries = [value for value in values if isinstance(value, Registry)]
    return {registry.kind: registry for registry in sorted(registries, key=lambda registry: registry.kind)}


def list_components(kind: str | None) -> str:
    """Return one line per component: its name and the first line of its docstring."""
    kinds = _collect_kinds()
    selection = {kind: _pick(kinds, kind, "kind")} if kind is not None else kinds
    return "\n\n".join(f"{name}\n{_format_lines(classes)}" for name, classes in selection.items())


def explain_component(kind: str, name: str) -> str:
    """Return the docstring and fields of a component or section, and an example of a component.

    Raises:
        ParamsError: the kind or name does not exist; lists those that do.
    """
    if kind == SECTION and name in Selection.blocks() and name != Selection.key():
        raise ParamsError(f"{name} is described with the levers: `satiety explain {SECTION} {Selection.key()}`")
    cls = _pick(_pick(_collect_kinds(), kind, "kind"), name, kind)
    parts = [f"{kind} {name}", inspect.getdoc(cls) or "", *_format_fields(cls)]
    if issubclass(cls, Component):
        example = yaml.safe_dump(cls.sample().model_dump(mode="json"), allow_unicode=True, sort_keys=False)
        parts.append("Example:\n" + textwrap.indent(example.rstrip(), "  "))
    return "\n\n".join(parts)


def _collect_kinds() -> dict[str, Mapping[str, type[BaseModel]]]:
    kinds: dict[str, Mapping[str, type[BaseModel]]] = {SECTION: section_classes()}
    return kinds | {
        kind: {name: registry[name] for name in registry} for kind, registry in collect_registries().items()
    }


def _pick(choices: Mapping[str, Any], name: str, kind: str) -> Any:
    if name not in choices:
        raise ParamsError(f"no {kind} is called {name!r}; {suggest(name, choices)}there are: {', '.join(choices)}")
    return choices[name]


def _format_lines(classes: Mapping[str, type[BaseModel]]) -> str:
    width = max(map(len, classes), default=0)
    return "\n".join(
        f"  {name:{width}}  {(inspect.getdoc(cls) or '').partition(chr(10))[0]}" for name, cls in classes.items()
    )


def _format_fields(cls: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield each field and the fields of nested models, except components, which have their own description."""
    elsewhere = cls.external_fields() if issubclass(cls, Section) and not issubclass(cls, Component) else set()
    for name, field in cls.model_fields.items():
        if name in elsewhere:
            continue
        is_shared = field.is_required() and name in Project.model_fields and cls is not Project
        default = "; default: that of section project" if is_shared else _format_default(field)
        yield _format_field(prefix + name, field, default)
        for inner in _find_models(field.annotation):
            yield from _format_fields(inner, f"{prefix}{name}.")


def _find_models(hint: Any) -> list[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return [] if issubclass(hint, Component) else [hint]
    return [cls for argument in typing.get_args(hint) for cls in _find_models(argument)]


def _format_field(name: str, field: FieldInfo, default: str) -> str:
    head = f"  {name}: {_format_type(field.annotation)}{_format_bounds(field)}{default}"
    text = " ".join((field.description or "").split())
    return head + "\n" + textwrap.fill(text, WIDTH, initial_indent="      ", subsequent_indent="      ")


def _format_default(field: FieldInfo) -> str:
    """Return the default of a field; that of a nested model is given by its own fields."""
    if field.is_required():
        return "; required"
    value = _to_plain(field.get_default(call_default_factory=True))
    return "" if value is None and field.default is not None else f"; default {json.dumps(value, ensure_ascii=False)}"


def _to_plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_to_plain(member) for member in value]
    return value.kind if isinstance(value, Component) else None if isinstance(value, BaseModel) else value


def _format_type(hint: Any) -> str:
    """Return a readable type: ``int | null``, ``'max' | 'mean'``, ``list of Source``."""
    arguments = typing.get_args(hint)
    if hint is type(None):
        return "null"
    if typing.get_origin(hint) is typing.Literal:
        return " | ".join(map(repr, arguments))
    if typing.get_origin(hint) in (list, tuple):
        return f"list of {_format_type(arguments[0])}"
    if typing.get_origin(hint) is typing.Annotated:
        return _format_type(arguments[0])
    if typing.get_origin(hint) is dict:
        return f"map of {_format_type(arguments[0])} to {_format_type(arguments[1])}"
    return " | ".join(map(_format_type, arguments)) if arguments else getattr(hint, "__name__", str(hint))


def _format_bounds(field: FieldInfo) -> str:
    rules = [(sign, getattr(rule, key, None)) for rule in field.metadata for key, sign in SIGNS.items()]
    bounds = [f"{sign} {value}" for sign, value in rules if value is not None]
    return f", {', '.join(bounds)}" if bounds else ""
