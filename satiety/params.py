"""params.yaml as one object: a section per stage, plus shared sections. Each stage reads only its own section."""

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

from satiety.core.errors import ParamsError
from satiety.core.project import Project, check_version, make_placeholder, read_project
from satiety.core.secrets import redact_secrets
from satiety.core.section import PARAMS_FILE, Section, SectionSource, line_of, read_value, read_yaml, suggest
from satiety.evaluate import Evaluate
from satiety.ingest import Ingest
from satiety.monitor.section import Monitor
from satiety.package import Register
from satiety.problems import Problem
from satiety.promotion import Promote
from satiety.retrain import Retrain
from satiety.tuning import Finetune
from satiety.validate import Validate
from satiety.worth.section import Worth
from satiety.worth.selection import Selection

EMPTY_SECTIONS = {"use": "[]", "measure": "[]"}
"""Empty value of sections that are lists; other sections are mappings."""
OPTIONAL_SECTIONS = ("promote", "monitor", "retrain")
"""Sections without a stage in dvc.yaml; DVC fails if one of the others is missing."""
_NUMBER = re.compile(r"[+-]?(\d|[1-9](_?\d)+)?(\.(\d(_?\d)*)?)?([eE][+-]?\d(_?\d)*)?")
"""Numbers in Hydra's grammar: without hexadecimals or leading zeros."""


@dataclass(frozen=True, slots=True)
class Params:
    """All sections of the file by name; `levers` includes `use` and `measure`."""

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


def section_classes() -> dict[str, type[Section]]:
    """Return the class of every section by name, in file order."""
    return typing.get_type_hints(Params)


def section_names() -> list[str]:
    """Return the names of all sections, in file order."""
    return [name for section in section_classes().values() for name in own_names(section)]


def own_names(section: type[Section]) -> tuple[str, ...]:
    """Return the names in the file that a section owns; other sections may read them."""
    return section.blocks() if section is Selection else (section.key(),)


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read every section; raise one ParamsError that lists every invalid line of the file."""
    values = read_yaml(path)
    check_version(path, values)
    _check_dvc(path)
    problems, places = _check_names(path, values)
    try:
        defaults = read_project(path, values) or make_placeholder()
    except ParamsError:
        defaults = make_placeholder()
    values |= {name: values[place] for name, place in places.items()}
    loaded: dict[str, Any] = {}
    for name, section in section_classes().items():
        try:
            source = _read_source(section, values, places)
            loaded[name] = section.parse(path, source, None if section is Project else defaults)
        except ParamsError as error:
            problems.append(str(error))
            if section is Selection:
                values |= {"levers": {}, "use": [], "measure": []}  # report their errors only once
    problems += _check_thresholds(path, loaded.get("retrain"), loaded.get("promote"))
    if "ingest" in loaded:
        problems += _find_refusals(path, loaded["ingest"].problem, loaded)
    if problems:
        raise ParamsError("\n".join(problems))
    return Params(**loaded)


def _check_dvc(path: Path) -> None:
    """Refuse a file that DVC cannot parse: its parser stops at a colon in unquoted text between braces or brackets."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    try:
        YAML(typ="safe").load(path.read_text(encoding="utf-8"))  # as DVC does it
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        advice = 'put text in quotes, as in {uri: "file:data/raw/base"}'
        raise ParamsError(f"{path}:{line}: DVC cannot parse this line: {error.problem}; {advice}") from None


def _read_source(section: type[Section], values: Mapping[str, Any], places: Mapping[str, str]) -> SectionSource:
    """Return the value and location of a section, whose name may be misspelt."""
    source = section.extract(values)
    place = places.get(section.key())
    return (
        SectionSource(source.value, {**source.places, (): (place,)}) if place and section is not Selection else source
    )


def _check_names(path: Path, values: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return the problems with section names, and the misspelt name of each section that has one."""
    blocks = section_names()
    problems, places = (
        [_describe_unknown(path, name, blocks) for name in values if name not in blocks],
        dict[str, str](),
    )
    for name in blocks:
        if name in values:
            continue
        matches = get_close_matches(name, [str(key) for key in values if key not in blocks], n=1)
        if matches:
            places[name] = matches[0]
        elif name not in (Project.key(), *OPTIONAL_SECTIONS):
            example = f"`{name}: {EMPTY_SECTIONS.get(name, '{}')}`"
            problems.append(f"{path}: {name}: the section is missing; add {example}, which DVC requires")
    return problems, places


def _check_thresholds(path: Path, retrain: Retrain | None, promote: Promote | None) -> list[str]:
    """Return the problems between two sections that are each valid."""
    if not retrain or not promote or retrain.window >= promote.min_fresh_examples:
        return []
    return [
        f"{path}: retrain.window: {retrain.window} is below promote.min_fresh_examples: {promote.min_fresh_examples}, "
        "so fresh test examples would never count; raise retrain.window or lower promote.min_fresh_examples"
    ]


def _find_refusals(path: Path, problem: Problem, loaded: Mapping[str, Any]) -> list[str]:
    """Return the settings of valid sections that do not support the problem, with their lines."""
    finetune, worth, selection = (loaded.get(name) for name in ("finetune", "worth", "levers"))
    refusals = [
        *(finetune.refusals(problem) if finetune else ()),
        *(worth.list_refusals(problem) if worth else ()),
        *(selection.list_refusals(problem) if selection else ()),
    ]
    tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    return [f"{path}:{line_of(tree, line.partition(':')[0].split('.'))}: {line}" for line in refusals]


def check_overrides(path: Path, overrides: Sequence[str]) -> None:
    """Check the file, then the file with overrides ``section.field=value`` in the syntax of `dvc exp run -S`.

    Raises:
        ParamsError: the file is invalid; or an override is malformed, has an unknown field or an invalid value. Lists
            every problem.
    """
    load_params(path)
    values = read_yaml(path)
    problems = override_values(values, overrides)
    try:
        _check_copy(path, values)
    except ParamsError as error:
        problems.append(str(error))
    if problems:
        raise ParamsError("\n".join(problems))


def override_values(values: dict[str, Any], overrides: Sequence[str]) -> list[str]:
    """Apply overrides to the values of a file; return a line for each invalid override."""
    problems, names = list[str](), set[str]()
    for override in overrides:
        name, equals, value = override.partition("=")
        try:
            if not equals or not name.strip():
                raise KeyError("write it as section.field=value")
            if name.strip() in names:
                raise KeyError("this field is overridden twice")
            names.add(name.strip())
            _set_value(values, name.strip().split("."), _read_override(value))
        except KeyError as error:
            problems.append(f"overrides: {redact_secrets(override)}: {error.args[0]}")
    return problems


def _check_copy(path: Path, values: Any) -> None:
    """Check the file with overrides applied; errors omit line numbers, which refer to a temporary copy."""
    with TemporaryDirectory(prefix="satiety-") as scratch:
        copy = Path(scratch, path.name)
        copy.write_text(json.dumps(values, default=str), encoding="utf-8")  # JSON is unambiguous YAML
        try:
            load_params(copy)
        except ParamsError as error:
            lines = re.sub(rf"^{re.escape(str(copy))}(?::\d+)?: ", "overrides: ", str(error), flags=re.MULTILINE)
            raise ParamsError(lines) from None


def _set_value(values: Any, keys: Sequence[str], value: Any) -> None:
    """Set a value at a path, creating missing sections."""
    for i, key in enumerate(keys):
        if not isinstance(values, dict):
            raise KeyError(f"{'.'.join(keys[:i])} has no fields, because it is a single value or a list")
        if i == len(keys) - 1:
            values[key] = value
        elif values.get(key) is None:
            values[key] = {}
        values = values[key]


def _read_override(text: str) -> Any:
    """Return a value parsed like the file; refuse numbers that Hydra's grammar, used by DVC, reads as text."""
    value = read_value(text)
    if isinstance(value, int | float) and not isinstance(value, bool) and not _NUMBER.fullmatch(text.strip()):
        raise KeyError(f"write {value}: DVC reads {text!r} as text")
    return value


def _describe_unknown(path: Path, name: Any, blocks: Sequence[str]) -> str:
    tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    keys = [key for key, _ in tree.value] if isinstance(tree, yaml.MappingNode) else []
    line = next((key.start_mark.line for key in keys if key.value == str(name)), 0) + 1
    return f"{path}:{line}: {name}: unknown section; {suggest(str(name), blocks)}available: {', '.join(blocks)}"
