"""The blocks `levers` and `use` of params.yaml -> what a stage reads of the levers that the pipeline uses.

A stage reads its own levers alone: what else is named there is checked by `satiety.worth.selection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satiety.core.errors import ParamsError
from satiety.core.section import PARAMS_FILE, SectionSource, suggest

BLOCKS = ("levers", "use")
STAGE_KINDS = ("retrieve", "augment", "pretrain", "self_training")
"""Kinds of levers that a stage knows by name; levers of all other kinds are applied by `augment`."""


def select_levers(values: Mapping[str, Any], block: str) -> dict[str, Any]:
    """Return what the file says of the levers that ``use`` or ``measure`` names.

    Raises:
        ParamsError: it is no list of names of levers.
    """
    levers, names = values.get("levers") or {}, values.get(block) or []
    if not isinstance(levers, Mapping) or not isinstance(names, list):
        raise ParamsError(f"{PARAMS_FILE}: `levers` must be names with what they are, `{block}` a list of such names")
    for name in names:
        if name not in levers:
            hint = suggest(str(name), map(str, levers))
            raise ParamsError(f"{PARAMS_FILE}: {block}: no lever is called {name!r}; {hint}name it under `levers`")
    return {name: levers[name] for name in names}


def list_active(values: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return what the file says of the levers of a kind that the pipeline uses, without their kind."""
    levers = {name: lever for name, lever in select_levers(values, "use").items() if isinstance(lever, Mapping)}
    return {
        name: {field: value for field, value in lever.items() if field != "kind"}
        for name, lever in levers.items()
        if lever.get("kind") == kind
    }


def find_active(values: Mapping[str, Any], kind: str, default: Any) -> SectionSource:
    """Return what the file says of the one lever of a kind that is in use, or what holds where none is.

    Raises:
        ParamsError: two of them are.
    """
    levers = list_active(values, kind)
    if len(levers) > 1:
        raise ParamsError(f"{PARAMS_FILE}: use: {' and '.join(levers)} are both of kind {kind}; the pipeline takes one")
    for name, value in levers.items():
        return SectionSource(value, {(): ("levers", name)})
    return SectionSource(default, {(): ("use",)})
