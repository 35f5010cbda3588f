"""A template and values -> a page in English or Chinese, which opens without a network and escapes every value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import yaml

from satiety.report.numbers import FILTERS, coded

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of a page: it runs no script and loads nothing."""
FOLDER = Path(__file__).parent


@cache
def texts() -> dict[str, dict[Language, str]]:
    """Return every text of every page by key and language."""
    table: dict[str, dict[Language, str]] = yaml.safe_load((FOLDER / "texts.yaml").read_text(encoding="utf-8"))
    return table


def translator(language: Language) -> Callable[..., str]:
    """Return the function ``t(key, **values)`` that looks up a text and puts the values in place."""

    def translate(key: str, /, **values: object) -> str:
        return texts()[key][language].format(**values)

    return translate


def write(key: str, /, **values: object) -> dict[str, str]:
    """Return a text in each language; a value that is a text in each language stands in its own."""
    return {
        language: translator(language)(
            key, **{name: value[language] if isinstance(value, dict) else value for name, value in values.items()}
        )
        for language in LANGUAGES
    }


def join(parts: Sequence[Mapping[str, str]], separator: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return texts in each language as a list, separated by commas or by another text."""
    between = separator or write("worth.comma")
    return {language: between[language].join(part[language] for part in parts) for language in LANGUAGES}


def render(template: str, language: Language, **values: object) -> str:
    """Return a whole page.

    Args:
        template: name of a file in ``templates/``, without ``.html.j2``.
        language: of the texts.
        values: what the template reads; a missing one is an error.

    Raises:
        jinja2.UndefinedError: the template reads a value that was not given.
    """
    context: dict[str, Any] = {"language": language, "t": _marked(language), "policy": POLICY, **values}
    return _environment().get_template(f"{template}.html.j2").render(context)


def _marked(language: Language) -> Callable[..., Markup]:
    """Return the templates' ``t``: values are escaped unless they are markup, and words in backticks are code."""

    def translate(key: str, /, **values: object) -> Markup:
        return coded(texts()[key][language]).format(**values)

    return translate


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from satiety.report.charts.intervals import axis_ends, whisker

    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= FILTERS
    environment.globals |= {"whisker": whisker, "axis_ends": axis_ends}
    return environment
