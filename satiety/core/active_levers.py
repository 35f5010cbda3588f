"""The sections `levers` and `use` of params.yaml -> the settings of the levers that one stage applies.

A stage validates only its own levers; `satiety.worth.selection` validates the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satiety.core.errors import ParamsError
from satiety.core.section import PARAMS_FILE, SectionSource, suggest

BLOCKS = ("levers", "use")
STAGE_KINDS = ("retrieve", "augment", "pretrain", "self_training")
"""Kinds of levers with a stage of their own; `augment` applies all other kinds."""


def select_levers(values: Mapping[str, Any], block: str) -> dict[str, Any]:
    """Return the settings of the levers listed in the section ``use`` or ``measure``, by name.

    Raises:
        ParamsError: a section has the wrong type, or a name is missing under `levers`.
    """
    levers, names = values.get("levers") or {}, values.get(block) or []
    if not isinstance(levers, Mapping) or not isinstance(names, list):
        raise ParamsError(f"{PARAMS_FILE}: `levers` must be a mapping of names to levers, `{block}` a list of names")
    for name in names:
        if name not in levers:
            hint = suggest(str(name), map(str, levers))
            raise ParamsError(f"{PARAMS_FILE}: {block}: unknown lever {name!r}; {hint}define it under `levers`")
    return {name: levers[name] for name in names}


def list_active(values: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the fields, except ``kind``, of every lever of this kind that the pipeline uses, by name."""
    return {
        name: {field: value for field, value in lever.items() if field != "kind"}
        for name, lever in select_levers(values, "use").items()
        if isinstance(lever, Mapping) and lever.get("kind") == kind
    }


def find_active(values: Mapping[str, Any], kind: str, default: Any) -> SectionSource:
    """Return the settings of the one active lever of a kind, or the default if none is active.

    Raises:
        ParamsError: two levers of this kind are active.
    """
    levers = list_active(values, kind)
    if len(levers) > 1:
        raise ParamsError(f"{PARAMS_FILE}: use: {' and '.join(levers)} are both of kind {kind}; list only one")
    for name, value in levers.items():
        return SectionSource(value, {(): ("levers", name)})
    return SectionSource(default, {(): ("use",)})
