"""Every parameter that a message, a docstring or a page names exists."""

import ast
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from cli.explain import collect_registries
from satiety.core.registry import Component
from satiety.core.section import PATTERNS
from satiety.params import section_classes

SECTIONS = section_classes()
PAGE_TEXTS = yaml.safe_load(Path("satiety/report/texts.yaml").read_text(encoding="utf-8"))
COMPONENTS = {cls for registry in collect_registries().values() for cls in (registry[name] for name in registry)}
NAMED = re.compile(rf"(?<![\w./-])({'|'.join(SECTIONS)})((?:\.[a-z][a-z0-9_]*+)++)(?![A-Z/(*\[-]|\.\w)")
SUFFIXES = ("json", "py", "csv", "html", "md", "parquet", "zh", "yaml", "lock")


def iterate_texts() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of every string in the source, and of every text of the pages."""
    for root in ("satiety", "tasks", "flows", "cli"):
        for path in sorted(Path(root).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in PAGE_TEXTS:
                    yield f"{path}:{node.lineno}", node.value
    for key, texts in PAGE_TEXTS.items():
        yield from ((f"texts.yaml: {key}", text) for text in texts.values())


def find_models(hint: Any) -> set[type[BaseModel]]:
    """Return the models in a type; for a choice of components, all of its kind."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return {cls for cls in COMPONENTS if issubclass(cls, hint)} if issubclass(hint, Component) else {hint}
    return {cls for argument in typing.get_args(hint) for cls in find_models(argument)}


def is_parameter(section: str, names: list[str]) -> bool:
    models: set[type[BaseModel]] = {SECTIONS[section]}
    for name in names:
        fields = [model.model_fields[name] for model in models if name in model.model_fields]
        if not fields:
            return False
        models = {cls for field in fields for cls in find_models(field.annotation)}
    return True


def test_parameters_are_recognised() -> None:
    assert is_parameter("finetune", ["recipe", "training", "min_steps"])
    assert is_parameter("worth", ["fine_tuned", "replicates"])
    assert not is_parameter("worth", ["fine_tuned", "chains"])


def test_every_pattern_of_a_parameter_is_described_in_words() -> None:
    files = [path for path in Path("satiety").rglob("*.py") if path.name != "settings.py"]
    patterns = {name for path in files for name in re.findall(r'pattern=r"([^"]+)"', path.read_text(encoding="utf-8"))}
    assert patterns == set(PATTERNS)


def test_every_parameter_that_a_text_names_exists() -> None:
    missing, count = [], 0
    for place, text in iterate_texts():
        for match in NAMED.finditer(text):
            section, names = match[1], match[2][1:].split(".")
            if names[-1] not in SUFFIXES:
                count += 1
                missing += [] if is_parameter(section, names) else [f"{place}: {match[0]}"]
    assert count > 50
    assert not missing, "\n".join(missing)
