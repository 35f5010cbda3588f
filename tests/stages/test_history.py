"""Every move of the alias is recorded with actor, reason, scores and data; a rollback stays in force."""

import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.history import show
from cli.rollback import roll_back
from satiety.core.errors import ModelError, ParamsError
from satiety.package.card import Facts
from tasks import history
from tasks.promote import main
from tasks.register import main as register
from tests.packaging import Workspace


@pytest.fixture
def two_champions(registering: Workspace) -> Workspace:
    """A workspace whose second model replaced the first as champion."""
    for seed, score in ((1, 0.7), (2, 0.95)):
        registering.fill(seed=seed, after=score)
        register.run(**registering.paths())
        main.run()
    return registering


def render_history() -> str:
    output = io.StringIO()
    show(Path(), "table", Console(file=output, width=100, highlight=False))
    return output.getvalue()


def promote_again() -> dict[str, Any]:
    main.run()
    values: dict[str, Any] = json.loads(Path("reports/promote.json").read_text(encoding="utf-8"))
    return values


def test_every_promotion_is_recorded(
    two_champions: Workspace, client: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = history.read_moves(client, "made-up")
    assert (first.before, first.after, second.before, second.after) == (None, "1", "1", "2")
    assert second.kind == "promote"
    assert "@" in second.author
    assert second.reason == client.get_model_version("made-up", "2").tags["satiety.reason"]
    assert second.scores["metric"] == "macro_f1"
    assert second.scores["old"]["low"] < second.scores["old"]["value"] < second.scores["new"]["low"]
    assert set(second.data) == {"problem", "train", "test", "revision"}
    show(Path(), "jsonl")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["after"] for line in lines] == ["1", "2"]
    text = render_history()
    assert text.startswith("made-up: version 2 is champion\n2 comparisons on data/test.parquet; 33% of")
    assert "none → 1  promote" in text
    assert "1 → 2  promote" in text
    assert f"train {second.data['train'][:8]}" in text
    monkeypatch.setenv("SATIETY_PARENT_RUN", "1764169200-retrain-0a1b2c3d")
    assert history.identify_actor().endswith(", flow retrain")


def test_a_rolled_back_champion_is_not_promoted_again(two_champions: Workspace, client: Any) -> None:
    message = roll_back(Path(), None, " 它在店里答错了 ")
    assert message.startswith("Version 1 is champion; its package is verified. Version 2 is not promoted")
    assert "models/package is a different model, which `satiety predict` still uses: check out" in message
    assert history.find_champion(client, "made-up") == "1"
    last = history.read_moves(client, "made-up")[-1]
    assert (last.kind, last.before, last.after, last.reason) == ("rollback", "2", "1", "它在店里答错了")
    assert client.get_model_version("made-up", "2").tags["satiety.decision"] == "taken back"
    report = promote_again()
    assert report["decision"] == "kept"
    assert "rolled this model back" in report["reason"]
    assert "它在店里答错了" in report["reason"]
    assert 'to promote it anyway, run `satiety rollback 2 --why "…"`' in report["reason"]
    assert history.find_champion(client, "made-up") == "1"
    assert "2 → 1  rollback" in render_history()
    assert roll_back(Path(), "2", "it was the shop") == "Version 2 is champion; its package is verified."
    assert promote_again()["decision"] == "unchanged"
    assert history.find_champion(client, "made-up") == "2"
    with pytest.raises(ModelError, match="rollback: made-up version 2 is the champion already"):
        roll_back(Path(), "2", "again")
    with pytest.raises(ModelError, match="rollback: made-up has no version 7; existing versions: 1, 2"):
        roll_back(Path(), "7", "again")
    for reason in (" ", "why " * 2000):
        with pytest.raises(ParamsError, match=r"rollback: --why has [\d,]+ characters; give a reason of 1 to 5,000"):
            roll_back(Path(), None, reason)
    assert history.find_champion(client, "made-up") == "2"


def test_rollback_without_model_or_earlier_champion_is_refused(registering: Workspace, client: Any) -> None:
    with pytest.raises(ModelError, match=r"rollback: no model 'made-up' is registered in MLflow; check register\.name"):
        roll_back(Path(), None, "why not")
    assert "made-up: no champion yet" in render_history()
    register.run(**registering.paths())
    main.run()
    with pytest.raises(ModelError, match="rollback: made-up has no champion before 1; give a version number"):
        roll_back(Path(), None, "why not")


def test_rollback_to_a_damaged_package_is_refused(two_champions: Workspace, client: Any) -> None:
    folders = sorted(
        (two_champions.root / "mlartifacts").rglob("manifest.json"), key=lambda path: path.stat().st_mtime_ns
    )
    (folders[0].parent / "model/head.safetensors").unlink()
    with pytest.raises(ModelError, match=r"made-up/1 \(the rollback target\): damaged.*head\.safetensors"):
        roll_back(Path(), None, "it is worse")
    assert history.find_champion(client, "made-up") == "2"
    assert len(history.read_moves(client, "made-up")) == 2


def test_the_history_shows_alias_moves_made_in_mlflow(two_champions: Workspace, client: Any) -> None:
    client.set_registered_model_alias("made-up", "champion", "1")
    text = render_history()
    assert "2 → 1  moved outside satiety  since then" in text
    assert "moved outside Satiety" in text


def test_concurrent_moves_are_all_recorded(two_champions: Workspace, client: Any) -> None:
    first = history.read_moves(client, "made-up")[0]

    def write_moves(prefix: str) -> None:
        for number in range(3):
            facts = Facts("made-up", "abc", {}, ["en"], 10, {})
            move = history.build_move("promote", "2", "2", f"{prefix}{number}", facts=facts, digests={}, scores={})
            history.apply_move(client, "made-up", move)

    threads = [threading.Thread(target=write_moves, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reasons = {move.reason for move in history.read_moves(client, "made-up")}
    assert reasons >= {f"{name}{number}" for name in ("a", "b") for number in range(3)}
    assert first.reason in reasons
