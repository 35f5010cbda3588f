"""dvc.yaml, the code and params.yaml say the same thing: no stale result can hide."""

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
from satiety.params import block_names, load_params, section_classes
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
"""Modules that carry values but cannot change them; editing them re-runs nothing."""
READ_BY = {"satiety.core.secrets": "satiety.text.masking", "satiety.core.asset": "satiety.ingest.assets"}
"""Modules that are imported everywhere, and change what is made only where this other module is used."""

AROUND = {"comparisons", "evidence", "fetch", "history", "monitor", "paths", "promote", "rollback", "trace"}
"""Modules of what is no stage: who is champion, who was, what an answer rests on, and what is asked today."""
FILE = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))
STAGES: dict[str, Any] = FILE["stages"]
NAMES = {name: value for group in FILE["vars"] for name, value in group.items()}


def real(text: str) -> str:
    """Return a path of dvc.yaml as DVC reads it, from the root."""
    for name, path in NAMES.items():
        text = text.replace(f"${{{name}}}", path)
    return Path(text).as_posix()


def paths(stage: dict[str, Any], *keys: str) -> set[str]:
    """Return the paths under these keys, each written plainly or as the one key of a mapping."""
    entries = [entry for key in keys for entry in stage.get(key, [])]
    return {real(entry if isinstance(entry, str) else next(iter(entry))) for entry in entries}


@pytest.fixture(scope="session")
def imports() -> grimp.ImportGraph:
    """Every import of the code, those inside functions too."""
    return grimp.build_graph("tasks", "satiety", cache_dir=None)


def closure(imports: grimp.ImportGraph, name: str) -> set[str]:
    """Return all modules a stage can run: what it imports, and what their packages import when they are entered."""
    found, queue = set[str](), [f"tasks.{name}"]
    while queue:
        module = queue.pop()
        if module not in found and module in imports.modules:
            found.add(module)
            queue += [*imports.find_modules_directly_imported_by(module), module.rpartition(".")[0]]
            queue += [child for package in list_registered_packages(module) for child in imports.find_children(package)]
    return found


def list_registered_packages(module: str) -> list[str]:
    """Return the packages whose files a registry imports, where it stands in this module: its own or its parent."""
    from satiety.core.registry import Registry

    if not module.startswith("satiety."):
        return []
    registries = [value for value in vars(importlib.import_module(module)).values() if isinstance(value, Registry)]
    return [registry._package for registry in registries if module.startswith(registry._package)]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_reruns_when_any_code_it_uses_changes(name: str, imports: grimp.ImportGraph) -> None:
    deps, missing, used = paths(STAGES[name], "deps"), [], closure(imports, name)
    for module in sorted(used - PLUMBING - {one for one, reader in READ_BY.items() if reader not in used}):
        file = module.replace(".", "/")
        own = (f"{file}.py", f"{file}/__init__.py", file)
        if not any(dep in own or file.startswith(f"{dep}/") for dep in deps):
            missing.append(module)
    assert not missing, f"dvc.yaml: stage {name}: add to deps: {missing}"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_does_not_rerun_for_code_it_never_uses(name: str, imports: grimp.ImportGraph) -> None:
    used = {module.replace(".", "/") for module in closure(imports, name)}
    code = {dep for dep in paths(STAGES[name], "deps") if dep.startswith(("satiety/", "tasks/"))}
    names = {dep: dep.removesuffix(".py").removesuffix("/__init__") for dep in sorted(code)}
    idle = [dep for dep, own in names.items() if not any(f == own or f.startswith(f"{dep}/") for f in used)]
    assert not idle, f"dvc.yaml: stage {name}: take out of deps: {idle}"


def params_of(name: str) -> type[Section]:
    """Return the section that a stage reads."""
    values = vars(importlib.import_module(f"tasks.{name}")).values()
    return next(value for value in values if isinstance(value, Stage)).params


def takes_from_project(model: type[BaseModel]) -> bool:
    """Whether a field of it, or of what it holds, is that of `project` where the file says nothing else."""
    return any(
        (name in Project.model_fields and info.is_required())
        or any(map(takes_from_project, models_in(info.annotation)))
        for name, info in model.model_fields.items()
    )


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_exactly_the_blocks_that_it_reads(name: str) -> None:
    # The card shows how the model was made.
    sections = [params_of(stage) for stage in STAGES if stage in (name, *(STAGES if name == "register" else ()))]
    sections = [section for section in sections if name != "register" or section is not Worth]
    blocks = {block for section in sections for block in section.blocks()}
    blocks |= {"project"} if any(map(takes_from_project, sections)) else set()
    blocks |= {"finetune"} if name == "worth" else set()  # it fine-tunes as the pipeline does, without its levers
    assert STAGES[name]["params"] == [*(["project"] if "project" in blocks else []), *_ordered(blocks - {"project"})]


def _ordered(blocks: set[str]) -> list[str]:
    """Return blocks in the order of the file; the meter's own before `finetune`, which is another's."""
    names = sorted(blocks, key=block_names().index)
    return sorted(names, key=lambda name: name == "finetune" and "worth" in blocks)


def test_what_several_blocks_have_is_said_once() -> None:
    """Who wants a value of his own for what is called alike says why: a default stands in the code, with its reason."""
    owners: dict[str, set[str]] = {}
    for block, section in section_classes().items():
        for name, info in section.model_fields.items():
            if name in Project.model_fields and not info.is_required():
                owners.setdefault(name, set()).add(block)
    own = {name: blocks - {"project"} for name, blocks in owners.items()}
    assert {name: blocks for name, blocks in own.items() if blocks} == {"resamples": {"worth"}}


@pytest.mark.parametrize("name", STAGES)
def test_every_path_of_the_command_is_a_dep_or_an_out(name: str) -> None:
    words = shlex.split(STAGES[name]["cmd"])
    assert words[:4] == ["exec", "python", "-m", f"tasks.{name}"]
    given = {real(word) for word in words[4:] if not word.startswith("--")}
    assert given <= paths(STAGES[name], "deps", "outs", "plots", "metrics")


@pytest.mark.parametrize("name", STAGES)
def test_what_a_stage_says_it_makes_is_what_dvc_says_it_makes(name: str) -> None:
    values = vars(importlib.import_module(f"tasks.{name}")).values()
    stage = next(value for value in values if isinstance(value, Stage))
    words = shlex.split(STAGES[name]["cmd"])[4:]
    given = {option[2:].replace("-", "_"): real(path) for option, path in zip(words[::2], words[1::2], strict=True)}
    made = paths(STAGES[name], "outs", "metrics", "plots") - {f"reports/{name}.json"}
    assert {given[path] for path in stage.outputs} == made
    assert {given[path] for path in set(stage.paths) - set(stage.outputs)} <= paths(STAGES[name], "deps")


@pytest.mark.parametrize("name", STAGES)
def test_the_command_gives_every_path_the_stage_takes(name: str) -> None:
    values = vars(importlib.import_module(f"tasks.{name}")).values()
    stage = next(value for value in values if isinstance(value, Stage))
    options = [word for word in shlex.split(STAGES[name]["cmd"]) if word.startswith("--")]
    assert sorted(options) == sorted(f"--{path.replace('_', '-')}" for path in stage.paths)
    assert stage.name == name


@pytest.mark.parametrize("name", STAGES)
def test_every_dep_of_the_code_is_there(name: str) -> None:
    code = {dep for dep in paths(STAGES[name], "deps") if dep.startswith(("satiety/", "tasks/", "expectations"))}
    assert not [dep for dep in code if not Path(dep).exists()]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_reports_under_its_own_name(name: str) -> None:
    assert f"reports/{name}.json" in paths(STAGES[name], "outs")


def test_no_file_is_made_twice_and_the_order_is_a_valid_one() -> None:
    made: set[str] = {"data/raw"}
    for name, stage in STAGES.items():
        data = {dep for dep in paths(stage, "deps") if dep.startswith(("data/", "models/", "reports/"))}
        assert data <= made, f"stage {name} reads what no stage before it makes: {data - made}"
        outs = paths(stage, "outs", "metrics", "plots")
        assert not outs & made
        made |= outs


def test_every_stage_is_one_module_and_every_module_one_stage() -> None:
    modules = {path.stem for path in Path("tasks").glob("*.py")} - {"__init__", "migrate", *AROUND}
    assert modules - {name.rpartition(".")[2] for name in PLUMBING} == set(STAGES)


def test_every_section_is_a_block_of_the_file_and_the_other_way_round() -> None:
    for module in pkgutil.walk_packages(satiety.__path__, "satiety."):
        importlib.import_module(module.name)
    inner = {field.annotation for section in section_classes().values() for field in section.model_fields.values()}
    ours = {cls for cls in Section.__subclasses__() if cls.__module__.startswith("satiety.")}
    assert ours - inner == {*section_classes().values(), *map(params_of, STAGES)}
    assert [cls.key() for cls in section_classes().values()] == list(section_classes())
    assert set(block_names()) == {block for cls in section_classes().values() for block in cls.blocks()}
    assert [name for name in STAGES if name not in block_names()] == ["retrieve", "augment", "pretrain"]


@pytest.mark.parametrize("file", ["params.yaml", *map(str, Path("examples").glob("*/params.yaml"))])
def test_a_file_holds_what_its_user_decided_and_the_blocks_that_dvc_asks_for(file: str) -> None:
    text = Path(file).read_text(encoding="utf-8")
    wanted = {block for stage in STAGES.values() for block in stage["params"]}
    assert wanted <= set(yaml.safe_load(text)) <= set(block_names())
    assert len(text.splitlines()) <= 60


def test_every_default_is_a_value_that_the_file_might_hold() -> None:
    """Pydantic takes defaults as they are."""
    loaded = load_params(Path("params.yaml"))
    stages = [params_of(name).load() for name in STAGES]
    for made in (*(getattr(loaded, name) for name in section_classes()), *stages):
        written = json.loads(json.dumps(made.model_dump(mode="json")))
        assert type(made).model_validate(written) == made


def test_every_field_says_what_it_means() -> None:
    bare = [
        f"{cls.__name__}.{key}"
        for cls in (*section_classes().values(), *map(params_of, STAGES))
        for key, f in cls.model_fields.items()
        if not f.description
    ]
    assert not bare
