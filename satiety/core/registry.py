"""Registry of named components: one file each, discovered in one package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BeforeValidator, SerializerFunctionWrapHandler, ValidationInfo, model_serializer

from satiety.core.section import ParamsModel, suggest


class Component(ParamsModel):
    """A choice in params.yaml. Its fields are its parameters."""

    kind: ClassVar[str]

    @classmethod
    def sample(cls) -> Self:
        """Return a valid instance: each field is its first example, its default, or a substitute from `project`."""
        from satiety.core.project import make_placeholder

        examples = {name: field.examples[0] for name, field in cls.model_fields.items() if field.examples}
        return cls.model_validate(examples, context=make_placeholder())

    @model_serializer(mode="wrap")
    def _add_kind(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"kind": self.kind, **fields(self)}


C = TypeVar("C", bound=Component)


class Registry(Generic[C]):
    """The components of one kind, by name. To add one, add a file to ``package``."""

    def __init__(self, kind: str, package: str) -> None:
        _REGISTRIES.append(self)
        self.kind = kind
        self._package = package
        self._classes: dict[str, type[C]] = {}

    def register(self, name: str) -> Callable[[type[C]], type[C]]:
        """Register a component class under the name that users write after ``kind:``."""
        if name in self._classes:
            raise ValueError(f"two {self.kind}s are called {name!r}; the first is {self._classes[name]!r}")

        def add(cls: type[C]) -> type[C]:
            cls.kind = name
            self._classes[name] = cls
            return cls

        return add

    def __getitem__(self, name: str) -> type[C]:
        self._discover()
        if not isinstance(name, str) or name not in self._classes:
            hint = suggest(str(name), self._classes)
            raise ValueError(f"unknown {self.kind} {name!r}; {hint}available: {', '.join(self)}")
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(sorted(self._classes))

    def choice(self, default: str | None = None) -> BeforeValidator:
        """Return a validator for a field ``{kind: <name>, ...parameters}``; ``default`` replaces a missing kind."""

        def build(value: Any, info: ValidationInfo) -> Any:
            if not isinstance(value, Mapping):
                return value
            fields = dict(value)
            name = fields.pop("kind", default)
            if name is None:
                raise ValueError(f"choose a {self.kind} with `kind:`; available: {', '.join(self)}")
            return self[name].model_validate(fields, context=info.context)

        return BeforeValidator(build)

    def default(self, name: str) -> Callable[[], C]:
        """Return a ``default_factory`` for the component of this name."""

        def make() -> C:
            return self[name]()

        return make

    def _discover(self) -> None:
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__, f"{self._package}."):
            importlib.import_module(module.name)


_REGISTRIES: list[Registry[Any]] = []


def discover() -> None:
    """Import every component before threads start.

    Pydantic reads the docstrings of fields with `ast.parse`, which is not thread-safe before Python 3.11.8
    (https://github.com/python/cpython/issues/106905).
    """
    for registry in _REGISTRIES:
        registry._discover()
