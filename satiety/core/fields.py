"""Find the pydantic model, and its field names, for a value of params.yaml."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel


def list_field_names(model: type[BaseModel], value: Any, keys: Sequence[int | str]) -> list[str]:
    """Return the field names that are allowed at the path ``keys``; empty if unknown."""
    hint: Any = model
    for key in keys:
        parent, value = model_of(hint, value), _get_value(value, key)
        if parent is None or key not in parent.model_fields:
            continue
        field = parent.model_fields[str(key)]
        hint = field.annotation
        if isinstance(value, Mapping) and "kind" not in value:  # the kind is the default's
            default = field.get_default(call_default_factory=True, validated_data={})
            hint = type(default) if isinstance(default, BaseModel) else hint
    target = model_of(hint, value)
    return list(target.model_fields) if target else []


def model_of(hint: Any, value: Any) -> type[BaseModel] | None:
    """Return the model that a value is validated with; for a component, the class of its ``kind``."""
    models = list(models_in(hint))
    kind = value.get("kind") if isinstance(value, Mapping) else None
    kinds = {vars(cls).get("kind"): cls for model in models for cls in _iter_subclasses(model)}
    return kinds[kind] if kind in kinds else next(iter(models), None)


def models_in(hint: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in a type hint such as ``list[Annotated[Source, ...]] | None``."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for argument in typing.get_args(hint):
        yield from models_in(argument)


def _iter_subclasses(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for cls in model.__subclasses__():
        yield cls
        yield from _iter_subclasses(cls)


def _get_value(value: Any, key: int | str) -> Any:
    if isinstance(value, Mapping):
        return value.get(key)
    return value[key] if isinstance(value, Sequence) and isinstance(key, int) and key < len(value) else None
