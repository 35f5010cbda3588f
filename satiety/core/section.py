"""One section of params.yaml as a typed, validated, immutable object."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from satiety.core.errors import ParamsError
from satiety.core.fields import list_field_names
from satiety.core.scalars import AmbiguousError, resolve_scalar
from satiety.core.secrets import redact_secrets

PARAMS_FILE = Path("params.yaml")
FIELDS = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, strict=True)
"""Model config of params.yaml. Strict: '240' and 240.0 are refused as integers, because DVC reads other values."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""Random seed; NumPy and scikit-learn accept 32 bits."""
_BOOLEANS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
"""Booleans of YAML 1.1, or in quotes -> YAML 1.2."""
PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$": (
        "at most 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit"
    ),
    r"^[\w-]{1,40}$": "1 to 40 letters, digits, dashes and underscores",
    r"^[0-9a-f]{64}$": "64 digits and letters from a to f, in lower case",
}
"""What the pattern of a field allows, in words."""
_RULES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "model_type": "must be a mapping",
    "string_type": "must be text",
}
"""Type of pydantic's error -> what the value must be."""
_BREAKS = re.compile("[\x85\u2028\u2029\ufeff]")
Keys = tuple[int | str, ...]
"""Path to a value: names of fields and indices into lists."""
MAX_COUNT = 1_000_000_000
"""Largest count: the libraries below count in 32 bits."""


class ParamsModel(BaseModel):
    """Values of params.yaml. A required field that is missing is filled from the section `project`."""

    model_config = FIELDS

    @model_validator(mode="before")
    @classmethod
    def _fill_from_project(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping) or not info.context:
            return value
        required = [name for name, field in cls.model_fields.items() if field.is_required()]
        return {name: info.context[name] for name in required if name in info.context} | dict(value)


@dataclass(frozen=True, slots=True)
class SectionSource:
    """Value of a section and its location in the file."""

    value: Any
    places: Mapping[Keys, Keys]
    """Key prefix in the section -> key prefix in the file; the longest match counts."""

    def locate(self, keys: Keys) -> Keys:
        """Return the keys in the file of a value of the section, present or not."""
        start = max((start for start in self.places if keys[: len(start)] == start), key=len)
        return (*self.places[start], *keys[len(start) :])


class Section(ParamsModel):
    """A section of params.yaml. Missing values come from the field's default or the section `project`."""

    @classmethod
    def key(cls) -> str:
        """Return the section's name in the file, which is also the stage's name."""
        return cls.__name__.lower()

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        """Return the names in the file that the section reads, apart from `project`."""
        return (cls.key(),)

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return this section's value and location, given all sections of a file."""
        return SectionSource(values.get(cls.key()), {(): (cls.key(),)})

    @classmethod
    def external_fields(cls) -> set[str]:
        """Return the fields that are set by other sections, such as `levers`."""
        return {str(start[0]) for start in cls.extract({}).places if start}

    @classmethod
    def read_project(cls, path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that this section inherits from the section `project`."""
        from satiety.core.project import read_project

        return read_project(path, values)

    @classmethod
    def load(cls, path: Path = PARAMS_FILE) -> Self:
        """Read this section from a file; raise one ParamsError that lists every invalid line."""
        values = read_yaml(path)
        return cls.parse(path, cls.extract(values), cls.read_project(path, values))

    @classmethod
    def check(
        cls, path: Path, value: Any, *, keys: tuple[str, ...] = (), defaults: Mapping[str, Any] | None = None
    ) -> Self:
        """Validate the section ``value``, found in the file ``path`` under ``keys``.

        Args:
            path: the file.
            value: the section.
            keys: location of the section in the file.
            defaults: values of the section `project`.
        """
        return cls.parse(path, SectionSource(value, {(): keys}), defaults)

    @classmethod
    def parse(cls, path: Path, source: SectionSource, defaults: Mapping[str, Any] | None) -> Self:
        """Validate a section; null is an empty section."""
        value = {} if source.value is None else source.value
        try:
            return cls.model_validate(value, context=defaults)
        except ValidationError as error:
            tree, lines = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader), []
            for detail in error.errors():
                keys = source.locate(detail["loc"])
                reason = _describe_error(detail, list_field_names(cls, value, detail["loc"][:-1]))
                lines.append(f"{path}:{line_of(tree, keys)}: {'.'.join(map(str, keys))}: {reason}")
            raise ParamsError("\n".join(lines)) from None


class _AmbiguousYamlError(yaml.MarkedYAMLError):
    """Valid YAML that parsers read differently."""


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader, which returns the values that DVC returns.

    It refuses duplicate keys, unreadable values, and words that YAML 1.1 and 1.2 read differently.
    """

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:40]
            reason = f"remove the tag {tag}; write text in quotes and other values without"
            raise _AmbiguousYamlError(None, None, reason, event.start_mark)
        return super().compose_scalar_node(anchor)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a single word", key.start_mark)
            if key.value in names:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key.value!r}", key.start_mark)
            names.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep=deep)
            if isinstance(node, yaml.ScalarNode) and node.style is None:
                value = resolve_scalar(node.value, value)
        except AmbiguousError as error:
            raise _AmbiguousYamlError(None, None, str(error), node.start_mark) from None
        except ValueError:  # a number of 5,000 digits, a date such as 2026-99-99
            kind = node.tag.rpartition(":")[2]
            reason = f"cannot read {str(node.value)[:20]!r} as {kind}; put text in quotes"
            raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark) from None
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            reason = f"incomplete surrogate pair in {value[:20]!r}"
            raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark)
        return value


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the file's top-level sections; raise ParamsError if it is missing, invalid, or not a mapping."""
    try:
        text = path.read_text(encoding="utf-8")
        _check_breaks(path, text)
        value = _parse(path, text)
    except FileNotFoundError:
        advice = "" if path.is_absolute() else f"; run the command in the folder of {path.name}"
        raise ParamsError(f"{path}: no such file{advice}") from None
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ParamsError(f"{path}:{line}: not YAML: a control character, U+{ord(text[error.position]):04X}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        kind = "" if isinstance(error, _AmbiguousYamlError) else "not YAML: "
        raise ParamsError(f"{path}:{line}: {kind}{error.problem}") from None
    if not isinstance(value, dict):
        raise ParamsError(f"{path}:1: the file must be a mapping with one section per stage")
    return value


def _check_breaks(path: Path, text: str) -> None:
    """Refuse invisible characters that some YAML parsers treat as line breaks or ignore."""
    if match := _BREAKS.search(text, 1):  # a byte order mark may begin the file
        line, code = text.count("\n", 0, match.start()) + 1, ord(match.group())
        raise ParamsError(
            f"{path}:{line}: invisible character U+{code:04X}; remove it, or write \\u{code:04x} in double quotes"
        )


def read_value(text: str) -> Any:
    """Return the value of an override, parsed like a value in the file.

    Raises:
        KeyError: the text is invalid or ambiguous YAML; contains the reason.
    """
    try:
        loader = _StrictLoader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except _AmbiguousYamlError as error:
        raise KeyError(error.problem) from None
    except (yaml.YAMLError, RecursionError):
        raise KeyError(f"{text!r} is not valid YAML") from None


def _parse(path: Path, text: str) -> Any:
    loader = _StrictLoader(text)
    try:
        value = loader.get_single_data()
        if loader.yaml_version:
            raise ParamsError(f"{path}:1: remove the line %YAML: the file is always read as YAML 1.2")
        return value
    except RecursionError:
        raise ParamsError(f"{path}:{loader.get_mark().line + 1}: nested too deeply") from None
    finally:
        loader.dispose()


def suggest(name: str, names: Iterable[str]) -> str:
    """Return ``did you mean 'x'? `` for the closest name, or an empty text."""
    matches = get_close_matches(name, list(names), n=1)
    return f"did you mean {matches[0]!r}? " if matches else ""


def is_present(tree: yaml.Node | None, keys: Sequence[int | str]) -> bool:
    """Return whether the file contains a value at this path."""
    return len(list(_find_lines(tree, keys))) == len(keys)


def line_of(tree: yaml.Node | None, keys: Sequence[int | str]) -> int:
    """Return the line of a value, or of its nearest ancestor in the file, counted from 1."""
    *_, line = [0, *_find_lines(tree, keys)]
    return line + 1


def _find_lines(tree: yaml.Node | None, keys: Sequence[int | str]) -> Iterator[int]:
    """Yield the line of each node along the path, counted from 0, until a key is missing."""
    node = tree
    for key in keys:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
            yield node.start_mark.line
        elif isinstance(node, yaml.MappingNode) and (pairs := [pair for pair in node.value if pair[0].value == key]):
            yield pairs[0][0].start_mark.line
            node = pairs[0][1]
        else:
            return


def _describe_error(error: Any, names: Sequence[str]) -> str:
    """Return the message for one validation error, with the closest name for an unknown field."""
    if error["type"] == "extra_forbidden":
        hint = suggest(str(error["loc"][-1]), names)
        return f"unknown field; {hint or 'available: ' + ', '.join(names)}".rstrip()
    if error["type"] == "missing":
        return "required; this field has no default"
    value, rule = error["input"], _RULES.get(error["type"])
    if error["type"] == "string_pattern_mismatch":
        pattern = error["ctx"]["pattern"]
        rule = f"must be {PATTERNS.get(pattern, f'a text like {pattern}')}"
    message = rule or str(error["msg"]).removeprefix("Value error, ")
    if isinstance(value, str | int | float | bool):
        return f"{message} (got {redact_secrets(repr(value))}){_suggest_fix(error['type'], value)}"
    shape = "null" if value is None else "a list" if isinstance(value, list) else "a mapping"
    return f"{message} (got {shape})" if rule else message


def _suggest_fix(kind: str, value: Any) -> str:
    """Return how to write a value of the wrong type, such as a number in quotes."""
    if kind == "string_type":
        return "; put it in quotes"
    if kind == "bool_type" and (boolean := _BOOLEANS.get(str(value).lower())):
        return f"; write {boolean}"
    if kind not in ("int_type", "float_type") or isinstance(value, bool):
        return ""
    try:
        number = float(value)
        return f"; write {number if kind == 'float_type' else int(number)}" if number.is_integer() else ""
    except (ValueError, OverflowError):
        return ""
