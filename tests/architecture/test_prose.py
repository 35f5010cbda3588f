"""Texts for users are plain: short sentences and no private words in help, field docstrings, errors and pages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOTS = ("satiety", "tasks", "flows", "cli", "benchmarks", "examples")
TEXTS = Path("satiety/report/texts.yaml")
MAX_WORDS = 35
PRIVATE_WORDS = {
    r"looks?\b(?= (paid|may spend|number))|\b(each|every|another|further|first|later) look": "comparison",
    r"plain(?! (text|HTML|JSON|CSV|value|word|mean|letters|encoder|one|answers?))": "baseline",
    r"cells?": "run",
    r"chains?": "replicate",
    r"pseudo(?!-label)": "self-training",
    r"receipts?": "trace",
    r"rehears\w+": "simulated shift",
    r"(quick|full) depth": "proxy, fine-tuned",
    r"doubt|doubtful": "label issue",
    r"teach(es|ing)?|taught|lessons?": "train, transform",
    r"told(?! apart)": "given, reported",
    r"luck|lucky": "sampling noise",
    r"strange|stranger|strangeness": "out-of-distribution",
    r"beliefs?|believes?|believed": "confidence estimate",
    r"surroundings": "environment",
    r"somebody|nobody|whoever": "say who",
}
"""Pattern of an old word -> its replacement."""
ALLOWED_PATHS = {r"cells?": ("satiety/ingest", "satiety/problems", "cli/feedback.py"), r"chains?": ("satiety/text",)}
"""Pattern -> paths where the word has its usual meaning, such as the cells of a table."""
CHINESE = {
    "杠杆": "手段",
    "开发集": "验证集",
    "开发标注": "验证集",
    "朴素方案": "基线",
    "上任": "晋升",
    "重复抽样": "重复",
}
SECTIONS = re.compile(r"^\s*(Args|Raises|Returns|Yields|Sources?):", re.M)
Text = tuple[int, str]
"""Line and text."""


def iterate_docstrings(module: ast.Module) -> Iterator[Text]:
    """Yield docstrings of public functions, and of fields."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            if doc := ast.get_docstring(node):
                yield node.body[0].lineno, doc
        elif isinstance(node, ast.ClassDef):
            for field, doc in zip(node.body, node.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(doc, ast.Expr):
                    yield from iterate_strings(doc)


def iterate_messages(module: ast.Module) -> Iterator[Text]:
    """Yield the strings of errors that are raised, and of typer's `help`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            for argument in node.exc.args:
                yield from iterate_strings(argument)
        elif isinstance(node, ast.keyword) and node.arg == "help":
            yield from iterate_strings(node.value)


def iterate_strings(node: ast.AST) -> Iterator[Text]:
    """Yield the strings below a node; a value in an f-string counts as one word."""
    match node:
        case ast.Constant(value=str(text)):
            yield node.lineno, text
        case ast.JoinedStr(values=parts):
            pieces = (part.value if isinstance(part, ast.Constant) else "x" for part in parts)
            yield node.lineno, "".join(map(str, pieces))
        case _:
            for child in ast.iter_child_nodes(node):
                yield from iterate_strings(child)


def split_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text without its sections of arguments and sources; code counts as one word."""
    text = re.sub(r"`+[^`]+`+", "x", SECTIONS.split(text)[0])
    for paragraph in re.split(r"\n\s*\n", text):
        yield from re.split(r"(?<=[.!?;])\s+", " ".join(paragraph.split()))


def list_faults(path: Path, line: int, text: str) -> list[str]:
    """Return where sentences are too long, and which private words they have."""
    faults = []
    for sentence in split_sentences(text):
        if (count := len(re.findall(r"[^\W\d_]\S*", sentence))) > MAX_WORDS:
            faults.append(f"{path}:{line}: {count} words: {sentence}")
        for pattern, replacement in PRIVATE_WORDS.items():
            match = re.search(rf"\b({pattern})\b", sentence, re.I)
            if match and not any(path.is_relative_to(folder) for folder in ALLOWED_PATHS.get(pattern, ())):
                faults.append(f"{path}:{line}: {match.group()!r} ({replacement}): {sentence}")
    return faults


def list_files() -> list[Path]:
    return [
        path
        for root in ROOTS
        for path in sorted(Path(root).rglob("*.py"))
        if not {"scratch", ".satiety"} & set(path.parts)
    ]


@pytest.mark.parametrize("path", list_files(), ids=str)
def test_help_fields_and_errors_are_plain_english(path: Path) -> None:
    module = ast.parse(path.read_text(encoding="utf-8"))
    texts = [*iterate_docstrings(module), *iterate_messages(module)]
    faults = [fault for line, text in texts for fault in list_faults(path, line, text)]
    assert not faults, "\n".join(faults)


def iterate_page_texts(language: str) -> Iterator[tuple[str, str]]:
    """Yield key and text of all pages in a language."""
    for key, entry in yaml.safe_load(TEXTS.read_text(encoding="utf-8")).items():
        text = entry.get(language) if isinstance(entry, dict) else None
        yield from ((key, str(part)) for part in (text if isinstance(text, list) else [text] if text else []))


def test_pages_are_plain_english() -> None:
    faults = [f"{key}: {fault}" for key, text in iterate_page_texts("en") for fault in list_faults(TEXTS, 0, text)]
    assert not faults, "\n".join(faults)


def test_chinese_uses_the_words_of_the_glossary() -> None:
    faults = [
        f"{path}: {word}，应为 {replacement}"
        for path in (TEXTS, Path("README.zh-CN.md"), *list_files())
        for word, replacement in CHINESE.items()
        if word in path.read_text(encoding="utf-8")
    ]
    assert not faults, "\n".join(faults)
