"""Settings of the machine come from the environment and are checked."""

from pathlib import Path

import pytest

from satiety.core.errors import SetupError
from satiety.core.settings import Settings, project_root


def test_nothing_set_means_the_documented_defaults() -> None:
    settings = Settings()
    assert (settings.device, settings.tracking_uri, settings.parent_run) == ("auto", None, None)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_DEVICE", "cpu")
    monkeypatch.setenv("SATIETY_CHECKPOINT_SECONDS", "3")
    assert (Settings().device, Settings().checkpoint_seconds) == ("cpu", 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SATIETY_DEVICE", "tpu"),
        ("SATIETY_CHECKPOINT_SECONDS", "-1"),
        ("SATIETY_CHECKPOINT_SECONDS", "abc"),
        ("SATIETY_CHECKPOINT_SECONDS", "nan"),
        ("SATIETY_PARENT_RUN", "你好"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SetupError, match=rf"^{name}: .* \(got '{value}'\); change or unset the variable$"):
        Settings()


def test_the_root_is_the_nearest_folder_with_a_dvc_folder(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    below = tmp_path / "examples" / "中文"
    below.mkdir(parents=True)
    assert project_root(below) == tmp_path
    (below / ".dvc").mkdir()
    assert project_root(below) == below


def test_without_a_dvc_folder_the_root_is_the_folder_itself(tmp_path: Path) -> None:
    assert project_root(tmp_path) == tmp_path


def test_satiety_project_sets_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "copy/.dvc").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "copy")
    assert project_root() == tmp_path / "copy"
    monkeypatch.setenv("SATIETY_PROJECT", str(tmp_path))
    assert project_root() == tmp_path
    assert project_root(tmp_path / "copy") == tmp_path / "copy"
