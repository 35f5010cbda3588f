"""Names say what they hold: few empty local names, functions that are verbs, and one meaning for each class name."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOTS = ("satiety", "tasks", "flows", "cli", "benchmarks", "examples", "tests")
EMPTY = frozenset(
    re.findall(
        r"\w+",
        """
    item items result results thing things stuff one other others this that it both each rest lot bit
    found said told held kept own given got made taken seen shown wanted chosen drawn done gone left lent named written
    fed begun ended tried used moved cut put needed waiting answered ordered opened learned read wrote sent lost heard
    felt thought meant spoken known asked looked_at made_of told_of
    now then before after here there around apart along off out over about beside between inside outside near far again
    alone aside ahead back away early late twice upto at by of to in on up down ways
    how why what where who which when
    more most some same odd new old right wrong sure plain single way ours theirs mine
    """,
    )
)
"""Names that do not say what a variable contains."""
IRREGULAR = frozenset(
    re.findall(
        r"\w+",
        """
    told held kept said found known seen given taken written drawn shown made sent spent lent led left gone done got
    born begun fed lost wrote woken spoken taught heard meant felt
    """,
    )
)
NOUNS_AND_VERBS_IN_ED = frozenset(
    {"need", "feed", "seed", "embed", "speed", "bed", "red", "shed", "proceed", "succeed", "exceed"}
)
MAX_EMPTY, MAX_PARTICIPLES = 0.005, 0.01


@dataclass(frozen=True, slots=True)
class Name:
    """A name where it is bound."""

    text: str
    place: str
    """file:line"""
    kind: str
    """``variable``, ``function`` or ``class``."""


def iterate_sources() -> Iterator[tuple[Path, ast.Module]]:
    for root in ROOTS:
        for path in sorted(Path(root).rglob("*.py")):
            if not {"scratch", ".satiety"} & set(path.parts):
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def iterate_names(path: Path, node: ast.AST, in_function: bool = False) -> Iterator[Name]:
    """Yield functions, classes and their fields, and what functions bind: parameters, variables, caught errors."""
    for child in ast.iter_child_nodes(node):
        place = f"{path}:{getattr(child, 'lineno', 0)}"
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        match child:
            case ast.ClassDef(name=text):
                yield Name(text, place, "class")
            case ast.FunctionDef(name=text) | ast.AsyncFunctionDef(name=text):
                yield Name(text, place, "function")
            case ast.arg(arg=text):
                yield Name(text, place, "variable")
            case ast.AnnAssign(target=ast.Name(id=text)) if isinstance(node, ast.ClassDef) and not in_function:
                yield Name(text, place, "variable")
            case ast.Name(id=text, ctx=ast.Store()) | ast.ExceptHandler(name=str(text)) if in_function:
                yield Name(text, place, "variable")
            case _:
                pass
        yield from iterate_names(path, child, in_function or is_function)


def is_participle(function: str) -> bool:
    word = function.strip("_")
    return "_" not in word and (word in IRREGULAR or (word.endswith("ed") and word not in NOUNS_AND_VERBS_IN_ED))


def describe(names: list[Name], total: int) -> str:
    return "\n".join([f"{len(names)} of {total}:", *(f"{name.place}: {name.text}" for name in names)])


class TestNames:
    NAMES = tuple(name for path, module in iterate_sources() for name in iterate_names(path, module))

    def test_few_variables_have_empty_names(self) -> None:
        variables = [name for name in self.NAMES if name.kind == "variable"]
        empty = [name for name in variables if name.text in EMPTY]
        assert len(empty) <= MAX_EMPTY * len(variables), describe(empty, len(variables))

    def test_few_functions_are_named_by_a_lone_participle(self) -> None:
        functions = [name for name in self.NAMES if name.kind == "function"]
        participles = [name for name in functions if is_participle(name.text)]
        assert len(participles) <= MAX_PARTICIPLES * len(functions), describe(participles, len(functions))

    def test_no_class_name_has_two_meanings(self) -> None:
        places: dict[str, list[str]] = defaultdict(list)
        for name in self.NAMES:
            if name.kind == "class" and not name.place.startswith("tests/"):
                places[name.text].append(name.place)
        repeated = {name: class_places for name, class_places in places.items() if len(class_places) > 1}
        assert not repeated, "\n".join(f"{name}: {', '.join(class_places)}" for name, class_places in repeated.items())
