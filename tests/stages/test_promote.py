"""Which model becomes champion, the reason given, and that an interrupted promotion is completed."""

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
    """Fill the workspace with changes, register, promote, and return the report."""
    workspace.fill(**changes)
    register.run(**workspace.paths())
    return promote_again()


def promote_again() -> dict[str, Any]:
    main.run()
    report: dict[str, Any] = json.loads(Path("reports/promote.json").read_text(encoding="utf-8"))
    return report


def get_champion(client: Any) -> str | None:
    version = client.get_registered_model("made-up").aliases.get("champion")
    return str(version) if version else None


def test_a_first_model_better_than_the_untuned_model_is_promoted(registering: Workspace, client: Any) -> None:
    report = promote(registering, before=0.5, after=0.8)
    assert report["decision"] == "promoted"
    assert "the untuned model (there is no champion yet)" in report["reason"]
    assert report["champion"] is None
    assert report["challenger"]["version"] == "1" == get_champion(client)
    assert report["difference"]["low"] > 0
    version = client.get_model_version("made-up", "1")
    assert (version.tags["satiety.decision"], version.tags["satiety.reason"]) == ("promoted", report["reason"])
    assert version.description.startswith(f"Champion. {report['reason']}.")
    assert "models:/made-up@champion" in client.get_registered_model("made-up").description


def test_a_first_model_not_better_than_the_untuned_model_is_refused(registering: Workspace, client: Any) -> None:
    report = promote(registering, before=0.79, after=0.8)
    assert report["decision"] == "refused"
    assert ": undecided" in report["reason"]
    assert get_champion(client) is None


def test_promoting_the_champion_again_changes_nothing(registering: Workspace, client: Any) -> None:
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
    assert get_champion(client) == "2"
    worse = promote(registering, seed=3, after=0.8)
    assert worse["decision"] == "kept"
    assert worse["difference"]["value"] == pytest.approx(-0.15, abs=0.02)
    assert "of the champion, version 2" in worse["reason"]
    assert get_champion(client) == "2"
    assert str(client.get_model_version_by_alias("made-up", "challenger").version) == "3"


def test_an_undecided_difference_keeps_the_champion(registering: Workspace, client: Any) -> None:
    promote(registering, seed=1, after=0.8)
    report = promote(registering, seed=2, after=0.805)
    assert report["decision"] == "kept"
    assert report["difference"]["value"] >= 0 >= report["difference"]["low"]
    assert get_champion(client) == "1"


def test_the_champion_predicts_a_new_test_set_again(registering: Workspace, client: Any) -> None:
    promote(registering, seed=1, after=0.9, count=200)
    report = promote(registering, seed=2, after=0.99, count=60)
    assert report["champion"]["score"]["value"] < 0.8  # on these; on its own test set it scored 0.9
    assert report["decision"] == "promoted", report["reason"]


def test_an_unregistered_package_is_registered_first(
    registering: Workspace, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    registering.fill()
    registering.package(registering.root / "models/package")
    assert promote_again()["decision"] == "promoted"
    assert get_champion(client) == "1"


def test_ner_models_are_compared_too(registering: Workspace, client: Any) -> None:
    names = Workspace(registering.root, registering.base, "ner")
    assert promote(names, seed=1, before=0.4, after=0.7)["metric"] == "entity_f1"
    better = promote(names, seed=2, after=0.95)
    assert better["decision"] == "promoted"
    assert better["calibration"]["champion"]["value"] > 0  # of entities, predicted again by both
    worse = promote(names, seed=3, after=0.5)
    assert (worse["decision"], worse["calibration"]) == ("kept", None)  # a kept champion needs none


def test_a_model_of_another_problem_needs_another_name(registering: Workspace, client: Any) -> None:
    promote(registering)
    with pytest.raises(ParamsError, match=r"register\.name: the champion of 'made-up' solves problem classify, "):
        promote(Workspace(registering.root, registering.base, "ner"), seed=2)
    assert get_champion(client) == "1"


def test_a_model_of_other_labels_needs_another_name(registering: Workspace, client: Any) -> None:
    promote(registering)
    version = client.get_model_version_by_alias("made-up", "champion")
    message = r"register\.name: the champion of 'made-up' shares no label with this problem"
    with pytest.raises(ParamsError, match=message), open_champion(version, Classify(labels=["好", "坏"], names={})):
        pass


def test_an_unreachable_mlflow_is_one_error_and_nothing_is_written(
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


def test_a_damaged_champion_is_named_and_not_replaced(registering: Workspace, client: Any) -> None:
    promote(registering)
    (weights,) = (registering.root / "mlartifacts").rglob("model.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelError, match=r"made-up/1 \(the champion\): damaged.*model\.safetensors: sha256"):
        promote(registering, seed=2, after=0.99)
    assert get_champion(client) == "1"


def test_a_champion_without_files_is_named(registering: Workspace, client: Any) -> None:
    promote(registering)
    shutil.rmtree(registering.root / "mlartifacts")
    with pytest.raises(ModelError, match=r"models:/made-up/1 \(the champion\): damaged or unavailable"):
        promote(registering, seed=2, after=0.99)
    assert get_champion(client) == "1"


def outdate_champion(workspace: Workspace, client: Any) -> None:
    """Turn version 1 in the registry into a package of an earlier version of satiety."""
    (copy,) = (path.parent for path in (workspace.root / "mlartifacts").rglob("manifest.json"))
    client.set_model_version_tag("made-up", "1", DIGEST_TAG, outdate(copy))


def test_an_outdated_champion_is_named_and_without_its_alias_the_next_model_is_compared_with_the_untuned(
    registering: Workspace, client: Any
) -> None:
    promote(registering, seed=1, after=0.7)
    outdate_champion(registering, client)
    message = (
        r"^models:/made-up/1 \(the champion\): made by an earlier version of satiety; new models cannot be compared "
        r"with it\. Remove the alias `champion` in MLflow \(docs/promotion\.md\); the next model is then compared with "
        r"the untuned model$"
    )
    with pytest.raises(OutdatedError, match=message):
        promote(registering, seed=2, after=0.95)
    assert get_champion(client) == "1"

    client.delete_registered_model_alias("made-up", "champion")
    report = promote_again()
    assert (report["decision"], report["champion"]) == ("promoted", None)
    assert "the untuned model (there is no champion yet)" in report["reason"]
    assert get_champion(client) == "2"
    with pytest.raises(OutdatedError, match=r"made-up/1 \(the rollback target\): made by an earlier version"):
        roll_back("made-up", "1", "it was better")
    assert get_champion(client) == "2"


def test_an_outdated_champion_can_be_replaced_by_rollback(registering: Workspace, client: Any) -> None:
    promote(registering, seed=1, after=0.7)
    outdate_champion(registering, client)
    with pytest.raises(OutdatedError, match=r"\(the champion\): made by an earlier version"):
        promote(registering, seed=2, after=0.95)
    roll_back("made-up", "2", "the champion is of an earlier version")
    assert get_champion(client) == "2"
    assert promote_again()["decision"] == "unchanged"


def test_an_outdated_package_neither_predicts_nor_is_promoted(
    registering: Workspace, client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    registering.fill()
    outdate(registering.package(registering.root / "models/package"))
    message = r"^models/package/model/tuned\.json: made by an earlier version of satiety \(layout 1, now 2\): rebuild"
    with pytest.raises(OutdatedError, match=message):
        predict_texts(iter(["hello"]), Path("models/package"), "jsonl")
    assert capsys.readouterr().out == ""
    with pytest.raises(OutdatedError, match=message):
        main.run()
    assert client.search_registered_models() == []


@pytest.mark.parametrize("harm", ["another example", "no number"])
def test_a_package_whose_predictions_differ_from_its_input_example_is_not_registered(
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
    assert get_champion(client) == "1"
    assert len(client.search_model_versions("name = 'made-up'")) == 1
    assert str(client.get_model_version_by_alias("made-up", "challenger").version) == "1"
    assert not Path("reports/promote.json").exists()


def test_a_champion_whose_digest_differs_from_the_registered_one_is_named(registering: Workspace, client: Any) -> None:
    """An intact package, so only the digest in the registry shows the difference."""
    promote(registering, seed=1, after=0.7)
    (copy,) = (path.parent for path in (registering.root / "mlartifacts").rglob("manifest.json"))
    registering.fill(seed=2, after=0.8)
    shutil.rmtree(copy)
    registering.package(copy)
    with pytest.raises(ModelError, match=r"made-up/1 \(the champion\): the digest is \w+, expected \w+ as registered"):
        promote(registering, seed=3, after=0.99)
    assert get_champion(client) == "1"


def test_a_damaged_challenger_is_not_registered(registering: Workspace, client: Any) -> None:
    registering.fill()
    folder = registering.package(registering.root / "models/package")
    (folder / "model/head.safetensors").unlink()
    with pytest.raises(ModelError, match=r"head\.safetensors: missing"):
        main.run()
    assert client.search_registered_models() == []


def test_scores_on_another_test_set_are_refused(registering: Workspace, client: Any) -> None:
    promote(registering, after=0.6)
    registering.fill(seed=2, after=0.99)
    register.run(**registering.paths())
    test = registering.root / "data/test.parquet"
    write(test, list(read(test, Example))[1:], Example)
    with pytest.raises(DataError, match=r"evaluated on other examples than those of data/test\.parquet; run `dvc"):
        main.run()
    assert get_champion(client) == "1"


@pytest.mark.parametrize(
    ("text", "message"),
    [("vars: [{test: a}]\n", "no path for package"), ("stages: {}\n", "no path for package, test")],
)
def test_a_dvc_yaml_without_the_paths_is_refused(registering: Workspace, text: str, message: str) -> None:
    (registering.root / "dvc.yaml").write_text(text)
    with pytest.raises(ParamsError, match=rf"dvc\.yaml: vars: {message}"):
        main.run()


def write_fresh(workspace: Workspace, package_path: Path, count: int = 60, origin: str = "drawn") -> None:
    """Write fresh test examples whose gold answers are the predictions of a package, and name them in dvc.yaml."""
    texts = [example.text for example in examples("classify", count)]
    predictions = package.open(package_path, "cpu").predict(texts)
    pairs = enumerate(zip(texts, predictions, strict=True))
    fresh_examples = [
        Example(f"f{i}", {"text": text}, answer=prediction.answer, origin=origin) for i, (text, prediction) in pairs
    ]
    write(workspace.root / "data/fresh.parquet", fresh_examples, Example)
    pipeline = workspace.root / "dvc.yaml"
    pipeline.write_text(pipeline.read_text() + "  - fresh: data/fresh.parquet\n")


def test_randomly_drawn_fresh_examples_promote_if_there_are_enough(
    registering: Workspace, client: Any, tmp_path: Path
) -> None:
    assert promote(registering, seed=1, after=0.8)["fresh"] is None
    registering.fill(seed=2, after=0.805, alternate=True)
    register.run(**registering.paths())
    write_fresh(registering, Path("models/package"))
    report = promote_again()
    assert (report["decision"], report["drawn"]["verdict"]) == ("promoted", "better"), report["reason"]
    assert "on 60 randomly drawn examples" in report["reason"]
    assert report["alpha"]["drawn"]["comparison"] == 1
    registering.fill(seed=3, after=0.95)
    register.run(**registering.paths())
    write_fresh(registering, Path("models/package"), 39)
    few = promote_again()
    assert few["fresh"] == few["drawn"] == {"examples": 39, "min_examples": 40, "verdict": "too few"}
    assert few["decision"] == "promoted"


def test_fresh_examples_not_drawn_at_random_do_not_promote(registering: Workspace, client: Any) -> None:
    promote(registering, seed=1, after=0.8)
    registering.fill(seed=2, after=0.805, alternate=True)
    register.run(**registering.paths())
    write_fresh(registering, Path("models/package"), origin="gold")
    report = promote_again()
    assert (report["decision"], report["fresh"]["verdict"], report["drawn"]) == ("kept", "better", None)
    assert "satiety label next -n N" in report["reason"]
    assert get_champion(client) == "1"


def test_a_model_worse_on_fresh_examples_is_not_promoted(registering: Workspace, client: Any) -> None:
    promote(registering, seed=1, after=0.7)
    shutil.copytree("models/package", "models/old")
    registering.fill(seed=2, after=0.95)
    register.run(**registering.paths())
    write_fresh(registering, Path("models/old"))
    report = promote_again()
    assert (report["decision"], report["fresh"]["verdict"]) == ("kept", "worse")
    assert report["frozen"]["verdict"] == "better"
    assert get_champion(client) == "1"


def test_every_new_challenger_is_a_comparison_and_a_repeated_one_is_not(registering: Workspace, client: Any) -> None:
    first = promote(registering, seed=1, after=0.8)
    assert (first["alpha"]["comparison"], first["alpha"]["remaining"], first["alpha"]["advice"]) == (1, 0.5, None)
    second, repeated = promote(registering, seed=2, after=0.81), promote_again()
    assert (second["alpha"]["comparison"], second["decision"]) == (2, "kept")
    assert second == repeated
    third = promote(registering, seed=3, after=0.81)
    assert third["alpha"]["advice"] == "collect new test examples"
    test_examples = list(read(registering.root / "data/test.parquet", Example))
    tag = f"{comparisons.PREFIX}{comparisons.digest_test_set(test_examples)[:16]}.begun"
    client.set_registered_model_tag("made-up", tag, "{}")  # a comparison that is running or was interrupted
    assert (
        comparisons.record_comparison(client, "made-up", comparisons.digest_test_set(test_examples), None, "one more")
        == 5
    )
    assert (
        "comparison 3 on this test set, 25% of its error budget for wrong promotions is left: collect new test examples"
        in third["reason"]
    )
    assert (
        third["frozen"]["confidence_level"] > second["frozen"]["confidence_level"] > first["frozen"]["confidence_level"]
    )
    report = promote(registering, seed=4, after=0.9, count=180)
    assert report["alpha"]["comparison"] == 1


@pytest.mark.parametrize("after_move", [False, True], ids=["before the alias moved", "after the alias moved"])
def test_a_promotion_interrupted_at_the_alias_is_completed_by_the_next_run(
    after_move: bool, registering: Workspace, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    promote(registering, seed=1, after=0.6)
    set_alias = MlflowClient.set_registered_model_alias

    def interrupt(self: Any, name: str, alias: str, version: str) -> None:
        if alias != "champion":
            return set_alias(self, name, alias, version)
        if after_move:
            set_alias(self, name, alias, version)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "set_registered_model_alias", interrupt)
        with pytest.raises(KeyboardInterrupt):
            promote(registering, seed=2, after=0.95)
    assert get_champion(client) == ("2" if after_move else "1")
    report = promote_again()
    assert report["decision"] == "promoted"
    assert report["alpha"]["comparison"] == 2
    assert (report["champion"]["version"], report["challenger"]["version"]) == ("1", "2")
    assert report["difference"]["low"] > 0
    assert get_champion(client) == "2"
    assert promote_again()["decision"] == "unchanged"
    assert [(move.before, move.after, move.confirmed) for move in history.read_moves(client, "made-up")] == [
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
def test_a_killed_promotion_is_reported_as_promoted_by_the_next_run(
    registering: Workspace, client: Any, point: str
) -> None:
    promote(registering, seed=1, after=0.7)
    registering.fill(seed=2, after=0.95)
    register.run(**registering.paths())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    process = subprocess.run([sys.executable, "-c", KILLED, point], env=environment, capture_output=True, check=False)
    assert (process.returncode, get_champion(client)) == (-signal.SIGKILL, "2"), process.stderr
    report = json.loads(Path("reports/promote.json").read_text(encoding="utf-8"))
    assert (report["challenger"]["version"] == "2") == (point == "the report was written")
    repeated = promote_again()
    (_, move) = history.read_moves(client, "made-up")
    assert (repeated["decision"], repeated["reason"]) == ("promoted", move.reason)
    assert repeated["champion"] == {"version": "1", "digest": move.digests["before"], "score": move.scores["old"]}
    assert repeated["challenger"]["score"] == move.scores["new"]
    assert client.get_model_version("made-up", "2").description.startswith(f"Champion. {move.reason}")
    last = promote_again()
    assert (last["decision"], last["champion"]["version"]) == ("unchanged", "2")


def test_a_workspace_reports_a_promotion_of_another_as_unchanged(registering: Workspace, client: Any) -> None:
    """As in a fresh clone that shares its registry."""
    promote(registering)
    Path("reports/promote.json").unlink()
    assert promote_again()["decision"] == "unchanged"


def test_a_promotion_that_cannot_be_marked_reported_is_still_a_promotion(
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


def test_moves_without_the_field_reported_count_as_reported(registering: Workspace, client: Any) -> None:
    promote(registering)
    tags = client.get_registered_model("made-up").tags
    (tag,) = (name for name in tags if name.startswith(history.PREFIX))
    move = json.loads(tags[tag])
    del move["reported"]
    client.set_registered_model_tag("made-up", tag, json.dumps(move))
    assert promote_again()["decision"] == "unchanged"


def test_moves_of_an_earlier_version_are_refused_with_the_keys_to_rename(registering: Workspace, client: Any) -> None:
    promote(registering)
    tags = client.get_registered_model("made-up").tags
    (tag,) = (name for name in tags if name.startswith(history.PREFIX))
    move = json.loads(tags[tag])
    move["who"] = move.pop("author")
    client.set_registered_model_tag("made-up", tag, json.dumps(move))
    with pytest.raises(OutdatedError, match="rename who to author"):
        history.read_moves(client, "made-up")


def test_a_champion_that_changes_during_promotion_is_compared_again(
    registering: Workspace, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(registering, seed=1, after=0.6)
    promote(registering, seed=2, after=0.95)
    original, rivals = promotion.decide, []

    def decide(contest: Any, version: Any) -> Any:
        decision = original(contest, version)
        rivals.append(str(version.version))
        if len(rivals) == 1:
            client.set_registered_model_alias("made-up", "champion", "2")  # another process promotes version 2 first
        return decision

    client.set_registered_model_alias("made-up", "champion", "1")
    monkeypatch.setattr(promotion, "decide", decide)
    report = promote(registering, seed=3, after=0.8)
    assert rivals == ["1", "2"]
    assert report["decision"] == "kept"
    assert get_champion(client) == "2"


class TestWithoutATest:
    """A first model is judged by its scores out of fold, a challenger by randomly drawn fresh examples only."""

    def test_a_first_model_is_promoted_by_every_label_out_of_fold(self, registering: Workspace, client: Any) -> None:
        report = promote(registering, before=0.5, after=0.9, count=64, folds=5)
        assert (report["decision"], report["basis"], report["frozen"]) == ("promoted", "out_of_fold", None)
        assert report["reason"].startswith(
            "there is no test, so every label was answered by a model that had not seen it; macro_f1 0.8"
        )
        assert "comparison 1 on these labels" in report["reason"]
        assert report["out_of_fold"]["examples"] == 64
        assert get_champion(client) == "1"

    def test_a_first_model_not_better_out_of_fold_is_refused(self, registering: Workspace, client: Any) -> None:
        report = promote(registering, before=0.7, after=0.75, count=40, folds=10)
        assert report["decision"] == "refused"
        assert "not significantly better on the labels scored out of fold" in report["reason"]
        assert "satiety label" not in report["reason"]
        assert get_champion(client) is None

    @pytest.mark.parametrize(("count", "origin"), [(0, "drawn"), (39, "drawn"), (80, "gold")])
    def test_without_enough_random_labels_the_champion_stays_and_the_reason_says_what_is_missing(
        self, registering: Workspace, client: Any, count: int, origin: str
    ) -> None:
        promote(registering, seed=1, before=0.5, after=0.8, count=64, folds=5)
        registering.fill(seed=2, before=0.5, after=1.0, count=64, folds=5)
        register.run(**registering.paths())
        write_fresh(registering, Path("models/package"), count, origin)
        report = promote_again()
        assert (report["decision"], report["difference"]) == ("kept", None)
        drawn = count if origin == "drawn" else 0
        assert f"there are {drawn} of the 40 needed (promote.min_fresh_examples)" in report["reason"]
        assert "`satiety label next -n N`" in report["reason"]
        assert get_champion(client) == "1"

    def test_enough_random_labels_promote_the_better_model_and_spend_the_alpha_of_random_ones(
        self, registering: Workspace, client: Any
    ) -> None:
        promote(registering, seed=1, before=0.5, after=0.7, count=64, folds=5)
        registering.fill(seed=2, before=0.5, after=0.7, count=64, folds=5, alternate=True)
        register.run(**registering.paths())
        write_fresh(registering, Path("models/package"), 80)
        report = promote_again()
        assert (report["decision"], report["basis"], report["frozen"]) == ("promoted", "drawn", None), report["reason"]
        assert report["reason"].startswith("there is no test, so only randomly drawn fresh examples decide; ")
        assert (report["drawn"]["examples"], report["drawn"]["verdict"]) == (80, "better")
        assert get_champion(client) == "2"
        count = comparisons.count_comparisons(client.get_registered_model("made-up").tags, comparisons.FRESH)
        assert count == report["alpha"]["comparison"] == 1

    def test_random_labels_keep_a_champion_that_is_better_on_them(self, registering: Workspace, client: Any) -> None:
        """Out of fold the challenger scores far higher, which does not count."""
        promote(registering, seed=1, before=0.5, after=0.7, count=64, folds=5)
        shutil.copytree("models/package", "models/old")
        registering.fill(seed=2, before=0.5, after=1.0, count=64, folds=5)
        register.run(**registering.paths())
        write_fresh(registering, Path("models/old"), 80)
        report = promote_again()
        assert (report["decision"], report["drawn"]["verdict"]) == ("kept", "worse")
        assert "worse by more than promote.margin (0.01) on the randomly drawn examples" in report["reason"]
        assert get_champion(client) == "1"
