"""The state folders of a workspace and its project are private; files that others could have planted are removed."""

import logging
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from satiety.core.errors import SetupError
from satiety.core.state import MARKER, SITE, STATE, prepare_site, prepare_state


def read_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project/.dvc").mkdir(parents=True)
    return tmp_path / "project"


@pytest.fixture
def open_site(root: Path) -> Path:
    """DVC's site folder, writable by every user."""
    repo = root / SITE / "repo"
    (repo / "0123/links").mkdir(parents=True)
    (repo / MARKER).touch()
    (root / STATE).chmod(0o777)
    return repo


def test_state_folders_are_private_and_the_path_stays_relative(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "mine").mkdir()
    monkeypatch.chdir(root / "mine")
    assert prepare_state() == STATE
    assert prepare_state(root / "mine") == root / "mine" / STATE
    assert [read_mode(folder / STATE) for folder in (root, root / "mine")] == [0o700, 0o700]


def test_site_folder_of_dvc_is_private_wherever_it_is(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prepare_site(root) == root / SITE
    assert read_mode(root / STATE) == 0o700
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    site = prepare_site(root.rename(tmp_path / "项目"))
    assert site.is_relative_to(tmp_path / "cache")
    assert read_mode(site) == 0o700
    site.chmod(0o777)
    (site / "repo/0123").mkdir(parents=True)
    prepare_site(tmp_path / "项目")
    assert (read_mode(site), list((site / "repo").iterdir())) == (0o700, [])


def test_readable_folder_is_made_private_and_keeps_the_cache(root: Path, open_site: Path) -> None:
    (root / STATE).chmod(0o755)
    prepare_state(root)
    assert read_mode(root / STATE) == 0o700
    assert (open_site / "0123/links").is_dir()


def test_writable_cache_in_a_readable_folder_is_removed(root: Path, open_site: Path) -> None:
    (root / STATE).chmod(0o755)
    (open_site / "0123").chmod(0o777)
    prepare_state(root)
    assert [path.name for path in open_site.iterdir()] == [MARKER]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused_even_by_root(root: Path, open_site: Path) -> None:
    os.chown(root / STATE, 65534, 65534)
    with pytest.raises(SetupError, match=r"\.satiety belongs to another user"):
        prepare_state(root)


def test_cache_in_a_writable_folder_is_removed_once(
    root: Path, open_site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / STATE / "outbox").mkdir()
    prepare_state(root)
    prepare_state(root)
    assert [record.getMessage() for record in caplog.records] == [
        f"{root / STATE} was writable by other users; DVC's cache in it was removed, and DVC will rebuild it"
    ]
    assert [path.name for path in open_site.iterdir()] == [MARKER]
    assert (root / STATE / "outbox").is_dir()


@pytest.mark.parametrize("planted", ["site", "site/repo", "site/repo/0123"])
def test_planted_link_is_removed_and_its_target_is_not(
    root: Path, open_site: Path, tmp_path: Path, planted: str
) -> None:
    target = tmp_path / "mine"
    (target / "repo/letters").mkdir(parents=True)
    shutil.rmtree(root / STATE / planted)
    (root / STATE / planted).symlink_to(target)
    prepare_state(root)
    assert not (root / STATE / planted).is_symlink()
    assert (target / "repo/letters").is_dir()


def test_inside_a_dvc_stage_the_cache_stays_and_a_warning_names_it(
    root: Path, open_site: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DVC_STAGE", "ingest")
    prepare_state(root)
    assert (read_mode(root / STATE), (open_site / "0123").is_dir()) == (0o700, True)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"remove the cache {root / SITE}" in caplog.text


def test_file_in_place_of_the_state_folder_is_refused(root: Path) -> None:
    (root / STATE).write_text("")
    with pytest.raises(
        SetupError, match=r"\.satiety: cannot make it private: File exists; it must be a folder that you own"
    ):
        prepare_state(root)


def test_git_tracks_the_state_folder_of_every_pipeline() -> None:
    """Otherwise `dvc` in a fresh clone creates one that is writable by every user of the machine."""
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=False).stdout.splitlines()
    if not listed:
        pytest.skip("no git checkout")
    shipped = {Path(name).parent for name in listed if Path(name).name == "dvc.yaml"}
    assert {Path(), Path("examples/ner_zh")} <= shipped
    assert not [folder for folder in shipped if (folder / SITE / "repo" / MARKER).as_posix() not in listed]
