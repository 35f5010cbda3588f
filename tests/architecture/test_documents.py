"""What is written about the house is true of it: the README's tree, the version, the examples' workspaces."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cli.workspace import IGNORED, stages_seen_from

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
EXAMPLES = sorted(path.parent for path in Path("examples").glob("*/params.yaml"))
GENERATED = {"data", "models", "reports", "plots", "build", "dist", "mlartifacts", "mlruns"}
"""Folders a run makes, which need no line of their own."""


def tree() -> dict[str, str]:
    """Return the README's folder tree: each path, and what its line says of it."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", Path("README.md").read_text(encoding="utf-8"), re.S | re.M)
    lines = next((block for block in blocks if "\nsatiety/" in f"\n{block}"), "").splitlines()
    found, parents = {}, []
    for line in filter(str.strip, lines):
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, comment = line.strip().partition(" ")
        parents = [*parents[:depth], name.rstrip("/")]
        found["/".join(parents)] = comment.strip()
    return found


@pytest.mark.skipif(not Path("README.md").exists(), reason="there is no README.md yet")
class TestReadme:
    def test_every_path_of_the_tree_exists_and_has_a_line(self) -> None:
        listed = tree()
        assert listed
        assert not [path for path in listed if not Path(path).exists()]
        assert not [path for path, comment in listed.items() if not comment]

    def test_every_folder_and_every_package_is_in_the_tree(self) -> None:
        folders = {path.name for path in Path().iterdir() if path.is_dir() and not path.name.startswith(".")}
        folders = {
            name for name in folders - GENERATED if any(Path(name).rglob("*.*")) and not name.endswith(".egg-info")
        }
        packages = {path.parent.as_posix() for path in Path("satiety").glob("*/__init__.py")}
        assert not (folders | packages) - set(tree())


@pytest.mark.skipif(not Path("CHANGELOG.md").exists(), reason="there is no CHANGELOG.md yet")
def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    versions = re.findall(r"^## \[?(\d+\.\d+\.\d+)", Path("CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert versions[0] == PROJECT["version"]


def test_there_are_examples() -> None:
    assert {path.name for path in EXAMPLES} >= {"ner_en", "ner_zh", "topics_zh"}


@pytest.mark.parametrize("folder", EXAMPLES, ids=str)
def test_the_stages_of_an_example_are_the_roots(folder: Path) -> None:
    written = (folder / "dvc.yaml").read_text(encoding="utf-8")
    assert written == stages_seen_from(folder.resolve(), Path.cwd()), f"run: satiety workspace {folder}"
    assert (folder / "data" / "raw" / ".gitkeep").is_file()


def test_git_ignores_in_the_root_what_it_ignores_in_a_workspace() -> None:
    lines = Path(".gitignore").read_text(encoding="utf-8").splitlines()
    assert not [line for line in IGNORED.splitlines() if line not in lines]


def test_the_component_of_the_readme_works_as_it_stands_there() -> None:
    """In a process of its own, for a registered name stays registered."""
    code = re.findall(r"```python\n(.*?)```", Path("README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    tried = """
for text in ("the film was good", "我爱北京天安门"):
    (rewrite, *_) = AUGMENTERS["exclaim"].sample().augment(text, "und", random.Random(1))
    assert rewrite.text.replace("!", "") == text, rewrite
    assert all(text[a:a + n] == rewrite.text[b:b + n] for a, b, n in rewrite.kept), rewrite
"""
    done = subprocess.run([sys.executable, "-c", code + tried], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
