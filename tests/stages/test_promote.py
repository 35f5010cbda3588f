"""Who becomes champion, why, and that nothing is half done."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.predict import predict_texts
from satiety import package
from satiety.core.errors import DataError, ModelError, OutdatedError, ParamsError
from satiety.core.records import Example, read, write
from satiety.problems.classify import Classify
from tasks import comparisons, history, tracking
from tasks import promote as promotion
from tasks.evidence import open_champion
from tasks.promote import main
from tasks.register import DIGEST_TAG
from tasks.register import main as register
from tasks.rollback import roll_back
from tests.packaging import Workspace, examples, outdate, sign


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
    assert "the untuned model (there is no champion yet)" in report["reason"]
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
    assert ": undecided" in report["reason"]
    assert champion(client) is None


def test_the_same_model_again_changes_nothing_and_says_so(registering: Workspace, client: Any) -> None:
    promote(registering)
    report = promote_again()
    assert report["decision"] == "unchanged"
    assert report["reason"] == "this model is already the champion (version 1)"
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
    report = promote(registering, seed=2, after=0.99, count=60)
    assert report["champion"]["score"]["value"] < 0.8  # on these; of the stored answers nine in ten were right
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
    with pytest.raises(ParamsError, match=r"register\.name: the champion of 'made-up' solves problem classify, "):
        promote(Workspace(registering.root, registering.base, "ner"), seed=2)
    assert champion(client) == "1"


def test_a_model_of_other_labels_needs_another_name(registering: Workspace, client: Any) -> None:
    promote(registering)
    held = client.get_model_version_by_alias("made-up", "champion")
    said = r"register\.name: the champion of 'made-up' shares no label with this problem"
    with pytest.raises(ParamsError, match=said), open_champion(held, Classify(labels=["好", "坏"], names={})):
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
    with pytest.raises(ModelError, match=r"made-up/1 \(the champion\): damaged.*model\.safetensors: sha256"):
        promote(registering, seed=2, after=0.99)
    assert champion(client) == "1"


def test_a_champion_whose_files_are_gone_is_named(registering: Workspace, client: Any) -> None:
    promote(registering)
    shutil.rmtree(registering.root / "mlartifacts")
    with pytest.raises(ModelError, match=r"models:/made-up/1 \(the champion\): damaged or unavailable"):
        promote(registering, seed=2, after=0.99)
    assert champion(client) == "1"


def outdate_champion(workspace: Workspace, client: Any) -> None:
    """Make version 1 in the registry what an earlier version of satiety would have registered."""
    (copy,) = (path.parent for path in (workspace.root / "mlartifacts").rglob("manifest.json"))
    client.set_model_version_tag("made-up", "1", DIGEST_TAG, outdate(copy))


def test_a_champion_of_an_earlier_version_is_named_and_the_next_promotion_may_be_the_first(
    registering: Workspace, client: Any
) -> None:
    promote(registering, seed=1, after=0.7)
    outdate_champion(registering, client)
    said = (
        r"^models:/made-up/1 \(the champion\): made by an earlier version of satiety; new models cannot be compared "
        r"with it\. Remove the alias `champion` in MLflow \(docs/promotion\.md\); the next model is then compared with "
        r"the untuned model$"
    )
    with pytest.raises(OutdatedError, match=said):
        promote(registering, seed=2, after=0.95)
    assert champion(client) == "1"

    client.delete_registered_model_alias("made-up", "champion")
    report = promote_again()
    assert (report["decision"], report["champion"]) == ("promoted", None)
    assert "the untuned model (there is no champion yet)" in report["reason"]
    assert champion(client) == "2"
    with pytest.raises(OutdatedError, match=r"made-up/1 \(the rollback target\): made by an earlier version"):
        roll_back("made-up", "1", "it was better")
    assert champion(client) == "2"


def test_a_champion_of_an_earlier_version_may_be_replaced_by_hand(registering: Workspace, client: Any) -> None:
    promote(registering, seed=1, after=0.7)
    outdate_champion(registering, client)
    with pytest.raises(OutdatedError, match=r"\(the champion\): made by an earlier version"):
        promote(registering, seed=2, after=0.95)
    roll_back("made-up", "2", "the champion is of an earlier version")
    assert champion(client) == "2"
    assert promote_again()["decision"] == "unchanged"


def test_a_package_of_an_earlier_version_neither_answers_nor_is_promoted(
    registering: Workspace, client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    registering.fill()
    outdate(registering.package(registering.root / "models/package"))
    said = r"^models/package/model/tuned\.json: made by an earlier version of satiety \(layout 1, now 2\): rebuild"
    with pytest.raises(OutdatedError, match=said):
        predict_texts(iter(["hello"]), Path("models/package"), "jsonl")
    assert capsys.readouterr().out == ""
    with pytest.raises(OutdatedError, match=said):
        main.run()
    assert client.search_registered_models() == []


@pytest.mark.parametrize("harm", ["another example", "no number"])
def test_a_package_that_does_not_answer_its_example_is_not_registered_whoever_wrote_it(
    registering: Workspace, client: Any, harm: str
) -> None:
    from safetensors.torch import load_file, save_file

    promote(registering, seed=1, after=0.7)
    registering.fill(seed=2, after=0.95)
    folder = registering.package(registering.root / "models/package")
    if harm == "no number":
        tensors = load_file(folder / "model/head.safetensors")
        tensors["bias"][:] = float("nan")
        save_file(tensors, folder / "model/head.safetensors")
    else:
        example = json.loads((folder / "input_example.json").read_text(encoding="utf-8"))
        example["outputs"][0]["label"] = {"bad": "good", "good": "bad"}[example["outputs"][0]["label"]]
        (folder / "input_example.json").write_text(json.dumps(example), encoding="utf-8")
    sign(folder)
    Path("reports/promote.json").unlink()
    expected = {
        "no number": "contains NaN or infinity",
        "another example": r"models/package/input_example\.json: for .* the model predicts",
    }
    with pytest.raises(ModelError, match=expected[harm]):
        main.run()
    assert champion(client) == "1"
    assert len(client.search_model_versions("name = 'made-up'")) == 1
    assert str(client.get_model_version_by_alias("made-up", "challenger").version) == "1"
    assert not Path("reports/promote.json").exists()


def test_a_champion_that_is_another_package_than_was_registered_is_named(registering: Workspace, client: Any) -> None:
    """A whole one, so that only the registry's own note of the digest tells."""
    promote(registering, seed=1, after=0.7)
    (copy,) = (path.parent for path in (registering.root / "mlartifacts").rglob("manifest.json"))
    registering.fill(seed=2, after=0.8)
    shutil.rmtree(copy)
    registering.package(copy)
    with pytest.raises(ModelError, match=r"made-up/1 \(the champion\): the digest is \w+, expected \w+ as registered"):
        promote(registering, seed=3, after=0.99)
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
    with pytest.raises(DataError, match=r"evaluated on a different test set than data/test\.parquet; run `dvc"):
        main.run()
    assert champion(client) == "1"


@pytest.mark.parametrize(
    ("text", "said"),
    [("vars: [{test: a}]\n", "no path for package"), ("stages: {}\n", "no path for package, test")],
)
def test_a_pipeline_without_the_paths_is_refused(registering: Workspace, text: str, said: str) -> None:
    (registering.root / "dvc.yaml").write_text(text)
    with pytest.raises(ParamsError, match=rf"dvc\.yaml: vars: {said}"):
        main.run()


def fresh_of(workspace: Workspace, answering: Path, count: int = 60, origin: str = "drawn") -> None:
    """Write fresh test examples whose gold is what this package answers, and name them in dvc.yaml."""
    texts = [example.text for example in examples("classify", count)]
    said = package.open(answering, "cpu").predict(texts)
    pairs = enumerate(zip(texts, said, strict=True))
    gold = [Example(f"f{i}", {"text": text}, answer=one.answer, origin=origin) for i, (text, one) in pairs]
    write(workspace.root / "data/fresh.parquet", gold, Example)
    pipeline = workspace.root / "dvc.yaml"
    pipeline.write_text(pipeline.read_text() + "  - fresh: data/fresh.parquet\n")


def test_fresh_examples_are_evidence_for_and_against(registering: Workspace, client: Any, tmp_path: Path) -> None:
    assert promote(registering, seed=1, after=0.8)["fresh"] is None
    registering.fill(seed=2, after=0.805, other=True)
    register.run(**registering.paths())
    fresh_of(registering, Path("models/package"))
    report = promote_again()
    assert (report["decision"], report["drawn"]["verdict"]) == ("promoted", "better"), report["reason"]
    assert "on 60 randomly drawn examples" in report["reason"]
    assert report["alpha"]["drawn"]["comparison"] == 1
    registering.fill(seed=3, after=0.95)
    register.run(**registering.paths())
    fresh_of(registering, Path("models/package"), 39)
    few = promote_again()
    assert few["fresh"] == few["drawn"] == {"examples": 39, "needed": 40, "verdict": "too few"}
    assert few["decision"] == "promoted"


def test_labels_that_people_volunteered_do_not_promote_and_the_reason_names_those_that_would(
    registering: Workspace, client: Any
) -> None:
    promote(registering, seed=1, after=0.8)
    registering.fill(seed=2, after=0.805, other=True)
    register.run(**registering.paths())
    fresh_of(registering, Path("models/package"), origin="gold")
    report = promote_again()
    assert (report["decision"], report["fresh"]["verdict"], report["drawn"]) == ("kept", "better", None)
    assert "satiety label next --from traffic --random" in report["reason"]
    assert champion(client) == "1"


def test_better_on_the_frozen_test_set_and_worse_on_fresh_examples_is_not_enough(
    registering: Workspace, client: Any
) -> None:
    promote(registering, seed=1, after=0.7)
    shutil.copytree("models/package", "models/old")
    registering.fill(seed=2, after=0.95)
    register.run(**registering.paths())
    fresh_of(registering, Path("models/old"))
    report = promote_again()
    assert (report["decision"], report["fresh"]["verdict"]) == ("kept", "worse")
    assert report["frozen"]["verdict"] == "better"
    assert champion(client) == "1"


def test_every_challenger_is_a_look_and_the_same_one_again_is_none(registering: Workspace, client: Any) -> None:
    first = promote(registering, seed=1, after=0.8)
    assert (first["alpha"]["comparison"], first["alpha"]["left"], first["alpha"]["advice"]) == (1, 0.5, None)
    second, again = promote(registering, seed=2, after=0.81), promote_again()
    assert (second["alpha"]["comparison"], second["decision"]) == (2, "kept")
    assert second == again
    third = promote(registering, seed=3, after=0.81)
    assert third["alpha"]["advice"] == "collect new test examples"
    gold = list(read(registering.root / "data/test.parquet", Example))
    begun = f"{comparisons.PREFIX}{comparisons.digest_test_set(gold)[:16]}.begun"
    client.set_registered_model_tag("made-up", begun, "{}")  # somebody looks at this moment, or was cut off
    assert comparisons.record_comparison(client, "made-up", comparisons.digest_test_set(gold), None, "one more") == 5
    assert "comparison 3 on this test set, 0.25 of its alpha is left: collect new test examples" in third["reason"]
    assert (
        third["frozen"]["confidence_level"] > second["frozen"]["confidence_level"] > first["frozen"]["confidence_level"]
    )
    other = promote(registering, seed=4, after=0.9, count=180)
    assert other["alpha"]["comparison"] == 1


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
    assert report["decision"] == "promoted"
    assert report["alpha"]["comparison"] == 2
    assert (report["champion"]["version"], report["challenger"]["version"]) == ("1", "2")
    assert report["difference"]["low"] > 0
    assert champion(client) == "2"
    assert promote_again()["decision"] == "unchanged"
    assert [(move.before, move.after, move.done) for move in history.read_moves(client, "made-up")] == [
        (None, "1", True),
        ("1", "2", True),
    ]


KILLED = """
import os, signal, sys
from mlflow import MlflowClient
from tasks import history, promote

def end(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def move(self, name, alias, version, real=MlflowClient.set_registered_model_alias):
    real(self, name, alias, version)
    alias == "champion" and end()

match sys.argv.pop():
    case "the alias moved":
        MlflowClient.set_registered_model_alias = move
    case "the move was confirmed":
        promote.update_descriptions = end
    case "the report was written":
        history.mark_reported = end
promote.main.cli()
"""


@pytest.mark.slow
@pytest.mark.parametrize("point", ["the alias moved", "the move was confirmed", "the report was written"])
def test_a_promotion_that_was_killed_is_told_as_the_promotion_that_it_was(
    registering: Workspace, client: Any, point: str
) -> None:
    promote(registering, seed=1, after=0.7)
    registering.fill(seed=2, after=0.95)
    register.run(**registering.paths())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    process = subprocess.run([sys.executable, "-c", KILLED, point], env=environment, capture_output=True, check=False)
    assert (process.returncode, champion(client)) == (-signal.SIGKILL, "2"), process.stderr
    told = json.loads(Path("reports/promote.json").read_text(encoding="utf-8"))
    assert (told["challenger"]["version"] == "2") == (point == "the report was written")
    again = promote_again()
    (_, move) = history.read_moves(client, "made-up")
    assert (again["decision"], again["reason"]) == ("promoted", move.why)
    assert again["champion"] == {"version": "1", "digest": move.digests["before"], "score": move.scores["old"]}
    assert again["challenger"]["score"] == move.scores["new"]
    assert client.get_model_version("made-up", "2").description.startswith(f"Champion. {move.why}")
    last = promote_again()
    assert (last["decision"], last["champion"]["version"]) == ("unchanged", "2")


def test_a_workspace_that_had_no_part_in_a_told_promotion_says_unchanged(registering: Workspace, client: Any) -> None:
    """As a fresh clone does, whose registry others use."""
    promote(registering)
    Path("reports/promote.json").unlink()
    assert promote_again()["decision"] == "unchanged"


def test_a_promotion_that_cannot_be_noted_as_told_is_one_all_the_same(
    registering: Workspace, client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("it is gone")

    with monkeypatch.context() as patched:
        patched.setattr(history, "mark_reported", refuse)
        assert promote(registering)["decision"] == "promoted"
    assert "The next `promote` will report this promotion again" in caplog.text
    assert promote_again()["decision"] == "promoted"
    assert promote_again()["decision"] == "unchanged"


def test_moves_of_before_they_said_whether_they_were_told_count_as_told(registering: Workspace, client: Any) -> None:
    promote(registering)
    tags = client.get_registered_model("made-up").tags
    (tag,) = (name for name in tags if name.startswith(history.PREFIX))
    move = json.loads(tags[tag])
    del move["told"]
    client.set_registered_model_tag("made-up", tag, json.dumps(move))
    assert promote_again()["decision"] == "unchanged"


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
