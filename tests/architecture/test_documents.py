"""What is written about the house is true of it: the README's tree, the version, the examples' workspaces."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cli.explain import collect_registries
from cli.workspace import GITIGNORE, render_stages

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


class TestBothLanguages:
    """README.zh-CN.md says what README.md says: what need not be translated must be the same, in the same order."""

    BOTH = tuple(Path(name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))

    def test_they_name_each_other(self) -> None:
        for text, other in zip(self.BOTH, ("README.zh-CN.md", "README.md"), strict=True):
            assert f"]({other})" in "".join(text.splitlines(keepends=True)[:3])

    def test_they_have_the_same_headings(self) -> None:
        english, chinese = (re.findall(r"^#+ ", outside(text), re.M) for text in self.BOTH)
        assert english == chinese

    def test_they_show_the_same_code(self) -> None:
        """What stands left of a comment, an arrow or an explanation."""
        english, chinese = (
            [re.split(r"\s{2,}|▶", line.strip())[0] for block in blocks(text) for line in block.splitlines()]
            for text in self.BOTH
        )
        assert english == chinese

    def test_they_give_the_same_figures(self) -> None:
        english, chinese = (sorted(re.findall(r"[-−+±]?\d[\d.,]*\d|\.?\d+", text)) for text in self.BOTH)
        assert english == chinese

    def test_they_name_the_same_things(self) -> None:
        """Names as the code has them, and what is linked or shown."""
        patterns = (r"`([^`\n]+)`", r"\]\(([^)]+)\)")
        for pattern in patterns:
            english, chinese = (sorted(re.findall(pattern, outside(text))) for text in self.BOTH)
            mutual = {"README.md", "README.zh-CN.md"}
            assert [one for one in english if one not in mutual] == [one for one in chinese if one not in mutual]


def blocks(text: str) -> list[str]:
    """Return the code blocks of a document."""
    return re.findall(r"^```\w*\n(.*?)^```", text, re.S | re.M)


def outside(text: str) -> str:
    """Return a document without its code blocks."""
    return re.sub(r"^```\w*\n.*?^```", "", text, flags=re.S | re.M)


def test_every_picture_that_is_shown_is_there_and_small() -> None:
    for file in [*Path().glob("*.md"), *Path("docs").glob("*.md")]:
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", file.read_text(encoding="utf-8")):
            assert 5_000 < (file.parent / name).stat().st_size < 300_000, f"{file}: {name}: run `make pictures`"


@pytest.mark.skipif(not Path("CHANGELOG.md").exists(), reason="there is no CHANGELOG.md yet")
def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    versions = re.findall(r"^## \[?(\d+\.\d+\.\d+)", Path("CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert versions[0] == PROJECT["version"]


def test_there_are_examples() -> None:
    assert {path.name for path in EXAMPLES} >= {"ner_en", "ner_zh", "topics_zh"}


@pytest.mark.parametrize("folder", EXAMPLES, ids=str)
def test_the_stages_of_an_example_are_the_roots(folder: Path) -> None:
    written = (folder / "dvc.yaml").read_text(encoding="utf-8")
    assert written == render_stages(folder.resolve(), Path.cwd()), f"run: satiety workspace {folder}"
    assert (folder / "data" / "raw" / ".gitkeep").is_file()


def test_git_ignores_in_the_root_what_it_ignores_in_a_workspace() -> None:
    lines = Path(".gitignore").read_text(encoding="utf-8").splitlines()
    assert not [line for line in GITIGNORE.splitlines() if line not in lines]


def test_the_component_of_the_readme_works_as_it_stands_there() -> None:
    """In a process of its own, for a registered name stays registered."""
    code = re.findall(r"```python\n(.*?)```", Path("README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    tried = """
for text in ("the film was good", "我爱北京天安门"):
    (rewrite, *_) = AUGMENTERS["exclaim"].sample().rewrite(text, "und", random.Random(1))
    assert rewrite.text.replace("!", "") == text, rewrite
    assert all(text[a:a + n] == rewrite.text[b:b + n] for a, b, n in rewrite.alignment), rewrite
"""
    done = subprocess.run([sys.executable, "-c", code + tried], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_kind_of_component_is_explained_where_it_is_written() -> None:
    text = Path("docs/components.md").read_text(encoding="utf-8")
    rows = {cells[0]: cells for cells in re.findall(r"^\| (\w+) \| `([\w/]+)` \| `(\w+)`", text, re.M)}
    for kind, registry in collect_registries().items():
        _, folder, base = rows[kind]
        assert folder.rstrip("/").replace("/", ".") == registry._package
        assert any(cls.__name__ == base for name in registry for cls in registry[name].__mro__), f"{base} of {kind}"
    for name in re.findall(r"`(test_\w+\.py)`", text):
        assert Path("tests/contracts", name).is_file()
