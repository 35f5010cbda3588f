"""Read one block of params.yaml as a typed, checked, immutable object."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from satiety.errors import ParamsError

PARAMS_FILE = Path("params.yaml")


class Section(BaseModel):
    """A block of params.yaml. No field has a default: the file holds every value."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @classmethod
    def key(cls) -> str:
        """Return the block's name in the file, which is also the stage's name."""
        return cls.__name__.lower()

    @classmethod
    def load(cls, path: Path = PARAMS_FILE) -> Self:
        """Read this block; raise one ParamsError that names every wrong line of it."""
        return cls.check(path, read_yaml(path).get(cls.key(), {}), at=(cls.key(),))

    @classmethod
    def check(cls, path: Path, value: Any, *, at: tuple[str, ...] = ()) -> Self:
        """Make a section of ``value``, which stands in ``path`` under the keys ``at``."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
            details = error.errors()
            raise ParamsError("\n".join(_say(path, tree, (*at, *e["loc"]), e, details) for e in details)) from None


class _UniqueKeys(yaml.SafeLoader):
    """YAML's safe loader, which silently keeps the last of two equal keys, made to refuse them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be one plain word", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is here twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the file's top-level blocks; raise ParamsError where it is missing, broken, or no mapping."""
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506  # a SafeLoader
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file; run from the folder that holds it") from None
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ParamsError(f"{path}:{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not YAML: {error}") from None
    if not isinstance(value, dict):
        raise ParamsError(f"{path}:1: must hold one block per stage")
    return value


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``did you mean 'x'? `` for a near name, else nothing."""
    near = get_close_matches(name, list(names), n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def _say(path: Path, tree: yaml.Node | None, loc: tuple[int | str, ...], error: Any, others: Any) -> str:
    """``params.yaml:9: augment.steps.0.alpha: Input should be less than or equal to 1 (it is 3)``."""
    node, line = tree, 0
    for key in loc:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode) and (found := [kv for kv in node.value if kv[0].value == key]):
            line = found[0][0].start_mark.line
            node = found[0][1]
        else:
            break
    return f"{path}:{line + 1}: {'.'.join(map(str, loc))}: {_reason(error, others)}"


def _reason(error: Any, others: Any) -> str:
    """Say what is wrong with the value, and which missing field an unknown one was probably meant to be."""
    if error["type"] == "extra_forbidden":
        siblings = [e["loc"][-1] for e in others if e["type"] == "missing" and e["loc"][:-1] == error["loc"][:-1]]
        return f"there is no such field; {nearest(str(error['loc'][-1]), map(str, siblings))}".rstrip("; ")
    if error["type"] == "missing":
        return "missing; every value is written in the file"
    message = str(error["msg"]).removeprefix("Value error, ")
    value = error["input"]
    return f"{message} (it is {value!r})" if isinstance(value, str | int | float | bool) else message
