"""A problem's folder is made ready to run, and nothing of the user's is ever overwritten."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cli.check import check_params
from cli.workspace import make_workspace, render_stages
from satiety.core.errors import ParamsError, SetupError

STAGES = """# Every stage.
vars:
  - root: .   # where the code is
  - problem: data/problem.json
stages:
  ingest:
    cmd: python -m tasks.ingest --out ${problem}
    deps: ['${root}/tasks']
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "dvc.yaml").write_text(STAGES)
    (tmp_path / "params.yaml").write_text("ingest: {}\n")
    return tmp_path


@pytest.fixture
def mine(root: Path) -> Path:
    folder = root / "examples" / "情感"
    folder.mkdir(parents=True)
    (folder / "params.yaml").write_text("ingest: {}\n")
    return folder


def test_the_stages_are_the_roots_seen_from_the_folder(mine: Path) -> None:
    make_workspace(mine / "params.yaml")
    text = (mine / "dvc.yaml").read_text(encoding="utf-8")
    assert text.startswith("# Made from the root's dvc.yaml by `satiety workspace examples/情感`;")
    assert yaml.safe_load(text)["vars"][0] == {"root": "../.."}
    assert yaml.safe_load(text)["stages"] == yaml.safe_load(STAGES)["stages"]


def test_data_raw_and_gitignore_are_there(mine: Path) -> None:
    make_workspace(mine)
    assert (mine / "data/raw/.gitkeep").read_text() == ""
    assert "/models/" in (mine / ".gitignore").read_text().splitlines()
    assert stat.S_IMODE((mine / ".satiety").stat().st_mode) == 0o700


def test_doing_it_again_changes_nothing_but_follows_the_root(root: Path, mine: Path) -> None:
    make_workspace(mine)
    first = (mine / "dvc.yaml").stat().st_mtime_ns
    (mine / ".gitignore").write_text("mine\n")
    make_workspace(mine)
    assert (mine / "dvc.yaml").stat().st_mtime_ns == first
    assert (mine / ".gitignore").read_text() == "mine\n"
    (root / "dvc.yaml").write_text(STAGES.replace("--out", "--to"))
    make_workspace(mine)
    assert "--to" in (mine / "dvc.yaml").read_text(encoding="utf-8")


def test_the_roots_own_stages_stay_as_they_are(root: Path) -> None:
    make_workspace(root)
    assert (root / "dvc.yaml").read_text() == STAGES
    assert not (root / "data").exists()


def test_a_dvc_yaml_of_the_users_is_never_overwritten(mine: Path) -> None:
    (mine / "dvc.yaml").write_text("stages: {}\n")
    with pytest.raises(SetupError, match=r"dvc\.yaml: was not made by `satiety workspace`; move it away"):
        make_workspace(mine)
    assert (mine / "dvc.yaml").read_text() == "stages: {}\n"


def test_a_file_of_another_name_is_refused(mine: Path) -> None:
    (mine / "other.yaml").write_text("")
    with pytest.raises(SetupError, match=r"other\.yaml: must be called params\.yaml, for DVC reads no other"):
        make_workspace(mine / "other.yaml")


def test_a_missing_file_is_named(root: Path) -> None:
    (root / "new").mkdir()
    with pytest.raises(SetupError, match=r"new: no such file; copy the root's params\.yaml there"):
        make_workspace(root / "new")


def test_a_folder_outside_any_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("")
    with pytest.raises(SetupError, match=r"no folder above it has a \.dvc/ and a dvc\.yaml"):
        make_workspace(tmp_path)


def test_a_root_without_its_line_is_named(root: Path, mine: Path) -> None:
    (root / "dvc.yaml").write_text("stages: {}\n")
    with pytest.raises(SetupError, match=r"must hold the line '- root: .' once under vars"):
        render_stages(mine, root)


def test_dvc_whose_config_takes_ascii_alone_can_be_told_of_a_root_that_is_not(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = root.rename(tmp_path.with_name("项目"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    make_workspace(there / "params.yaml")
    assert f"site_cache_dir = {tmp_path}/satiety/" in (there / ".dvc/config.local").read_text(encoding="ascii")


def test_dvcs_settings_of_this_machine_which_may_hold_a_remotes_password_are_their_owners_alone(root: Path) -> None:
    for _ in range(2):
        make_workspace(root / "params.yaml")
        config = root / ".dvc/config.local"
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        config.chmod(0o644)


def test_a_file_of_an_earlier_version_is_refused_as_by_satiety_check_and_nothing_is_written(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mine.parent)
    (mine / "params.yaml").write_text("ingest:\n  base: {uri: 'file:data/raw/base'}\nretrieve: {}\n")
    with pytest.raises(ParamsError) as checked:
        check_params(Path(mine.name))
    with pytest.raises(ParamsError) as caught:
        make_workspace(Path(mine.name))
    assert str(caught.value) == str(checked.value)
    assert str(caught.value).startswith("情感/params.yaml:2: ingest.base, retrieve: of an earlier version; put")
    assert [file.name for file in mine.iterdir()] == ["params.yaml"]


def test_the_plots_of_dvc_are_drawn_without_a_network(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vega = type(sys)("vl_convert")
    vega.javascript_bundle = lambda vl_version: "window.vegaEmbed = () => {}"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vl_convert", vega)
    subprocess.run(["dvc", "init", "-q", "--no-scm", "-f"], cwd=root, check=True)
    make_workspace(root)
    (root / "dvc.yaml").write_text("plots: [loss.csv: {x: step, y: loss}]\n")
    (root / "loss.csv").write_text("step,loss\n1,0.5\n")
    subprocess.run(["dvc", "plots", "show"], cwd=root, check=True, capture_output=True)
    page = (root / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert "<script>window.vegaEmbed" in page
    assert "vegaEmbed('#" in page
    assert "https://cdn" not in page


def test_without_vega_dvc_keeps_its_own_page(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    make_workspace(root)
    assert "html_template" not in (root / ".dvc/config.local").read_text()
