"""The documents agree with the repository: the tree in the README, the version, the workspaces of the examples."""

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
"""Folders that a run creates, which need no line in the tree."""


def read_tree() -> dict[str, str]:
    """Return the folder tree of the README: path -> comment."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", Path("README.md").read_text(encoding="utf-8"), re.S | re.M)
    lines = next((block for block in blocks if "\nsatiety/" in f"\n{block}"), "").splitlines()
    comments, parents = {}, []
    for line in filter(str.strip, lines):
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, comment = line.strip().partition(" ")
        parents = [*parents[:depth], name.rstrip("/")]
        comments["/".join(parents)] = comment.strip()
    return comments


@pytest.mark.skipif(not Path("README.md").exists(), reason="there is no README.md yet")
class TestReadme:
    def test_every_path_of_the_tree_exists_and_has_a_comment(self) -> None:
        listed = read_tree()
        assert listed
        assert not [path for path in listed if not Path(path).exists()]
        assert not [path for path, comment in listed.items() if not comment]

    def test_every_folder_and_every_package_is_in_the_tree(self) -> None:
        folders = {path.name for path in Path().iterdir() if path.is_dir() and not path.name.startswith(".")}
        folders = {
            name for name in folders - GENERATED if any(Path(name).rglob("*.*")) and not name.endswith(".egg-info")
        }
        packages = {path.parent.as_posix() for path in Path("satiety").glob("*/__init__.py")}
        assert not (folders | packages) - set(read_tree())


class TestBothLanguages:
    """README.zh-CN.md is a translation of README.md: what is not translated must be equal and in the same order."""

    BOTH = tuple(Path(name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))

    def test_they_link_to_each_other(self) -> None:
        for text, other_name in zip(self.BOTH, ("README.zh-CN.md", "README.md"), strict=True):
            assert f"]({other_name})" in "".join(text.splitlines(keepends=True)[:3])

    def test_they_have_the_same_headings(self) -> None:
        english, chinese = (re.findall(r"^#+ ", remove_code_blocks(text), re.M) for text in self.BOTH)
        assert english == chinese

    def test_they_show_the_same_code(self) -> None:
        """Compares the part of a line before a comment, an arrow or an explanation."""
        english, chinese = (
            [re.split(r"\s{2,}|▶", line.strip())[0] for block in find_code_blocks(text) for line in block.splitlines()]
            for text in self.BOTH
        )
        assert english == chinese

    def test_they_have_the_same_numbers(self) -> None:
        english, chinese = (sorted(re.findall(r"[-−+±]?\d[\d.,]*\d|\.?\d+", text)) for text in self.BOTH)
        assert english == chinese

    def test_they_have_the_same_names_and_links(self) -> None:
        """Names in code style, links and pictures."""
        patterns = (r"`([^`\n]+)`", r"\]\(([^)]+)\)")
        for pattern in patterns:
            english, chinese = (sorted(re.findall(pattern, remove_code_blocks(text))) for text in self.BOTH)
            mutual = {"README.md", "README.zh-CN.md"}
            assert [name for name in english if name not in mutual] == [name for name in chinese if name not in mutual]


def find_code_blocks(text: str) -> list[str]:
    """Return the code blocks of a document."""
    return re.findall(r"^```\w*\n(.*?)^```", text, re.S | re.M)


def remove_code_blocks(text: str) -> str:
    """Return a document without its code blocks."""
    return re.sub(r"^```\w*\n.*?^```", "", text, flags=re.S | re.M)


def test_every_picture_exists_and_is_small() -> None:
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
def test_the_stages_of_an_example_equal_those_of_the_root(folder: Path) -> None:
    content = (folder / "dvc.yaml").read_text(encoding="utf-8")
    assert content == render_stages(folder.resolve(), Path.cwd()), f"run: satiety workspace {folder}"
    assert (folder / "data" / "raw" / ".gitkeep").is_file()


def test_gitignore_of_the_root_contains_that_of_a_workspace() -> None:
    lines = Path(".gitignore").read_text(encoding="utf-8").splitlines()
    assert not [line for line in GITIGNORE.splitlines() if line not in lines]


def test_the_component_in_the_readme_works() -> None:
    """In a fresh process, because a registered name stays registered."""
    code = re.findall(r"```python\n(.*?)```", Path("README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    check = """
for text in ("the film was good", "我爱北京天安门"):
    (rewrite, *_) = AUGMENTERS["exclaim"].sample().rewrite(text, "und", random.Random(1))
    assert rewrite.text.replace("!", "") == text, rewrite
    assert all(text[a:a + n] == rewrite.text[b:b + n] for a, b, n in rewrite.alignment), rewrite
"""
    process = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


def test_docs_components_lists_every_kind_with_its_folder_and_base() -> None:
    text = Path("docs/components.md").read_text(encoding="utf-8")
    rows = {cells[0]: cells for cells in re.findall(r"^\| (\w+) \| `([\w/]+)` \| `(\w+)`", text, re.M)}
    for kind, registry in collect_registries().items():
        _, folder, base = rows[kind]
        assert folder.rstrip("/").replace("/", ".") == registry._package
        assert any(cls.__name__ == base for name in registry for cls in registry[name].__mro__), f"{base} of {kind}"
    for name in re.findall(r"`(test_\w+\.py)`", text):
        assert Path("tests/contracts", name).is_file()
