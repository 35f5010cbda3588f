"""Who becomes champion, why, and that nothing is half done."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from satiety import package
from satiety.errors import DataError, ModelError, ParamsError
from satiety.problems.classify import Classify
from satiety.records import Example, read, write
from satiety.tuning import load
from tasks import history, looks, tracking
from tasks import promote as promotion
from tasks.evidence import rival
from tasks.promote import main
from tasks.register import main as register
from tests.packaging import TEXTS, Workspace, examples, settled, tune


def promote(workspace: Workspace, **changes: Any) -> dict[str, Any]:
    """Package what the changes give, promote, and return the report."""
    workspace.fill(**changes)
    register.run(**workspace.paths())
    return promote_again()


def promote_again() -> dict[str, Any]:
    main.run()
    report: dict[str, Any] = json.loads(Path("reports/promote.json").read_text(encoding="utf-8"))
    return report


def champion(client: Any) -> str | None:
    held = client.get_registered_model("made-up").aliases.get("champion")
    return str(held) if held else None


def test_the_first_model_that_beats_no_training_is_promoted(registering: Workspace, client: Any) -> None:
    report = promote(registering, before=0.5, after=0.8)
    assert report["decision"] == "promoted"
    assert "no training, for there is no champion yet" in report["reason"]
    assert report["champion"] is None
    assert report["challenger"]["version"] == "1" == champion(client)
    assert report["difference"]["low"] > 0
    version = client.get_model_version("made-up", "1")
    assert (version.tags["satiety.decision"], version.tags["satiety.reason"]) == ("promoted", report["reason"])
    assert version.description.startswith(f"Champion. {report['reason']}.")
    assert "models:/made-up@champion" in client.get_registered_model("made-up").description


def test_the_first_model_that_does_not_beat_no_training_is_refused(registering: Workspace, client: Any) -> None:
    report = promote(registering, before=0.79, after=0.8)
    assert report["decision"] == "refused"
    assert "does not lie above zero" in report["reason"]
    assert champion(client) is None


def test_the_same_model_again_changes_nothing_and_says_so(registering: Workspace, client: Any) -> None:
    promote(registering)
    report = promote_again()
    assert report["decision"] == "unchanged"
    assert report["reason"] == "this model is the champion already, as version 1"
    assert report["champion"] == report["challenger"]
    assert report["champion"]["score"]["value"] == pytest.approx(0.8, abs=0.01)
    assert len(client.search_model_versions("name = 'made-up'")) == 1
    assert client.get_model_version("made-up", "1").tags["satiety.decision"] == "promoted"


def test_a_better_model_takes_over_and_a_worse_one_does_not(registering: Workspace, client: Any) -> None:
    promote(registering, seed=1, after=0.7)
    better = promote(registering, seed=2, after=0.95)
    assert better["decision"] == "promoted"
    assert (better["champion"]["version"], better["challenger"]["version"]) == ("1", "2")
    assert champion(client) == "2"
    worse = promote(registering, seed=3, after=0.8)
    assert worse["decision"] == "kept"
    assert worse["difference"]["value"] == pytest.approx(-0.15, abs=0.02)
    assert "of the champion, version 2" in worse["reason"]
    assert champion(client) == "2"
    assert str(client.get_model_version_by_alias("made-up", "challenger").version) == "3"


def test_a_model_that_is_hardly_better_is_not_enough(registering: Workspace, client: Any) -> None:
    promote(registering, seed=1, after=0.8)
    report = promote(registering, seed=2, after=0.805)
    assert report["decision"] == "kept"
    assert report["difference"]["value"] >= 0 >= report["difference"]["low"]
    assert champion(client) == "1"


def test_other_test_examples_are_answered_by_the_champion_anew(registering: Workspace, client: Any) -> None:
    promote(registering, seed=1, after=0.9, count=200)
    report = promote(registering, seed=2, after=0.99, count=180)
    random_answers = report["champion"]["score"]["value"]
    assert random_answers < 0.8  # what a random head reaches; its stored answers were right nine times in ten
    assert report["decision"] == "promoted", report["reason"]


def test_a_registry_that_does_not_know_the_package_gets_it_first(
    registering: Workspace, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    registering.fill()
    registering.package(registering.root / "models/package")
    assert promote_again()["decision"] == "promoted"
    assert champion(client) == "1"


def test_entities_are_compared_as_labels_are(registering: Workspace, client: Any) -> None:
    names = Workspace(registering.root, registering.base, "ner")
    assert promote(names, seed=1, before=0.4, after=0.7)["metric"] == "entity_f1"
    better = promote(names, seed=2, after=0.95)
    assert better["decision"] == "promoted"
    assert better["calibration"]["champion"]["value"] > 0  # of entities, asked anew of both
    worse = promote(names, seed=3, after=0.5)
    assert (worse["decision"], worse["calibration"]) == ("kept", None)  # nobody has to know


def test_another_problem_needs_another_name(registering: Workspace, client: Any) -> None:
    promote(registering)
    with pytest.raises(ParamsError, match=r"register\.name: 'made-up' is a model of the problem classify, "):
        promote(Workspace(registering.root, registering.base, "ner"), seed=2)
    assert champion(client) == "1"


def test_a_model_of_other_labels_needs_another_name(registering: Workspace, client: Any) -> None:
    promote(registering)
    held = client.get_model_version_by_alias("made-up", "champion")
    said = r"register\.name: 'made-up' is a model of other labels, none of which"
    with pytest.raises(ParamsError, match=said), rival(held, Classify(labels=["好", "坏"], names={})):
        pass


def test_mlflow_down_is_one_clear_message_and_nothing_is_done(
    registering: Workspace, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    registering.fill()
    registering.package(registering.root / "models/package")
    monkeypatch.setenv("SATIETY_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(
        tracking.TrackingError, match=r"at http://127\.0\.0\.1:9 does not answer: .*SATIETY_TRACKING_URI"
    ):
        main.run()
    assert not Path("reports/promote.json").exists()
    assert client.search_registered_models() == []


def test_a_damaged_champion_is_named_and_nobody_takes_its_place(registering: Workspace, client: Any) -> None:
    promote(registering)
    (weights,) = (registering.root / "mlartifacts").rglob("model.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelError, match=r"made-up/1, the champion, is damaged.*model\.safetensors: sha256"):
        promote(registering, seed=2, after=0.99)
    assert champion(client) == "1"


def test_a_champion_whose_files_are_gone_is_named(registering: Workspace, client: Any) -> None:
    promote(registering)
    shutil.rmtree(registering.root / "mlartifacts")
    with pytest.raises(ModelError, match="models:/made-up/1, the champion, is damaged, or cannot be fetched"):
        promote(registering, seed=2, after=0.99)
    assert champion(client) == "1"


def test_a_damaged_challenger_is_not_registered(registering: Workspace, client: Any) -> None:
    registering.fill()
    folder = registering.package(registering.root / "models/package")
    (folder / "model/head.safetensors").unlink()
    with pytest.raises(ModelError, match=r"head\.safetensors: missing"):
        main.run()
    assert client.search_registered_models() == []


def test_scores_of_other_examples_than_are_there_now_are_not_believed(registering: Workspace, client: Any) -> None:
    promote(registering, after=0.6)
    registering.fill(seed=2, after=0.99)
    register.run(**registering.paths())
    test = registering.root / "data/test.parquet"
    write(test, list(read(test, Example))[1:], Example)
    with pytest.raises(DataError, match=r"scores are of other test examples than data/test\.parquet; run `dvc"):
        main.run()
    assert champion(client) == "1"


@pytest.mark.parametrize(
    ("text", "said"),
    [("vars: [{test: a}]\n", "gives no path for package"), ("stages: {}\n", "gives no path for package, test")],
)
def test_a_pipeline_without_the_paths_is_refused(registering: Workspace, text: str, said: str) -> None:
    (registering.root / "dvc.yaml").write_text(text)
    with pytest.raises(ParamsError, match=rf"dvc\.yaml: vars: {said}"):
        main.run()


def fresh_of(workspace: Workspace, answering: Path, count: int = 60) -> None:
    """Write fresh test examples whose gold is what this package answers, and name them in dvc.yaml."""
    texts = [example.text for example in examples("classify", count)]
    said = package.open(answering, "cpu").predict(texts)
    gold = [Example(f"f{i}", text, label=one.label) for i, (text, one) in enumerate(zip(texts, said, strict=True))]
    write(workspace.root / "data/fresh.parquet", gold, Example)
    pipeline = workspace.root / "dvc.yaml"
    pipeline.write_text(pipeline.read_text() + "  - fresh: data/fresh.parquet\n")


def apart(workspace: Workspace) -> tuple[int, int]:
    """Return two seeds whose models answer unlike."""
    said = {}
    for seed in range(1, 9):
        tune(workspace.root / "models/tried", workspace.base, settled("classify"), seed)
        said[seed] = tuple(one.label for one in load(workspace.root / "models/tried", "cpu").predict(TEXTS))
    pairs = [(a, b) for a in said for b in said]
    return max(pairs, key=lambda pair: sum(x != y for x, y in zip(said[pair[0]], said[pair[1]], strict=True)))


def test_fresh_examples_are_evidence_for_and_against(registering: Workspace, client: Any, tmp_path: Path) -> None:
    old, new = apart(registering)
    assert promote(registering, seed=old, after=0.8)["fresh"] is None
    shutil.copytree("models/package", "models/old")
    registering.fill(seed=new, after=0.805)
    register.run(**registering.paths())
    fresh_of(registering, Path("models/package"))
    report = promote_again()
    assert (report["decision"], report["fresh"]["verdict"]) == ("promoted", "better"), report["reason"]
    assert "on 60 fresh examples" in report["reason"]
    assert report["alpha"]["fresh"]["look"] == 1
    registering.fill(seed=old, after=0.95)
    register.run(**registering.paths())
    fresh_of(registering, Path("models/package"), 39)
    few = promote_again()
    assert few["fresh"] == {"examples": 39, "needed": 40, "verdict": "too few"}
    assert few["decision"] == "promoted"


def test_better_on_the_frozen_test_set_and_worse_on_fresh_examples_is_not_enough(
    registering: Workspace, client: Any
) -> None:
    old, new = apart(registering)
    promote(registering, seed=old, after=0.7)
    shutil.copytree("models/package", "models/old")
    registering.fill(seed=new, after=0.95)
    register.run(**registering.paths())
    fresh_of(registering, Path("models/old"))
    report = promote_again()
    assert (report["decision"], report["fresh"]["verdict"]) == ("kept", "worse")
    assert report["frozen"]["verdict"] == "better"
    assert champion(client) == "1"


def test_every_challenger_is_a_look_and_the_same_one_again_is_none(registering: Workspace, client: Any) -> None:
    first = promote(registering, seed=1, after=0.8)
    assert (first["alpha"]["look"], first["alpha"]["left"], first["alpha"]["advice"]) == (1, 0.5, None)
    second, again = promote(registering, seed=2, after=0.81), promote_again()
    assert (second["alpha"]["look"], second["decision"]) == (2, "kept")
    assert second == again
    third = promote(registering, seed=3, after=0.81)
    assert third["alpha"]["advice"] == "give it new test examples"
    gold = list(read(registering.root / "data/test.parquet", Example))
    begun = f"{looks.PREFIX}{looks.set_digest(gold)[:16]}.begun"
    client.set_registered_model_tag("made-up", begun, "{}")  # somebody looks at this moment, or was cut off
    assert looks.take(client, "made-up", looks.set_digest(gold), None, "one more") == 5
    assert third["reason"].endswith("look 3 at this test set, 0.25 of its alpha is left: give it new test examples")
    assert third["frozen"]["level"] > second["frozen"]["level"] > first["frozen"]["level"]
    other = promote(registering, seed=4, after=0.9, count=180)
    assert other["alpha"]["look"] == 1


@pytest.mark.parametrize("went", [False, True], ids=["before the alias went", "after it went"])
def test_what_is_cut_off_at_the_alias_is_completed_by_the_next_run(
    went: bool, registering: Workspace, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    promote(registering, seed=1, after=0.6)
    real = MlflowClient.set_registered_model_alias

    def cut(self: Any, name: str, alias: str, version: str) -> None:
        if alias != "champion":
            return real(self, name, alias, version)
        if went:
            real(self, name, alias, version)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "set_registered_model_alias", cut)
        with pytest.raises(KeyboardInterrupt):
            promote(registering, seed=2, after=0.95)
    assert champion(client) == ("2" if went else "1")
    report = promote_again()
    assert report["decision"] == ("unchanged" if went else "promoted")
    assert report["alpha"]["look"] == 2
    assert champion(client) == "2"
    assert [(one.before, one.after, one.done) for one in history.moves(client, "made-up")] == [
        (None, "1", True),
        ("1", "2", True),
    ]


def test_a_champion_that_changed_meanwhile_is_compared_anew(
    registering: Workspace, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(registering, seed=1, after=0.6)
    promote(registering, seed=2, after=0.95)
    real, rivals = promotion.decide, []

    def decide(contest: Any, held: Any) -> Any:
        decided = real(contest, held)
        rivals.append(str(held.version))
        if len(rivals) == 1:
            client.set_registered_model_alias("made-up", "champion", "2")  # another is quicker
        return decided

    client.set_registered_model_alias("made-up", "champion", "1")
    monkeypatch.setattr(promotion, "decide", decide)
    report = promote(registering, seed=3, after=0.8)
    assert rivals == ["1", "2"]
    assert report["decision"] == "kept"
    assert champion(client) == "2"
