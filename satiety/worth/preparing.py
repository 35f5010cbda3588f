"""Data, base model and params -> the plan of a study: everything that is the same for many cells, done once.

The gate stands here: whatever a lever may bring into training is held against the test texts, and what gives one away
is refused in every cell.
"""

from __future__ import annotations

import hashlib
import logging
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.errors import DataError
from satiety.files import digest, manifest
from satiety.neardup import HeldOut
from satiety.problems.base import Untrained
from satiety.worth.chains import grid
from satiety.worth.levers import Around, Lever, World
from satiety.worth.plan import Plan, in_order
from satiety.worth.reading import Reader, name_of
from satiety.worth.scores import LeverSet
from satiety.worth.study import controlled, sets

if TYPE_CHECKING:
    from satiety.problems import Problem
    from satiety.records import Document, Example
    from satiety.tuning.section import Finetune
    from satiety.worth.section import Worth


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Material:
    """What a study is made of."""

    problem: Problem
    pool: tuple[Example, ...]
    """The labels that may be spent, those of dev included."""
    test: tuple[Example, ...]
    corpus: tuple[Document, ...]
    base: Path


def prepare(material: Material, params: Worth, finetune: Finetune, home: Path, device: str) -> tuple[Plan, list[str]]:
    """Return the plan, and the digests of data and model that cells are kept under.

    Raises:
        DataError: there are too few labels for a curve, or there is no test example.
    """
    if len(material.pool) < 2 ** (params.budgets - 2) or not material.test:
        raise DataError(
            f"worth: {len(material.pool)} labels and {len(material.test)} test examples: too few for "
            f"{params.budgets} budgets; lower worth.budgets, or raise ingest.budget and ingest.test"
        )
    if params.controls and not controlled(params, grid(len(material.pool), params.budgets), len(material.pool)):
        log.warning(
            "worth.controls: the oracle reveals more labels than any budget leaves, so no control is measured; "
            "lower its share, or raise worth.budgets"
        )
    reader = Reader(home, material.base, material.problem, params.reading, device)
    world = World(
        material.problem,
        material.pool,
        material.test,
        material.corpus,
        material.base,
        reader.embed,
        params.seed,
        device,
        home,
    )
    levers = in_order(params)
    prepared = {name: lever.prepare(world) for name, lever in levers.items()}
    held = HeldOut.of(material.test, params.near_duplicate)
    around = _surroundings(world, params, levers, held)
    texts = list(_texts(world, prepared, around))
    twins = held.twins(texts)
    _read(world, params, levers, prepared, around, reader)
    plan = Plan(
        problem=material.problem,
        pool=material.pool,
        test=material.test,
        params=params,
        finetune=finetune.model_copy(update={"pseudo": None}),  # levers are the meter's to set
        prepared=prepared,
        around=around,
        refused={name_of(text): twin is not None for text, twin in zip(texts, twins, strict=True)},
        zero=material.problem.tally(material.test, material.problem.before([], material.test, Untrained(reader.embed))),
        home=home,
        device=device,
    )
    return plan, _digests(material)


def _sets(params: Worth) -> list[LeverSet]:
    return [*sets(params), *((lever.kind,) for lever in params.controls)]


def _surroundings(world: World, params: Worth, levers: Mapping[str, Lever], held: HeldOut) -> dict[LeverSet, Around]:
    """Return what every lever set has beside labels: a sample of the corpus and the base, as its levers change them.

    What the same levers change in the same order is changed once, for finding documents and pre-training take long.
    """
    known: dict[LeverSet, Around] = {(): _clean(Around(_sample(world, params), world.base), held)}

    def around(names: LeverSet) -> Around:
        if names not in known:
            before = around(names[:-1])
            after = levers[names[-1]].surround(before, world)
            known[names] = after if after.documents is before.documents else _clean(after, held)
        return known[names]

    return {
        found: around(tuple(name for name in levers if name in found and levers[name].changes_surroundings))
        for found in _sets(params)
    }


def _clean(around: Around, held: HeldOut) -> Around:
    """Return it without the documents that give away a test text: no lever is to learn from them, in whatever way."""
    kept, _ = held.part(around.documents, lambda document: document.text)
    return replace(around, documents=tuple(kept))


def _sample(world: World, params: Worth) -> tuple[Document, ...]:
    spoken = {example.language for example in world.pool} | {"und", ""}
    fits = [one for one in world.corpus if one.language in spoken]
    draw = random.Random(f"{params.seed}/documents")  # no secret
    return tuple(draw.sample(fits, min(params.documents, len(fits))))


def _texts(
    world: World, prepared: Mapping[str, tuple[Example, ...]], around: Mapping[LeverSet, Around]
) -> Iterator[str]:
    """Yield every text that may come into training beside the pool, each once; the test's own among them."""
    brought: Iterable[str] = (example.text for examples in prepared.values() for example in examples)
    raw = (document.text for one in around.values() for document in one.documents)
    yield from dict.fromkeys((*brought, *raw, *(example.text for example in world.test)))


def _read(
    world: World,
    params: Worth,
    levers: Mapping[str, Lever],
    prepared: Mapping[str, tuple[Example, ...]],
    around: Mapping[LeverSet, Around],
    base: Reader,
) -> None:
    """Have every encoder read what the cells that start from it will ask of it."""
    for found, one in around.items():
        reader = (
            base
            if one.encoder == world.base
            else Reader(base.home, one.encoder, world.problem, params.reading, world.device)
        )
        reader.read((*world.pool, *world.test))
        if len(world.problem.inputs) > 1:
            continue  # what levers bring is no bare text then: each cell reads its own
        for name in found:
            reader.read(prepared[name])
            if levers[name].reads:
                reader.read(world.problem.ask(document.text for document in one.documents))


def _digests(material: Material) -> list[str]:
    def of(records: Iterable[Any]) -> str:
        return hashlib.sha256("\0".join(map(repr, records)).encode()).hexdigest()

    model = digest(manifest(material.base))
    return [of(material.pool), of(material.test), model, material.problem.model_dump_json()]
