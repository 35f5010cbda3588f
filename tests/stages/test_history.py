"""Every move of the alias is kept, with who, why, scores and data; a champion is taken back, and stays so."""

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
def twice(registering: Workspace) -> Workspace:
    """A workspace whose second model took over from the first."""
    for seed, after in ((1, 0.7), (2, 0.95)):
        registering.fill(seed=seed, after=after)
        register.run(**registering.paths())
        main.run()
    return registering


def shown() -> str:
    out = io.StringIO()
    show(Path(), "table", Console(file=out, width=100, highlight=False))
    return out.getvalue()


def decision() -> dict[str, Any]:
    main.run()
    values: dict[str, Any] = json.loads(Path("reports/promote.json").read_text(encoding="utf-8"))
    return values


def test_every_promotion_is_written_down(
    twice: Workspace, client: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = history.read_moves(client, "made-up")
    assert (first.before, first.after, second.before, second.after) == (None, "1", "1", "2")
    assert second.kind == "promote"
    assert "@" in second.who
    assert second.why == client.get_model_version("made-up", "2").tags["satiety.reason"]
    assert second.scores["metric"] == "macro_f1"
    assert second.scores["old"]["low"] < second.scores["old"]["value"] < second.scores["new"]["low"]
    assert set(second.data) == {"problem", "train", "test", "revision"}
    show(Path(), "jsonl")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["after"] for one in lines] == ["1", "2"]
    text = shown()
    assert text.startswith("made-up: version 2 is champion\n2 comparisons on data/test.parquet; 0.33 of")
    assert "none → 1  promote" in text
    assert "1 → 2  promote" in text
    assert f"train {second.data['train'][:8]}" in text
    monkeypatch.setenv("SATIETY_PARENT_RUN", "1764169200-retrain-0a1b2c3d")
    assert history.identify_actor().endswith(", flow retrain")


def test_a_champion_is_taken_back_and_does_not_come_again_by_itself(twice: Workspace, client: Any) -> None:
    said = roll_back(Path(), None, " 它在店里答错了 ")
    assert said.startswith("Version 1 is champion; its package is verified. Version 2 is not promoted")
    assert "models/package is a different model, which `satiety predict` still uses: check out" in said
    assert history.find_champion(client, "made-up") == "1"
    last = history.read_moves(client, "made-up")[-1]
    assert (last.kind, last.before, last.after, last.why) == ("rollback", "2", "1", "它在店里答错了")
    assert client.get_model_version("made-up", "2").tags["satiety.decision"] == "taken back"
    report = decision()
    assert report["decision"] == "kept"
    assert "rolled this model back" in report["reason"]
    assert "它在店里答错了" in report["reason"]
    assert 'to promote it anyway, run `satiety rollback 2 --why "…"`' in report["reason"]
    assert history.find_champion(client, "made-up") == "1"
    assert "2 → 1  rollback" in shown()
    assert roll_back(Path(), "2", "it was the shop") == "Version 2 is champion; its package is verified."
    assert decision()["decision"] == "unchanged"
    assert history.find_champion(client, "made-up") == "2"
    with pytest.raises(ModelError, match="rollback: made-up version 2 is the champion already"):
        roll_back(Path(), "2", "again")
    with pytest.raises(ModelError, match="rollback: made-up has no version 7; existing versions: 1, 2"):
        roll_back(Path(), "7", "again")
    for why in (" ", "why " * 2000):
        with pytest.raises(ParamsError, match=r"rollback: --why has [\d,]+ characters; give a reason of 1 to 5,000"):
            roll_back(Path(), None, why)
    assert history.find_champion(client, "made-up") == "2"


def test_nothing_before_and_no_model_are_refused(registering: Workspace, client: Any) -> None:
    with pytest.raises(ModelError, match=r"rollback: no model 'made-up' is registered in MLflow; check register\.name"):
        roll_back(Path(), None, "why not")
    assert "made-up: no champion yet" in shown()
    register.run(**registering.paths())
    main.run()
    with pytest.raises(ModelError, match="rollback: made-up has no champion before 1; give a version number"):
        roll_back(Path(), None, "why not")


def test_a_damaged_package_does_not_become_champion_again(twice: Workspace, client: Any) -> None:
    folders = sorted((twice.root / "mlartifacts").rglob("manifest.json"), key=lambda path: path.stat().st_mtime_ns)
    (folders[0].parent / "model/head.safetensors").unlink()
    with pytest.raises(ModelError, match=r"made-up/1 \(the rollback target\): damaged.*head\.safetensors"):
        roll_back(Path(), None, "it is worse")
    assert history.find_champion(client, "made-up") == "2"
    assert len(history.read_moves(client, "made-up")) == 2


def test_what_was_done_in_mlflow_itself_is_seen(twice: Workspace, client: Any) -> None:
    client.set_registered_model_alias("made-up", "champion", "1")
    text = shown()
    assert "2 → 1  moved outside satiety  since then" in text
    assert "moved outside Satiety" in text


def test_two_who_write_at_once_lose_nothing(twice: Workspace, client: Any) -> None:
    first = history.read_moves(client, "made-up")[0]

    def write(why: str) -> None:
        for number in range(3):
            facts = Facts("made-up", "abc", {}, ["en"], 10, {})
            one = history.build_move("promote", "2", "2", f"{why}{number}", facts=facts, digests={}, scores={})
            history.apply_move(client, "made-up", one)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {move.why for move in history.read_moves(client, "made-up")}
    assert found >= {f"{name}{number}" for name in ("a", "b") for number in range(3)}
    assert first.why in found
