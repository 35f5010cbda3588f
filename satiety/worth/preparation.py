"""Data, base model and params -> the plan of a study: everything that many runs share, computed once.

Decontamination happens here: every text that a lever may bring into training is compared with the test texts, and near
duplicates of these are removed in every run.
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
from satiety.worth.runs import list_budgets
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
    """Data and base model of a study."""

    problem: Problem
    pool: tuple[Example, ...]
    """All labelled examples, the validation set included."""
    test: tuple[Example, ...]
    corpus: tuple[Document, ...]
    base: Path


def prepare_study(
    study: StudyData, params: Worth, finetune: Finetune, home: Path, device: str
) -> tuple[Plan, list[str]]:
    """Return the plan, and the digests of data and model for the cache keys of runs.

    Raises:
        DataError: there are too few labels for the learning curve, or no test examples.
    """
    if len(study.pool) < 2 ** (params.budgets - 2) or not study.test:
        raise DataError(
            f"worth: {len(study.pool)} labels and {len(study.test)} test examples are too few for {params.budgets} "
            "budgets; lower worth.budgets, or raise ingest.budget and ingest.test"
        )
    if params.controls and not select_control_budgets(
        params, list_budgets(len(study.pool), params.budgets), len(study.pool)
    ):
        log.warning(
            "worth.controls: no budget leaves enough labels for the oracle, so no control is measured; lower its share "
            "or raise worth.budgets"
        )
    extractor = FeatureExtractor(home, study.base, study.problem, params.encoder_config, device)
    context = StudyContext(
        study.problem, study.pool, study.test, study.corpus, study.base, extractor.embed, params.seed, device, home
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
        finetune=finetune.model_copy(update={"self_training": None}),  # a lever, so set by the runs
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


def _transform_inputs(
    context: StudyContext, params: Worth, levers: Mapping[str, Lever], held_out: HeldOut
) -> dict[LeverSet, StudyInputs]:
    """Return documents and encoder of every lever set: a sample of the corpus and the base model, then its levers.

    Lever sets that start with the same input transforms share the results, since retrieval and pre-training are slow.
    """

    def drop_contaminated(inputs: StudyInputs) -> StudyInputs:
        documents, _ = held_out.partition(inputs.documents, lambda document: document.text)
        return replace(inputs, documents=tuple(documents))

    languages = {example.language for example in context.pool} | {"und", ""}
    candidates = [document for document in context.corpus if document.language in languages]
    rng = random.Random(f"{params.seed}/documents")
    sample = tuple(rng.sample(candidates, min(params.documents, len(candidates))))
    transformed: dict[LeverSet, StudyInputs] = {(): drop_contaminated(StudyInputs(sample, context.base))}

    def transform(names: LeverSet) -> StudyInputs:
        if names not in transformed:
            previous = transform(names[:-1])
            changed = levers[names[-1]].transform_inputs(previous, context)
            is_clean = changed.documents is previous.documents
            transformed[names] = changed if is_clean else drop_contaminated(changed)
        return transformed[names]

    return {
        lever_set: transform(tuple(name for name in levers if name in lever_set and levers[name].has_input_transform))
        for lever_set in [*list_lever_sets(params), *((lever.kind,) for lever in params.controls)]
    }


def _iterate_texts(
    context: StudyContext, precomputed: Mapping[str, tuple[Example, ...]], inputs: Mapping[LeverSet, StudyInputs]
) -> Iterator[str]:
    """Yield every text that may be added to training, and the test texts; each once."""
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
    """Compute the features that runs need, for every encoder."""
    for lever_set, lever_inputs in inputs.items():
        extractor = base
        if lever_inputs.encoder != context.base:
            encoder, config = lever_inputs.encoder, params.encoder_config
            extractor = FeatureExtractor(base.home, encoder, context.problem, config, context.device)
        extractor.extract((*context.pool, *context.test))
        if len(context.problem.inputs) > 1:
            continue  # added examples are not single texts then, so each run encodes its own
        for name in lever_set:
            extractor.extract(precomputed[name])
            if levers[name].uses_documents:
                extractor.extract(context.problem.build_examples(document.text for document in lever_inputs.documents))


def _compute_digests(study: StudyData) -> list[str]:
    def compute_digest(records: Iterable[Any]) -> str:
        return hashlib.sha256("\0".join(map(repr, records)).encode()).hexdigest()

    model = digest(manifest(study.base))
    return [compute_digest(study.pool), compute_digest(study.test), model, study.problem.model_dump_json()]
