"""The blocks `levers`, `use` and `measure` of params.yaml: every lever under its name, and who draws on which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, SerializeAsAny, ValidationInfo, field_validator, model_validator

from satiety.project import Pooling
from satiety.section import Section, Seed, Written, nearest
from satiety.use import BLOCKS, NAMED, named
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
            if refusal := unusable(alike[0], levers[alike[0]]):
                raise ValueError(refusal)
            if count > LEVERS[kind].at_once:
                raise ValueError(f"{' and '.join(alike)} are both of kind {kind}; the pipeline takes one")
        used = {name: levers[name] for name in names if name in levers}
        reading = [name for name, lever in used.items() if lever.reads or lever.kind == "pretrain"]
        if reading and not any(lever.kind == "retrieve" for lever in used.values()):
            raise ValueError(f"{reading[0]} reads raw text, and there is none: name a lever of kind retrieve here, too")
        return names


class Augmentation(Section):
    """The levers in use that the stage `augment` applies: those of kind `augment`, and those of kinds of your own."""

    seed: Seed
    """Of what levers of your own draw, and of the heads that answer for them."""
    near_duplicate: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which what they add repeats a dev or test text, and goes."""
    max_length: int = Field(ge=8, le=8192)
    """Tokens per window of what is answered for them; a longer text is read in several."""
    prefix: str
    """Before every text that is embedded or answered for them."""
    pooling: Pooling
    """How the tokens of a text that is answered for them become one vector."""
    levers: dict[str, SerializeAsAny[Known]]
    """By name; none: the examples pass as they are."""

    @classmethod
    def key(cls) -> str:
        return "augment"

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return BLOCKS

    @classmethod
    def written(cls, values: Mapping[str, Any]) -> Written:
        """Return what the file says of the levers in use that no other stage applies."""
        levers = {name: lever for name, lever in named(values, "use").items() if not _elsewhere(lever)}
        return Written({"levers": levers}, {(): ("use",), ("levers",): ("levers",)})

    @property
    def others(self) -> dict[str, Lever]:
        """The levers of kinds of your own, by name."""
        return {name: lever for name, lever in self.levers.items() if lever.kind not in NAMED}

    @model_validator(mode="after")
    def _fit_the_pipeline(self) -> Self:
        for name, lever in self.levers.items():
            if refusal := unusable(name, lever):
                raise ValueError(refusal)
        return self


def unusable(name: str, lever: Lever) -> str | None:
    """Return why the pipeline cannot use a lever, in one sentence; None where it can."""
    ours = lever.kind in NAMED
    if not ours and lever.changes_surroundings:
        return (
            f"{name} is of kind {lever.kind}, which changes the raw texts or the encoder: it can be measured; in the "
            "pipeline a `retriever` of your own (of a lever of kind retrieve) or a `pretrainer` (of one of kind "
            "pretrain) does that"
        )
    if not lever.at_once or not (ours or lever.teaches):
        return f"{name} is of kind {lever.kind}, of which the pipeline has no use; it can be measured"
    return None


def _elsewhere(lever: Any) -> bool:
    """Return whether another stage applies what the file says of a lever."""
    kind = lever.get("kind") if isinstance(lever, Mapping) else None
    return kind in NAMED and kind != Augmentation.key()
