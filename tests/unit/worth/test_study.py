"""A study computes each run once, stores it, and gives all lever sets of a replicate the same labels."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from satiety.core.answers import Label
from satiety.core.errors import DataError, ModelError
from satiety.core.executor import processes
from satiety.core.records import Example
from satiety.levers.base import LEVERS
from satiety.worth.evaluator import Evaluator
from satiety.worth.features import hash_text
from satiety.worth.learners import ProxyModel
from satiety.worth.plan import Plan
from satiety.worth.preparation import prepare_study
from satiety.worth.runs import FIRST_CURVE_REPLICATE, StudyRun
from satiety.worth.section import Worth
from satiety.worth.study import Measurements, list_lever_sets, run_study, select_control_budgets
from tests.patience import PATIENCE
from tests.unit.worth.material import AUGMENT, CONTROLS, PSEUDO, RETRIEVE, Inline, build_study_data, finetune, worth

BUDGETS = (0, 4, 8, 16, 32)
NUM_CONTROL_RUNS = 2 * 4 * 4 + 2 * 4
"""Runs of the controls: two budgets, four controls, four replicates; and ungated runs of the leak."""
NUM_CONTROL_BASELINES = 2
"""Baseline runs in the replicate that controls have and levers have not, at two budgets."""
NUM_RUNS = 1 + 4 * 4 + NUM_CONTROL_RUNS + NUM_CONTROL_BASELINES + 2 * 4 * 3
"""Runs of the smallest study: no label, the curve, controls, the baseline and one lever."""


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that shares encoded texts between tests; each test computes its own runs."""
    return tmp_path_factory.mktemp("home")


def prepare_plan(home: Path, base: Path, kind: str = "classify", **changes: Any) -> tuple[Plan, list[str]]:
    return prepare_study(build_study_data(base, kind), worth(**changes), finetune(), home, "cpu")


def measure_study(home: Path, base: Path, kind: str = "classify", **changes: Any) -> Measurements:
    return run_study(*prepare_plan(home, base, kind, **changes), Inline())


class TestReuse:
    def test_second_study_computes_nothing_and_has_the_same_outcomes(self, tmp_path: Path, tiny: Path) -> None:
        first, second = measure_study(tmp_path, tiny), measure_study(tmp_path, tiny)
        assert (first.computed, second.computed) == (NUM_RUNS, 0)
        assert first.budgets == second.budgets == BUDGETS
        assert all((second.outcomes[run].tallies == outcome.tallies).all() for run, outcome in first.outcomes.items())
        assert first.outcomes.keys() == second.outcomes.keys()

    def test_only_added_runs_are_computed(self, tmp_path: Path, tiny: Path) -> None:
        home, two_levers = tmp_path, [AUGMENT, PSEUDO]
        assert measure_study(home, tiny).computed == NUM_RUNS
        assert measure_study(home, tiny, replicates=4).computed == 2 * 4 - NUM_CONTROL_BASELINES, "a replicate"
        assert measure_study(home, tiny, curve_replicates=5).computed == 4 + 2 * 5 + NUM_CONTROL_BASELINES, (
            "a replicate of curve and controls"
        )
        assert measure_study(home, tiny, levers=two_levers).computed == 2 * 4 * 3, (
            "a lever: by itself, and with the other"
        )
        assert measure_study(home, tiny, budgets=6).computed == 2 * 3 + 4, "a budget"
        changed = PSEUDO | {"rounds": 1}
        assert measure_study(home, tiny, levers=[AUGMENT, changed]).computed == 2 * 4 * 3, (
            "runs that the changed params affect"
        )
        assert measure_study(home, tiny, resamples=200, confidence_level=0.9, min_effect=0.05).computed == 0, (
            "only the analysis changes"
        )
        assert measure_study(home, tiny, levers=two_levers, replicates=4, curve_replicates=5, budgets=6).computed > 0
        assert measure_study(home, tiny, levers=two_levers, replicates=4, curve_replicates=5, budgets=6).computed == 0

    def test_retrieval_without_a_reader_shares_the_runs_without_it(self, tmp_path: Path, tiny: Path) -> None:
        home = tmp_path
        assert measure_study(home, tiny, levers=[AUGMENT, PSEUDO], controls=[]).computed
        measurements = measure_study(home, tiny, levers=[RETRIEVE, AUGMENT, PSEUDO], controls=[])
        reading = [("retrieve", "self_training"), ("augment", "retrieve", "self_training")]
        assert measurements.computed == len(reading) * 4 * 3, "lever sets that read the retrieved documents"
        for run in [run for run in measurements.outcomes if "retrieve" in run.levers and run.levers not in reading]:
            without_retrieval = replace(run, levers=tuple(name for name in run.levers if name != "retrieve"))
            assert measurements.outcomes[run] is measurements.outcomes[without_retrieval]

    @pytest.mark.parametrize(
        "changed",
        [{"seed": 2}, {"head": {"l2": [0.1], "folds": 2, "rows": 1000}}, {"dedup_threshold": 0.9}],
        ids=str,
    )
    def test_another_recipe_computes_everything(self, changed: Any, tmp_path: Path, tiny: Path) -> None:
        measure_study(tmp_path, tiny, controls=[])
        assert (
            measure_study(tmp_path, tiny, controls=[], **changed).computed
            == NUM_RUNS - NUM_CONTROL_RUNS - NUM_CONTROL_BASELINES
        )

    def test_other_data_computes_everything(self, tmp_path: Path, tiny: Path) -> None:
        measure_study(tmp_path, tiny, controls=[])
        changed = build_study_data(tiny)
        relabelled = replace(changed.pool[3], answer=Label("good" if str(changed.pool[3].answer) == "bad" else "bad"))
        changed = replace(changed, pool=(*changed.pool[:3], relabelled, *changed.pool[4:]))
        measurements = run_study(*prepare_study(changed, worth(controls=[]), finetune(), tmp_path, "cpu"), Inline())
        assert measurements.computed == NUM_RUNS - NUM_CONTROL_RUNS - NUM_CONTROL_BASELINES

    def test_damaged_run_is_computed_again_with_the_same_outcome(self, tmp_path: Path, tiny: Path) -> None:
        first = measure_study(tmp_path, tiny)
        files = sorted((tmp_path / "runs").rglob("*.safetensors"))
        assert len(files) == NUM_RUNS
        content = files[5].read_bytes()
        files[5].write_bytes(content[:100])
        files[9].unlink()
        second = measure_study(tmp_path, tiny)
        assert second.computed == 2
        assert all((second.outcomes[run].tallies == outcome.tallies).all() for run, outcome in first.outcomes.items())

    def test_stopped_lever_has_no_further_runs(self, tmp_path: Path, tiny: Path) -> None:
        """No lever adds 0.9: all are stopped at the first comparison, the baseline and the controls are not."""
        measurements = measure_study(tmp_path, tiny, replicates=6, min_effect=0.9)
        assert measurements.stopped == {("augment",): 4}
        replicates = defaultdict(set)
        for run in measurements.outcomes:
            if run.budget and run.replicate < FIRST_CURVE_REPLICATE:
                replicates[run.levers].add(run.replicate)
        assert replicates[()] == set(range(6))
        assert replicates["augment",] == set(range(4))
        assert replicates["oracle",] == set(range(4))
        assert measurements.planned == 2 * 4 * 6


def test_processes_compute_what_one_process_computes(tmp_path: Path, tiny: Path) -> None:
    plan, inputs = prepare_plan(tmp_path / "a", tiny)
    with processes(2) as executor:
        parallel = run_study(plan, inputs, executor)
    serial = measure_study(tmp_path / "b", tiny)
    assert parallel.computed == serial.computed == NUM_RUNS
    assert all((serial.outcomes[run].tallies == outcome.tallies).all() for run, outcome in parallel.outcomes.items())


def test_error_in_a_run_is_raised_and_leaves_no_process(tmp_path: Path, tiny: Path) -> None:
    plan, inputs = prepare_plan(tmp_path, tiny, controls=[])
    nowhere = replace(plan.inputs["augment",], encoder=tmp_path / "nowhere")
    broken = replace(plan, inputs={**plan.inputs, ("augment",): nowhere})
    with pytest.raises(ModelError, match="nowhere: no such folder"), processes(1) as executor:
        run_study(broken, inputs, executor)
    assert not psutil.wait_procs(find_workers(), timeout=PATIENCE)[1]
    assert run_study(plan, inputs, Inline()).computed < NUM_RUNS - NUM_CONTROL_RUNS - NUM_CONTROL_BASELINES, (
        "finished runs are stored"
    )


def test_loaded_plan_equals_the_saved_one(tmp_path: Path, tiny: Path) -> None:
    for kind in ("classify", "ner"):
        plan, _ = prepare_plan(tmp_path / "home", tiny, kind, levers=[AUGMENT, PSEUDO, RETRIEVE])
        (tmp_path / kind).mkdir()
        plan.save(tmp_path / kind)
        loaded = Plan.load(tmp_path / kind)
        assert (loaded.zero_shot == plan.zero_shot).all()
        assert replace(loaded, zero_shot=plan.zero_shot) == plan
        assert list(loaded.levers.items()) == list(plan.levers.items())
        assert not list((tmp_path / kind).glob("*.pkl"))


def find_workers() -> list[psutil.Process]:
    """Return the child processes of this one that are workers of a pool and still run."""
    worker_processes = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            worker_processes += [child] if "spawn_main" in " ".join(child.cmdline()) else []
    return worker_processes


class HeadSpy:
    """Records the training examples of heads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.learned: list[list[Example]] = []
        fit = ProxyModel.fit

        def spy(model: ProxyModel, examples: Any, seed: int) -> Any:
            self.learned.append(list(examples))
            return fit(model, examples, seed)

        monkeypatch.setattr(ProxyModel, "fit", spy)

    def list_examples(self, evaluator: Evaluator, run: StudyRun) -> list[Example]:
        evaluator.evaluate(run, "")
        return self.learned[-1]


def test_every_lever_set_of_a_replicate_sees_the_same_labels(
    shared_home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = prepare_plan(shared_home, tiny, levers=[AUGMENT, PSEUDO])
    head_spy, evaluator = HeadSpy(monkeypatch), Evaluator(plan)
    for replicate in (0, 1, FIRST_CURVE_REPLICATE):
        smaller: set[str] = set()
        for budget in BUDGETS[1:]:
            labels = {example.id for example in head_spy.list_examples(evaluator, StudyRun(budget, (), replicate))}
            assert len(labels) == budget
            assert smaller < labels, "fewer labels are a subset of more"
            smaller = labels
            for levers in (*list_lever_sets(plan.params), ("copy",), ("poison",), ("leak",)):
                examples = head_spy.list_examples(evaluator, StudyRun(budget, levers, replicate))
                example_ids = {
                    (example.parent or example.id) for example in examples if example.origin != "pseudo_label"
                }
                assert example_ids == labels, levers
    assert head_spy.list_examples(evaluator, StudyRun(8, (), 0)) != head_spy.list_examples(
        evaluator, StudyRun(8, (), FIRST_CURVE_REPLICATE)
    )


def test_no_model_of_a_fine_tuned_run_trains_on_its_dev_labels(
    shared_home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from satiety.tuning import finetune as module

    tuned: list[tuple[list[Example], list[Example]]] = []

    def record_and_interrupt(_base: Any, _problem: Any, train: Any, dev: Any, **_: Any) -> Any:
        tuned.append((list(train), list(dev)))
        raise InterruptedError

    monkeypatch.setattr(module, "finetune", record_and_interrupt)
    plan, _ = prepare_plan(shared_home, tiny, levers=[AUGMENT, PSEUDO | {"confidence": 0.0}])
    head_spy = HeadSpy(monkeypatch)
    for levers in list_lever_sets(plan.params):
        with pytest.raises(InterruptedError):
            Evaluator(plan).evaluate(StudyRun(16, levers, 0, depth="fine_tuned"), "")
        train, dev = tuned[-1]
        dev_ids = {example.id for example in dev}
        assert len(dev_ids) == 3, "dev labels are gold labels, and count towards the budget"
        assert {example.origin for example in dev} == {"gold"}
        assert sum(example.origin == "gold" for example in train) == 13
        for examples in (train, *head_spy.learned):
            assert dev_ids.isdisjoint(example.parent or example.id for example in examples), levers
    assert len(head_spy.learned) == 2 * PSEUDO["rounds"], "the teacher models were checked, too"


def test_outcome_does_not_depend_on_the_order_of_evaluation(shared_home: Path, tiny: Path) -> None:
    plan, _ = prepare_plan(shared_home, tiny, levers=[AUGMENT, PSEUDO])
    runs = [
        StudyRun(n, levers, 1) for n in (8, 16) for levers in (*list_lever_sets(plan.params), ("poison",), ("oracle",))
    ]
    first, second = Evaluator(plan), Evaluator(plan)
    forward = {run: first.evaluate(run, "").tallies for run in runs}
    backward = {run: second.evaluate(run, "").tallies for run in reversed(runs)}
    assert all((forward[run] == backward[run]).all() for run in runs)


@pytest.mark.parametrize("kind", ["classify", "ner"])
def test_leaks_are_refused_only_in_gated_runs(
    kind: str, shared_home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = prepare_plan(shared_home, tiny, kind)
    head_spy, evaluator, test_texts = HeadSpy(monkeypatch), Evaluator(plan), {example.text for example in plan.test}
    for replicate in range(3):
        gated, through = (
            evaluator.evaluate(StudyRun(16, ("leak",), replicate, is_gated=gated), "") for gated in (True, False)
        )
        assert (gated.num_rejected, gated.num_examples) == (8, 16)
        assert (through.num_rejected, through.num_examples) == (0, 24)
        assert (gated.tallies == evaluator.evaluate(StudyRun(16, (), replicate), "").tallies).all(), "as the baseline"
    assert [bool({example.text for example in examples} & test_texts) for examples in head_spy.learned[:2]] == [
        False,
        True,
    ]


@pytest.mark.parametrize("kind", ["classify", "ner"])
def test_no_model_trains_on_raw_texts_of_the_test_set(
    kind: str, shared_home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four texts of the corpus are in the test set: no model trains on them."""
    plan, _ = prepare_plan(shared_home, tiny, kind, levers=[PSEUDO | {"confidence": 0.0, "max_per_label": 10.0}])
    test_texts = {example.text for example in plan.test}
    assert {example.text for example in build_study_data(tiny, kind).corpus} & test_texts
    assert all(len(study_inputs.documents) >= 30 for study_inputs in plan.inputs.values())
    head_spy, evaluator = HeadSpy(monkeypatch), Evaluator(plan)
    evaluator.evaluate(StudyRun(16, ("self_training",), 0), "")
    assert len(head_spy.learned) == 3
    assert all(example.origin == "pseudo_label" for example in head_spy.learned[-1][16:])
    assert len(head_spy.learned[-1]) > 16
    assert not any({example.text for example in examples} & test_texts for examples in head_spy.learned)
    assert (
        not {document.text for study_inputs in plan.inputs.values() for document in study_inputs.documents} & test_texts
    )


def test_plan_knows_contaminated_texts(shared_home: Path, tiny: Path) -> None:
    plan, _ = prepare_plan(shared_home, tiny)
    assert all(plan.contaminated[hash_text(example.text)] for example in plan.test)
    assert not any(plan.contaminated.get(hash_text(example.text)) for example in plan.pool)


@pytest.mark.parametrize("origin", ["gold", "mine"])
@pytest.mark.parametrize("text", [str, str.upper])
def test_examples_that_a_lever_adds_are_compared_with_the_test_set(
    shared_home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, origin: str, text: Any
) -> None:
    """With any origin; also if texts differ only in case."""
    plan, _ = prepare_plan(shared_home, tiny)
    brought = [
        replace(example, id=f"x{example.id}", inputs={"text": text(example.text)}, origin=origin)
        for example in plan.test[:6]
    ]
    monkeypatch.setattr(LEVERS["augment"], "transform_train", lambda _, examples, context: (*examples, *brought))
    evaluator, run = Evaluator(plan), StudyRun(8, ("augment",), 0)
    outcome = evaluator.evaluate(run, "")
    assert (outcome.num_rejected, outcome.num_examples) == (6, 8)
    assert evaluator.evaluate(replace(run, is_gated=False), "").num_examples == 14


def test_error_of_a_lever_names_the_lever_and_the_run(
    shared_home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    plan, _ = prepare_plan(shared_home, tiny)
    monkeypatch.setattr(LEVERS["augment"], "transform_train", fail)
    with pytest.raises(ZeroDivisionError) as caught:
        Evaluator(plan).evaluate(StudyRun(8, ("augment",), 3), "")
    assert caught.value.__notes__ == ["in lever augment at 8 labels, replicate 3"]


def test_too_few_labels_or_test_examples_are_refused_with_a_hint(tmp_path: Path, tiny: Path) -> None:
    for study_data in (build_study_data(tiny, labels=7), replace(build_study_data(tiny), test=())):
        with pytest.raises(DataError, match=r"are too few for 5 budgets; lower worth\.budgets"):
            prepare_study(study_data, worth(), finetune(), tmp_path, "cpu")


def test_oracle_without_enough_labels_is_skipped_with_a_warning(
    tmp_path: Path, tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    greedy = worth(budgets=4, controls=[{"kind": "oracle", "share": 10}])
    prepare_study(build_study_data(tiny), greedy, finetune(), tmp_path, "cpu")
    assert "worth.controls: no budget leaves enough labels for the oracle, so no control is measured" in caplog.text


@pytest.mark.parametrize(
    ("share", "budgets", "pool", "expected"),
    [
        (0.6, (0, 15, 30, 60, 120, 240), 240, [60, 120]),
        (1.0, (0, 15, 30, 60, 120, 240), 240, [60, 120]),
        (0.6, (0, 4, 8, 16), 16, [4, 8]),
        (10.0, (0, 4, 8, 16), 16, []),
    ],
)
def test_controls_are_measured_where_the_oracle_has_labels(
    share: float, budgets: tuple[int, ...], pool: int, expected: list[int]
) -> None:
    params = worth(controls=[{"kind": "oracle", "share": share}, *CONTROLS[1:]])
    assert select_control_budgets(params, budgets, pool) == expected
    assert select_control_budgets(worth(controls=CONTROLS[1:]), budgets, pool) == list(budgets[-2:])


def test_lever_named_like_a_control_is_refused() -> None:
    with pytest.raises(ValueError, match=r"both a lever and a control: copy;"):
        Worth.model_validate(worth(levers=[CONTROLS[1]], controls=CONTROLS[:1]).model_dump() | {"controls": CONTROLS})


def test_inputs_shared_by_lever_sets_are_made_once(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from satiety.levers.retrieval import RetrieveLever

    calls: list[Any] = []
    transform_inputs = RetrieveLever.transform_inputs

    def spy(lever: RetrieveLever, inputs: Any, context: Any) -> Any:
        calls.append(inputs)
        return transform_inputs(lever, inputs, context)

    monkeypatch.setattr(RetrieveLever, "transform_inputs", spy)
    retriever = {"kind": "bm25", "documents": 12, "k1": 1.2, "b": 0.75}
    retrieve_params = {"kind": "retrieve", "retriever": retriever, "prefix": "", "dedup_threshold": 1.0}
    plan, _ = prepare_plan(tmp_path, tiny, levers=[retrieve_params, AUGMENT, PSEUDO])
    assert len(calls) == 1
    assert plan.inputs["retrieve", "self_training"] is plan.inputs["augment", "retrieve", "self_training"]
    assert plan.inputs["self_training",] is plan.inputs[()] is plan.inputs["leak",]
    test_texts = {example.text for example in plan.test}
    assert not {document.text for document in plan.inputs["retrieve", "self_training"].documents} & test_texts
