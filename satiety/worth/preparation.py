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

from satiety.core.errors import DataError
from satiety.core.files import digest, manifest
from satiety.levers.base import Lever, StudyContext, StudyInputs
from satiety.problems.base import ZeroShotModel
from satiety.text.deduplication import HeldOut
from satiety.worth.features import FeatureExtractor, hash_text
from satiety.worth.plan import Plan, collect_levers
from satiety.worth.replicates import list_budgets
from satiety.worth.scores import LeverSet
from satiety.worth.study import list_lever_sets, select_control_budgets

if TYPE_CHECKING:
    from satiety.core.records import Document, Example
    from satiety.problems import Problem
    from satiety.tuning.section import Finetune
    from satiety.worth.section import Worth


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StudyData:
    """What a study is made of."""

    problem: Problem
    pool: tuple[Example, ...]
    """The labels that may be spent, those of dev included."""
    test: tuple[Example, ...]
    corpus: tuple[Document, ...]
    base: Path


def prepare_study(
    study: StudyData, params: Worth, finetune: Finetune, home: Path, device: str
) -> tuple[Plan, list[str]]:
    """Return the plan, and the digests of data and model that cells are kept under.

    Raises:
        DataError: there are too few labels for a curve, or there is no test example.
    """
    if len(study.pool) < 2 ** (params.budgets - 2) or not study.test:
        raise DataError(
            f"worth: {len(study.pool)} labels and {len(study.test)} test examples: too few for "
            f"{params.budgets} budgets; lower worth.budgets, or raise ingest.budget and ingest.test"
        )
    if params.controls and not select_control_budgets(
        params, list_budgets(len(study.pool), params.budgets), len(study.pool)
    ):
        log.warning(
            "worth.controls: the oracle reveals more labels than any budget leaves, so no control is measured; "
            "lower its share, or raise worth.budgets"
        )
    extractor = FeatureExtractor(home, study.base, study.problem, params.encoder_config, device)
    context = StudyContext(
        study.problem,
        study.pool,
        study.test,
        study.corpus,
        study.base,
        extractor.embed,
        params.seed,
        device,
        home,
    )
    levers = collect_levers(params)
    precomputed = {name: lever.precompute(context) for name, lever in levers.items()}
    held_out = HeldOut.from_examples(study.test, params.dedup_threshold)
    inputs = _transform_inputs(context, params, levers, held_out)
    texts = list(_iterate_texts(context, precomputed, inputs))
    twins = held_out.find_leaks(texts)
    _extract_features(context, params, levers, precomputed, inputs, extractor)
    plan = Plan(
        problem=study.problem,
        pool=study.pool,
        test=study.test,
        params=params,
        finetune=finetune.model_copy(update={"self_training": None}),  # levers are the meter's to set
        precomputed=precomputed,
        inputs=inputs,
        contaminated={hash_text(text): twin is not None for text, twin in zip(texts, twins, strict=True)},
        zero_shot=study.problem.tally(
            study.test, study.problem.zero_shot([], study.test, ZeroShotModel(extractor.embed))
        ),
        home=home,
        device=device,
    )
    return plan, _compute_digests(study)


def _list_lever_sets(params: Worth) -> list[LeverSet]:
    return [*list_lever_sets(params), *((lever.kind,) for lever in params.controls)]


def _transform_inputs(
    context: StudyContext, params: Worth, levers: Mapping[str, Lever], held_out: HeldOut
) -> dict[LeverSet, StudyInputs]:
    """Return what every lever set has beside labels: a sample of the corpus and the base, as its levers change them.

    What the same levers change in the same order is changed once, for finding documents and pre-training take long.
    """
    transformed: dict[LeverSet, StudyInputs] = {
        (): _drop_contaminated(StudyInputs(_sample_documents(context, params), context.base), held_out)
    }

    def transform(names: LeverSet) -> StudyInputs:
        if names not in transformed:
            previous = transform(names[:-1])
            changed = levers[names[-1]].transform_inputs(previous, context)
            transformed[names] = (
                changed if changed.documents is previous.documents else _drop_contaminated(changed, held_out)
            )
        return transformed[names]

    return {
        lever_set: transform(tuple(name for name in levers if name in lever_set and levers[name].has_input_transform))
        for lever_set in _list_lever_sets(params)
    }


def _drop_contaminated(inputs: StudyInputs, held_out: HeldOut) -> StudyInputs:
    """Return it without the documents that give away a test text: no lever is to learn from them, in whatever way."""
    documents, _ = held_out.partition(inputs.documents, lambda document: document.text)
    return replace(inputs, documents=tuple(documents))


def _sample_documents(context: StudyContext, params: Worth) -> tuple[Document, ...]:
    languages = {example.language for example in context.pool} | {"und", ""}
    candidates = [document for document in context.corpus if document.language in languages]
    rng = random.Random(f"{params.seed}/documents")  # no secret
    return tuple(rng.sample(candidates, min(params.documents, len(candidates))))


def _iterate_texts(
    context: StudyContext, precomputed: Mapping[str, tuple[Example, ...]], inputs: Mapping[LeverSet, StudyInputs]
) -> Iterator[str]:
    """Yield every text that may come into training beside the pool, each once; the test's own among them."""
    added: Iterable[str] = (example.text for examples in precomputed.values() for example in examples)
    raw = (document.text for lever_inputs in inputs.values() for document in lever_inputs.documents)
    yield from dict.fromkeys((*added, *raw, *(example.text for example in context.test)))


def _extract_features(
    context: StudyContext,
    params: Worth,
    levers: Mapping[str, Lever],
    precomputed: Mapping[str, tuple[Example, ...]],
    inputs: Mapping[LeverSet, StudyInputs],
    base: FeatureExtractor,
) -> None:
    """Have every encoder read what the cells that start from it will ask of it."""
    for lever_set, lever_inputs in inputs.items():
        extractor = (
            base
            if lever_inputs.encoder == context.base
            else FeatureExtractor(
                base.home, lever_inputs.encoder, context.problem, params.encoder_config, context.device
            )
        )
        extractor.extract((*context.pool, *context.test))
        if len(context.problem.inputs) > 1:
            continue  # what levers bring is no bare text then: each cell reads its own
        for name in lever_set:
            extractor.extract(precomputed[name])
            if levers[name].uses_documents:
                extractor.extract(context.problem.build_examples(document.text for document in lever_inputs.documents))


def _compute_digests(study: StudyData) -> list[str]:
    def compute_digest(records: Iterable[Any]) -> str:
        return hashlib.sha256("\0".join(map(repr, records)).encode()).hexdigest()

    model = digest(manifest(study.base))
    return [compute_digest(study.pool), compute_digest(study.test), model, study.problem.model_dump_json()]
