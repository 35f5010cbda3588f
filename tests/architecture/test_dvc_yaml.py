"""dvc.yaml, the code and params.yaml agree, so no stale result goes unnoticed."""

import importlib
import json
import pkgutil
import shlex
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml
from pydantic import BaseModel

import satiety
from satiety.core.fields import models_in
from satiety.core.project import Project
from satiety.core.section import Section
from satiety.params import load_params, section_classes, section_names
from satiety.worth.section import Worth
from tasks.stage import Stage

PLUMBING = {
    "satiety",
    "satiety.core",
    "satiety.levers",
    "satiety.text",
    "satiety.serving",
    "satiety.core.errors",
    "satiety.core.executor",
    "satiety.core.fields",
    "satiety.core.files",
    "satiety.core.progress",
    "satiety.core.registry",
    "satiety.core.scalars",
    "satiety.core.checksums",
    "satiety.core.section",
    "satiety.core.services",
    "satiety.core.settings",
    "satiety.core.state_files",
    "satiety.core.state",
    "tasks",
    "tasks.integrity",
    "tasks.pdeathsig",
    "tasks.repair",
    "tasks.pages",
    "tasks.outbox",
    "tasks.publish",
    "tasks.stage",
    "tasks.tracking",
}
"""Modules that pass values on without changing them; no stage depends on them."""
READ_BY = {"satiety.core.secrets": "satiety.text.masking", "satiety.core.asset": "satiety.ingest.assets"}
"""Module imported everywhere -> the module through which it affects results."""

OTHER_TASKS = {"comparisons", "evidence", "fetch", "history", "monitor", "paths", "promote", "rollback", "trace"}
"""Modules that belong to no stage: promotion, history, traces, monitoring."""
FILE = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))
STAGES: dict[str, Any] = FILE["stages"]
NAMES = {name: value for group in FILE["vars"] for name, value in group.items()}


def fill_variables(text: str) -> str:
    """Return a path of dvc.yaml with its variables filled in, relative to the root."""
    for name, path in NAMES.items():
        text = text.replace(f"${{{name}}}", path)
    return Path(text).as_posix()


def collect_paths(stage: dict[str, Any], *keys: str) -> set[str]:
    """Return the paths under these keys; an entry is a path, or a mapping with the path as its only key."""
    entries = [entry for key in keys for entry in stage.get(key, [])]
    return {fill_variables(entry if isinstance(entry, str) else next(iter(entry))) for entry in entries}


@pytest.fixture(scope="session")
def imports() -> grimp.ImportGraph:
    """Every import of the code, those inside functions too."""
    return grimp.build_graph("tasks", "satiety", cache_dir=None)


def find_modules(imports: grimp.ImportGraph, name: str) -> set[str]:
    """Return all modules that a stage can run: its imports, and those of their packages."""
    modules, queue = set[str](), [f"tasks.{name}"]
    while queue:
        module = queue.pop()
        if module not in modules and module in imports.modules:
            modules.add(module)
            queue += [*imports.find_modules_directly_imported_by(module), module.rpartition(".")[0]]
            queue += [child for package in list_registered_packages(module) for child in imports.find_children(package)]
    return modules


def list_registered_packages(module: str) -> list[str]:
    """Return the packages whose files the registries of a module import: its own package or its parent."""
    from satiety.core.registry import Registry

    if not module.startswith("satiety."):
        return []
    registries = [value for value in vars(importlib.import_module(module)).values() if isinstance(value, Registry)]
    return [registry._package for registry in registries if module.startswith(registry._package)]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_all_the_code_it_uses(name: str, imports: grimp.ImportGraph) -> None:
    deps, missing, modules = collect_paths(STAGES[name], "deps"), [], find_modules(imports, name)
    for module in sorted(modules - PLUMBING - {name for name, reader in READ_BY.items() if reader not in modules}):
        file = module.replace(".", "/")
        paths_of_module = (f"{file}.py", f"{file}/__init__.py", file)
        if not any(dep in paths_of_module or file.startswith(f"{dep}/") for dep in deps):
            missing.append(module)
    assert not missing, f"dvc.yaml: stage {name}: add to deps: {missing}"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_does_not_depend_on_unused_code(name: str, imports: grimp.ImportGraph) -> None:
    modules = {module.replace(".", "/") for module in find_modules(imports, name)}
    code = {dep for dep in collect_paths(STAGES[name], "deps") if dep.startswith(("satiety/", "tasks/"))}
    names = {dep: dep.removesuffix(".py").removesuffix("/__init__") for dep in sorted(code)}
    idle = [
        dep
        for dep, name_without_suffix in names.items()
        if not any(f == name_without_suffix or f.startswith(f"{dep}/") for f in modules)
    ]
    assert not idle, f"dvc.yaml: stage {name}: take out of deps: {idle}"


def get_params(name: str) -> type[Section]:
    """Return the section that a stage reads."""
    values = vars(importlib.import_module(f"tasks.{name}")).values()
    return next(value for value in values if isinstance(value, Stage)).params


def uses_project(model: type[BaseModel]) -> bool:
    """Return whether the model or a nested model takes a field from `project` by default."""
    return any(
        (name in Project.model_fields and info.is_required()) or any(map(uses_project, models_in(info.annotation)))
        for name, info in model.model_fields.items()
    )


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_exactly_the_blocks_that_it_reads(name: str) -> None:
    # The card of `register` shows the params of all stages.
    sections = [get_params(stage) for stage in STAGES if stage in (name, *(STAGES if name == "register" else ()))]
    sections = [section for section in sections if name != "register" or section is not Worth]
    blocks = {block for section in sections for block in section.blocks()}
    blocks |= {"project"} if any(map(uses_project, sections)) else set()
    blocks |= {"finetune"} if name == "worth" else set()  # it fine-tunes as the pipeline does, without its levers
    blocks |= {"levers", "use", "finetune"} if name == "evaluate" else set()  # it does so in each fold, with levers
    assert STAGES[name]["params"] == [
        *(["project"] if "project" in blocks else []),
        *_sort_blocks(blocks - {"project"}),
    ]


def _sort_blocks(blocks: set[str]) -> list[str]:
    """Return blocks in the order of the file, but `worth` before `finetune`."""
    names = sorted(blocks, key=section_names().index)
    return sorted(names, key=lambda name: name == "finetune" and "worth" in blocks)


def test_fields_of_project_are_repeated_only_in_known_sections() -> None:
    """A block that repeats a field of `project` must be listed here; the reason for its default is in the code."""
    owners: dict[str, set[str]] = {}
    for block, section in section_classes().items():
        for name, info in section.model_fields.items():
            if name in Project.model_fields and not info.is_required():
                owners.setdefault(name, set()).add(block)
    repeated = {name: blocks - {"project"} for name, blocks in owners.items()}
    assert {name: blocks for name, blocks in repeated.items() if blocks} == {"resamples": {"worth"}}


@pytest.mark.parametrize("name", STAGES)
def test_every_path_of_the_command_is_a_dependency_or_output(name: str) -> None:
    words = shlex.split(STAGES[name]["cmd"])
    assert words[:4] == ["exec", "python", "-m", f"tasks.{name}"]
    arguments = {fill_variables(word) for word in words[4:] if not word.startswith("--")}
    assert arguments <= collect_paths(STAGES[name], "deps", "outs", "plots", "metrics")


@pytest.mark.parametrize("name", STAGES)
def test_the_outputs_of_a_stage_in_the_code_and_in_dvc_yaml_are_equal(name: str) -> None:
    values = vars(importlib.import_module(f"tasks.{name}")).values()
    stage = next(value for value in values if isinstance(value, Stage))
    words = shlex.split(STAGES[name]["cmd"])[4:]
    path_by_option = {
        option[2:].replace("-", "_"): fill_variables(path) for option, path in zip(words[::2], words[1::2], strict=True)
    }
    outputs = collect_paths(STAGES[name], "outs", "metrics", "plots") - {f"reports/{name}.json"}
    assert {path_by_option[path] for path in stage.outputs} == outputs
    assert {path_by_option[path] for path in set(stage.paths) - set(stage.outputs)} <= collect_paths(
        STAGES[name], "deps"
    )


@pytest.mark.parametrize("name", STAGES)
def test_the_command_has_every_path_of_the_stage(name: str) -> None:
    values = vars(importlib.import_module(f"tasks.{name}")).values()
    stage = next(value for value in values if isinstance(value, Stage))
    options = [word for word in shlex.split(STAGES[name]["cmd"]) if word.startswith("--")]
    assert sorted(options) == sorted(f"--{path.replace('_', '-')}" for path in stage.paths)
    assert stage.name == name


@pytest.mark.parametrize("name", STAGES)
def test_every_code_dependency_exists(name: str) -> None:
    code = {
        dep for dep in collect_paths(STAGES[name], "deps") if dep.startswith(("satiety/", "tasks/", "expectations"))
    }
    assert not [dep for dep in code if not Path(dep).exists()]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_reports_under_its_own_name(name: str) -> None:
    # As an out without a cache it would keep the run cache of DVC from restoring the stage.
    assert f"reports/{name}.json" in collect_paths(STAGES[name], "metrics")


def test_no_output_is_written_twice_and_stages_follow_their_inputs() -> None:
    available: set[str] = {"data/raw"}
    for name, stage in STAGES.items():
        data = {dep for dep in collect_paths(stage, "deps") if dep.startswith(("data/", "models/", "reports/"))}
        assert data <= available, f"stage {name} reads outputs of no earlier stage: {data - available}"
        outs = collect_paths(stage, "outs", "metrics", "plots")
        assert not outs & available
        available |= outs


def test_stages_and_modules_correspond() -> None:
    modules = {path.stem for path in Path("tasks").glob("*.py")} - {"__init__", "migrate", *OTHER_TASKS}
    assert modules - {name.rpartition(".")[2] for name in PLUMBING} == set(STAGES)


def test_sections_and_blocks_correspond() -> None:
    for module in pkgutil.walk_packages(satiety.__path__, "satiety."):
        importlib.import_module(module.name)
    inner = {field.annotation for section in section_classes().values() for field in section.model_fields.values()}
    sections = {cls for cls in Section.__subclasses__() if cls.__module__.startswith("satiety.")}
    assert sections - inner == {*section_classes().values(), *map(get_params, STAGES)}
    assert [cls.key() for cls in section_classes().values()] == list(section_classes())
    assert set(section_names()) == {block for cls in section_classes().values() for block in cls.blocks()}
    assert [name for name in STAGES if name not in section_names()] == ["retrieve", "augment", "pretrain"]


@pytest.mark.parametrize("file", ["params.yaml", *map(str, Path("examples").glob("*/params.yaml"))])
def test_a_params_file_has_the_blocks_of_dvc_yaml_and_is_short(file: str) -> None:
    text = Path(file).read_text(encoding="utf-8")
    required = {block for stage in STAGES.values() for block in stage["params"]}
    assert required <= set(yaml.safe_load(text)) <= set(section_names())
    assert len(text.splitlines()) <= 60


def test_every_default_survives_json() -> None:
    """Pydantic does not validate defaults."""
    loaded = load_params(Path("params.yaml"))
    stages = [get_params(name).load() for name in STAGES]
    for section in (*(getattr(loaded, name) for name in section_classes()), *stages):
        content = json.loads(json.dumps(section.model_dump(mode="json")))
        assert type(section).model_validate(content) == section


def test_every_field_has_a_description() -> None:
    bare = [
        f"{cls.__name__}.{key}"
        for cls in (*section_classes().values(), *map(get_params, STAGES))
        for key, f in cls.model_fields.items()
        if not f.description
    ]
    assert not bare
