"""The blocks `levers`, `use` and `measure` of params.yaml: every lever under its name, and who draws on which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator

from satiety.section import Section, Written, nearest
from satiety.worth.levers import LEVERS, Lever

Known = Annotated[Lever, LEVERS.choice()]
LeverName = Annotated[str, Field(pattern=r"^[\w-]{1,40}$")]
"""Letters, digits, dash and underscore; names of several levers are joined by other signs."""
PLAIN_NAME = "plain"
"""What reports call no lever at all."""
MOST_MEASURED = 6
"""Levers, for all their combinations are measured."""


class Selection(Section):
    """Which levers there are, which of them the pipeline uses, and which the meter measures."""

    levers: dict[LeverName, SerializeAsAny[Known]] = Field(default_factory=dict)
    """Data techniques, each under a name of your own: `satiety list lever`. Several may be of one kind."""
    use: list[str] = Field(default_factory=list)
    """Names of those that the pipeline draws on. Follow the meter's advice by moving a name."""
    measure: list[str] = Field(default_factory=list, max_length=MOST_MEASURED)
    """Names of those that the meter measures, alone and in every combination; none: the curve and its forecast only."""

    @classmethod
    def key(cls) -> str:
        return "levers"

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return ("levers", "use", "measure")

    @classmethod
    def written(cls, values: Mapping[str, Any]) -> Written:
        return Written({name: values[name] for name in cls.blocks() if values.get(name) is not None}, {(): ()})

    @field_validator("levers")
    @classmethod
    def _are_named(cls, levers: dict[str, Lever]) -> dict[str, Lever]:
        if PLAIN_NAME in levers:
            raise ValueError(f"{PLAIN_NAME!r} is what reports call no lever at all; take another name")
        return levers

    @field_validator("use", "measure")
    @classmethod
    def _are_levers(cls, names: list[str], info: ValidationInfo) -> list[str]:
        levers = info.data.get("levers")
        if levers is None:
            return names  # what is wrong with them is said already
        for name in names:
            if name not in levers:
                there = ", ".join(levers) or "none"
                raise ValueError(f"no lever is called {name!r}; {nearest(name, levers)}there are: {there}")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} is named twice")
        return names

    @field_validator("use")
    @classmethod
    def _fit_the_pipeline(cls, names: list[str], info: ValidationInfo) -> list[str]:
        levers: Mapping[str, Lever] = info.data.get("levers") or {}
        for kind, count in Counter(levers[name].kind for name in names if name in levers).items():
            alike = [name for name in names if levers[name].kind == kind]
            if not LEVERS[kind].at_once:
                raise ValueError(f"{alike[0]} is of kind {kind}, of which the pipeline has no use; it can be measured")
            if count > LEVERS[kind].at_once:
                raise ValueError(f"{' and '.join(alike)} are both of kind {kind}; the pipeline takes one")
        return names
