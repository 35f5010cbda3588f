"""A study computes each cell once, keeps it, and shares what every lever set of a chain learns from."""

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
from tests.unit.worth.material import AUGMENT, CONTROLS, PSEUDO, RETRIEVE, Inline, finetune, material, worth

BUDGETS = (0, 4, 8, 16, 32)
KNOWN = 2 * 4 * 4 + 2 * 4
"""Cells of the controls: two budgets, four controls, four chains; the leak again, let through."""
BESIDE = 2
"""Cells of plain in the chain that controls have and levers have not, at two budgets."""
FIRST = 1 + 4 * 4 + KNOWN + BESIDE + 2 * 4 * 3
"""Cells of the smallest study: no label, the curve, controls, plain and one lever."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where texts that were read once are kept for all tests; cells are not."""
    return tmp_path_factory.mktemp("home")


def plan_of(home: Path, base: Path, kind: str = "classify", **changes: Any) -> tuple[Plan, list[str]]:
    return prepare_study(material(base, kind), worth(**changes), finetune(), home, "cpu")


def studied(home: Path, base: Path, kind: str = "classify", **changes: Any) -> Measurements:
    return run_study(*plan_of(home, base, kind, **changes), Inline())


class TestWhatIsKnownIsNotComputedAgain:
    def test_a_second_run_computes_nothing_and_finds_the_same(self, tmp_path: Path, tiny: Path) -> None:
        first, again = studied(tmp_path, tiny), studied(tmp_path, tiny)
        assert (first.computed, again.computed) == (FIRST, 0)
        assert first.budgets == again.budgets == BUDGETS
        assert all((again.outcomes[cell].tallies == one.tallies).all() for cell, one in first.outcomes.items())
        assert first.outcomes.keys() == again.outcomes.keys()

    def test_what_is_added_is_all_that_is_computed(self, tmp_path: Path, tiny: Path) -> None:
        home, both = tmp_path, [AUGMENT, PSEUDO]
        assert studied(home, tiny).computed == FIRST
        assert studied(home, tiny, replicates=4).computed == 2 * 4 - BESIDE, "a chain"
        assert studied(home, tiny, curve_replicates=5).computed == 4 + 2 * 5 + BESIDE, "of curve and controls"
        assert studied(home, tiny, levers=both).computed == 2 * 4 * 3, "a lever: by itself, and with the other"
        assert studied(home, tiny, budgets=6).computed == 2 * 3 + 4, "a budget"
        changed = PSEUDO | {"rounds": 1}
        assert studied(home, tiny, levers=[AUGMENT, changed]).computed == 2 * 4 * 3, "what other params change"
        assert studied(home, tiny, resamples=200, confidence_level=0.9, min_effect=0.05).computed == 0, "how it is told"
        assert studied(home, tiny, levers=both, replicates=4, curve_replicates=5, budgets=6).computed > 0
        assert studied(home, tiny, levers=both, replicates=4, curve_replicates=5, budgets=6).computed == 0

    def test_a_lever_whose_finds_nobody_reads_shares_the_cells_without_it(self, tmp_path: Path, tiny: Path) -> None:
        home = tmp_path
        assert studied(home, tiny, levers=[AUGMENT, PSEUDO], controls=[]).computed
        found = studied(home, tiny, levers=[RETRIEVE, AUGMENT, PSEUDO], controls=[])
        reading = [("retrieve", "self_training"), ("augment", "retrieve", "self_training")]
        assert found.computed == len(reading) * 4 * 3, "those that read what it finds"
        for cell in [cell for cell in found.outcomes if "retrieve" in cell.levers and cell.levers not in reading]:
            alone = replace(cell, levers=tuple(name for name in cell.levers if name != "retrieve"))
            assert found.outcomes[cell] is found.outcomes[alone]

    @pytest.mark.parametrize(
        "changed",
        [{"seed": 2}, {"head": {"l2": [0.1], "folds": 2, "rows": 1000}}, {"dedup_threshold": 0.9}],
        ids=str,
    )
    def test_another_recipe_computes_everything(self, changed: Any, tmp_path: Path, tiny: Path) -> None:
        studied(tmp_path, tiny, controls=[])
        assert studied(tmp_path, tiny, controls=[], **changed).computed == FIRST - KNOWN - BESIDE

    def test_other_data_computes_everything(self, tmp_path: Path, tiny: Path) -> None:
        studied(tmp_path, tiny, controls=[])
        changed = material(tiny)
        one = replace(changed.pool[3], answer=Label("good" if str(changed.pool[3].answer) == "bad" else "bad"))
        changed = replace(changed, pool=(*changed.pool[:3], one, *changed.pool[4:]))
        found = run_study(*prepare_study(changed, worth(controls=[]), finetune(), tmp_path, "cpu"), Inline())
        assert found.computed == FIRST - KNOWN - BESIDE

    def test_a_damaged_cell_is_computed_again_and_comes_out_the_same(self, tmp_path: Path, tiny: Path) -> None:
        first = studied(tmp_path, tiny)
        files = sorted((tmp_path / "runs").rglob("*.safetensors"))
        assert len(files) == FIRST
        whole = files[5].read_bytes()
        files[5].write_bytes(whole[:100])
        files[9].unlink()
        again = studied(tmp_path, tiny)
        assert again.computed == 2
        assert all((again.outcomes[cell].tallies == one.tallies).all() for cell, one in first.outcomes.items())

    def test_a_lever_given_up_is_left_alone(self, tmp_path: Path, tiny: Path) -> None:
        """No lever adds 0.9: all are given up at the first look, plain and the controls are not."""
        found = studied(tmp_path, tiny, replicates=6, min_effect=0.9)
        assert found.stopped == {("augment",): 4}
        chains = defaultdict(set)
        for cell in found.outcomes:
            if cell.budget and cell.replicate < FIRST_CURVE_REPLICATE:
                chains[cell.levers].add(cell.replicate)
        assert chains[()] == set(range(6))
        assert chains["augment",] == set(range(4))
        assert chains["oracle",] == set(range(4))
        assert found.planned == 2 * 4 * 6


def test_processes_find_what_one_process_finds(tmp_path: Path, tiny: Path) -> None:
    plan, inputs = plan_of(tmp_path / "a", tiny)
    with processes(2) as executor:
        apart = run_study(plan, inputs, executor)
    together = studied(tmp_path / "b", tiny)
    assert apart.computed == together.computed == FIRST
    assert all((together.outcomes[cell].tallies == one.tallies).all() for cell, one in apart.outcomes.items())


def test_an_error_in_a_cell_is_told_and_leaves_no_process(tmp_path: Path, tiny: Path) -> None:
    plan, inputs = plan_of(tmp_path, tiny, controls=[])
    nowhere = replace(plan.inputs["augment",], encoder=tmp_path / "nowhere")
    broken = replace(plan, inputs={**plan.inputs, ("augment",): nowhere})
    with pytest.raises(ModelError, match="nowhere: no such folder"), processes(1) as executor:
        run_study(broken, inputs, executor)
    assert not psutil.wait_procs(workers(), timeout=PATIENCE)[1]
    assert run_study(plan, inputs, Inline()).computed < FIRST - KNOWN - BESIDE, "what was finished is kept"


def test_a_plan_is_read_as_it_was_written(tmp_path: Path, tiny: Path) -> None:
    for kind in ("classify", "ner"):
        plan, _ = plan_of(tmp_path / "home", tiny, kind, levers=[AUGMENT, PSEUDO, RETRIEVE])
        (tmp_path / kind).mkdir()
        plan.save(tmp_path / kind)
        again = Plan.load(tmp_path / kind)
        assert (again.zero_shot == plan.zero_shot).all()
        assert replace(again, zero_shot=plan.zero_shot) == plan
        assert list(again.levers.items()) == list(plan.levers.items())
        assert not list((tmp_path / kind).glob("*.pkl"))


def workers() -> list[psutil.Process]:
    """Return the processes of a pool that this one has; what has ended is none."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            found += [child] if "spawn_main" in " ".join(child.cmdline()) else []
    return found


class Seen:
    """Notes what heads learn from."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.learned: list[list[Example]] = []
        whole = ProxyModel.fit

        def spy(quick: ProxyModel, examples: Any, seed: int) -> Any:
            self.learned.append(list(examples))
            return whole(quick, examples, seed)

        monkeypatch.setattr(ProxyModel, "fit", spy)

    def in_cell(self, at: Evaluator, cell: StudyRun) -> list[Example]:
        at.evaluate(cell, "")
        return self.learned[-1]


def test_every_lever_set_of_a_chain_sees_the_same_labels(
    shared: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = plan_of(shared, tiny, levers=[AUGMENT, PSEUDO])
    seen, at = Seen(monkeypatch), Evaluator(plan)
    for chain in (0, 1, FIRST_CURVE_REPLICATE):
        before: set[str] = set()
        for budget in BUDGETS[1:]:
            labels = {one.id for one in seen.in_cell(at, StudyRun(budget, (), chain))}
            assert len(labels) == budget
            assert before < labels, "what fewer labels were is among more"
            before = labels
            for levers in (*list_lever_sets(plan.params), ("copy",), ("poison",), ("leak",)):
                learned = seen.in_cell(at, StudyRun(budget, levers, chain))
                people = {(one.parent or one.id) for one in learned if one.origin != "pseudo"}
                assert people == labels, levers
    assert seen.in_cell(at, StudyRun(8, (), 0)) != seen.in_cell(at, StudyRun(8, (), FIRST_CURVE_REPLICATE))


def test_nothing_that_acts_in_a_full_cell_sees_the_labels_that_choose_its_step(
    shared: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from satiety.tuning import finetune as module

    tuned: list[tuple[list[Example], list[Example]]] = []

    def stop(_base: Any, _problem: Any, train: Any, dev: Any, **_: Any) -> Any:
        tuned.append((list(train), list(dev)))
        raise InterruptedError

    monkeypatch.setattr(module, "finetune", stop)
    plan, _ = plan_of(shared, tiny, levers=[AUGMENT, PSEUDO | {"confidence": 0.0}])
    seen = Seen(monkeypatch)
    for levers in list_lever_sets(plan.params):
        with pytest.raises(InterruptedError):
            Evaluator(plan).evaluate(StudyRun(16, levers, 0, depth="fine_tuned"), "")
        train, dev = tuned[-1]
        held = {one.id for one in dev}
        assert len(held) == 3, "development labels are people's, and count"
        assert {one.origin for one in dev} == {"gold"}
        assert sum(one.origin == "gold" for one in train) == 13
        for learned in (train, *seen.learned):
            assert held.isdisjoint(one.parent or one.id for one in learned), levers
    assert len(seen.learned) == 2 * PSEUDO["rounds"], "the teachers were looked at"


def test_a_cell_comes_out_the_same_whatever_was_evaluated_before(shared: Path, tiny: Path) -> None:
    plan, _ = plan_of(shared, tiny, levers=[AUGMENT, PSEUDO])
    cells = [
        StudyRun(n, levers, 1) for n in (8, 16) for levers in (*list_lever_sets(plan.params), ("poison",), ("oracle",))
    ]
    one, other = Evaluator(plan), Evaluator(plan)
    forth = {cell: one.evaluate(cell, "").tallies for cell in cells}
    back = {cell: other.evaluate(cell, "").tallies for cell in reversed(cells)}
    assert all((forth[cell] == back[cell]).all() for cell in cells)


@pytest.mark.parametrize("kind", ["classify", "ner"])
def test_leaks_are_refused_at_the_gate_and_only_there(
    kind: str, shared: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = plan_of(shared, tiny, kind)
    seen, at, held = Seen(monkeypatch), Evaluator(plan), {one.text for one in plan.test}
    for chain in range(3):
        gated, through = (at.evaluate(StudyRun(16, ("leak",), chain, is_gated=gated), "") for gated in (True, False))
        assert (gated.num_rejected, gated.num_examples) == (8, 16)
        assert (through.num_rejected, through.num_examples) == (0, 24)
        assert (gated.tallies == at.evaluate(StudyRun(16, (), chain), "").tallies).all(), "as if nothing had come in"
    assert [bool({one.text for one in learned} & held) for learned in seen.learned[:2]] == [False, True]


@pytest.mark.parametrize("kind", ["classify", "ner"])
def test_no_raw_text_gives_away_a_test_text(
    kind: str, shared: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four texts of the corpus are the test's: neither at the end nor on the way does anything learn from them."""
    plan, _ = plan_of(shared, tiny, kind, levers=[PSEUDO | {"confidence": 0.0, "max_per_label": 10.0}])
    held = {one.text for one in plan.test}
    assert {one.text for one in material(tiny, kind).corpus} & held
    assert all(len(one.documents) >= 30 for one in plan.inputs.values())
    seen, at = Seen(monkeypatch), Evaluator(plan)
    at.evaluate(StudyRun(16, ("self_training",), 0), "")
    assert len(seen.learned) == 3
    assert all(one.origin == "pseudo" for one in seen.learned[-1][16:])
    assert len(seen.learned[-1]) > 16
    assert not any({one.text for one in learned} & held for learned in seen.learned)
    assert not {document.text for one in plan.inputs.values() for document in one.documents} & held


def test_what_gives_away_a_test_text_is_known_beforehand(shared: Path, tiny: Path) -> None:
    plan, _ = plan_of(shared, tiny)
    assert all(plan.contaminated[hash_text(one.text)] for one in plan.test)
    assert not any(plan.contaminated.get(hash_text(one.text)) for one in plan.pool)


@pytest.mark.parametrize("origin", ["gold", "mine"])
@pytest.mark.parametrize("text", [str, str.upper])
def test_whatever_a_lever_brings_is_held_against_the_test(
    shared: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, origin: str, text: Any
) -> None:
    """Under whatever name, announced or not; in words that differ in case alone, too."""
    plan, _ = plan_of(shared, tiny)
    brought = [replace(one, id=f"x{one.id}", inputs={"text": text(one.text)}, origin=origin) for one in plan.test[:6]]
    monkeypatch.setattr(LEVERS["augment"], "transform_train", lambda _, examples, lesson: (*examples, *brought))
    bench, cell = Evaluator(plan), StudyRun(8, ("augment",), 0)
    found = bench.evaluate(cell, "")
    assert (found.num_rejected, found.num_examples) == (6, 8)
    assert bench.evaluate(replace(cell, is_gated=False), "").num_examples == 14


def test_a_lever_that_breaks_says_which_and_where(shared: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    plan, _ = plan_of(shared, tiny)
    monkeypatch.setattr(LEVERS["augment"], "transform_train", breaks)
    with pytest.raises(ZeroDivisionError) as caught:
        Evaluator(plan).evaluate(StudyRun(8, ("augment",), 3), "")
    assert caught.value.__notes__ == ["in lever augment at 8 labels, replicate 3"]


def test_without_enough_labels_or_a_test_it_says_what_to_change(tmp_path: Path, tiny: Path) -> None:
    for found in (material(tiny, labels=7), replace(material(tiny), test=())):
        with pytest.raises(DataError, match=r"are too few for 5 budgets; lower worth\.budgets"):
            prepare_study(found, worth(), finetune(), tmp_path, "cpu")


def test_an_oracle_that_reveals_more_than_there_is_says_what_to_change(
    tmp_path: Path, tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    greedy = worth(budgets=4, controls=[{"kind": "oracle", "share": 10}])
    prepare_study(material(tiny), greedy, finetune(), tmp_path, "cpu")
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


def test_a_lever_is_not_called_like_a_control() -> None:
    with pytest.raises(ValueError, match=r"both a lever and a control: copy;"):
        Worth.model_validate(worth(levers=[CONTROLS[1]], controls=CONTROLS[:1]).model_dump() | {"controls": CONTROLS})


def test_surroundings_that_levers_share_are_made_once(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from satiety.levers.retrieval import RetrieveLever

    calls: list[Any] = []
    whole = RetrieveLever.transform_inputs

    def spy(lever: RetrieveLever, around: Any, world: Any) -> Any:
        calls.append(around)
        return whole(lever, around, world)

    monkeypatch.setattr(RetrieveLever, "transform_inputs", spy)
    retriever = {"kind": "bm25", "documents": 12, "k1": 1.2, "b": 0.75}
    found = {"kind": "retrieve", "retriever": retriever, "prefix": "", "dedup_threshold": 1.0}
    plan, _ = plan_of(tmp_path, tiny, levers=[found, AUGMENT, PSEUDO])
    assert len(calls) == 1
    assert plan.inputs["retrieve", "self_training"] is plan.inputs["augment", "retrieve", "self_training"]
    assert plan.inputs["self_training",] is plan.inputs[()] is plan.inputs["leak",]
    held = {one.text for one in plan.test}
    assert not {one.text for one in plan.inputs["retrieve", "self_training"].documents} & held
