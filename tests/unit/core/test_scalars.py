"""Numbers and words of params.yaml are read as DVC reads them, or refused with both readings."""

import math
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml
from hypothesis import example, given
from hypothesis import strategies as st

from satiety.core.errors import ParamsError
from satiety.core.section import Section, read_value, read_yaml

NUMBERS = st.from_regex(r"[-+]?[0-9_.:]{0,6}([eE][-+]?[0-9]{1,3})?|[-+]?0[xob][0-9a-fA-F_]{0,5}", fullmatch=True)
WORDS = st.sampled_from(
    [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "true",
        "false",
        "null",
        "~",
        ".inf",
        ".nan",
        "=",
        "<<",
        "Yes",
        "NO",
        "On",
        "oFF",
        "TRUE",
        "Null",
    ]
)
ODD = [
    *("0240", "08", "4:00", "190:20:30.15", "1e5", "1.e5", "+.5", "0o17", "0b11", "0x1F", "1_000", "1e400", "-.5e3"),
    *(
        "2026-01-01",
        "2026-01-01 10:00:00+02:00",
        "yes",
        "'yes'",
        '"no"',
        "!!int '0240'",
        "!!str 1",
        "! 12",
        "!!float 1",
    ),
    *(
        "[yes, 0240]",
        "{on: off}",
        "{0240: a}",
        "a\u2028b",
        "'a\u0085 b'",
        '"\\x41\\u00e9"',
        "&a 012",
        "|\n  0240",
        "--- 1",
    ),
    *("1\nb: 2", "x\n--- 1", "{<<: {x: 1}, y: 2}", "\t1", "1 # 2", "%YAML 1.1", "\ufeff1", "- 1", "? 1", "*a"),
]


class Block(Section):
    """The block that the tests read."""

    count: int
    share: float
    merge: bool
    name: str


GOOD = {"count": "3", "share": "0.5", "merge": "true", "name": "情感"}


def read_text(folder: Path, text: str) -> Any:
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return read_yaml(path)


def is_alike(parsed: Any, dvc_parsed: Any) -> bool:
    if isinstance(parsed, dict) and isinstance(dvc_parsed, dict):
        return list(map(is_alike, parsed, dvc_parsed)) == [True] * len(dvc_parsed) and is_alike(
            [*parsed.values()], [*dvc_parsed.values()]
        )
    if isinstance(parsed, list) and isinstance(dvc_parsed, list):
        return len(parsed) == len(dvc_parsed) and all(map(is_alike, parsed, dvc_parsed))
    if isinstance(parsed, float) and math.isnan(parsed):
        return isinstance(dvc_parsed, float) and math.isnan(dvc_parsed)
    return bool(type(parsed) is type(dvc_parsed) and parsed == dvc_parsed)


def add_examples(test: Any) -> Any:
    for text in ODD:
        test = example(text)(test)
    return test


@add_examples
@given(st.text() | NUMBERS | WORDS | st.lists(NUMBERS | WORDS).map(lambda words: f"[{', '.join(words)}]"))
def test_a_value_is_read_as_dvc_reads_it_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    for document in (f"a: {text}\n", f"? {text}\n: 1\n"):
        try:
            parsed, dvc_parsed = read_text(tmp_path_factory.mktemp("y"), document), parse_yaml(document, "params.yaml")
        except (ParamsError, YAMLFileCorruptedError):
            continue
        assert is_alike(parsed, dvc_parsed), (document, parsed, dvc_parsed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0240", r"'0240' is ambiguous: 240 in YAML 1\.2 \(DVC\), 160 in YAML 1\.1; write one of these values"),
        ("-0240", r"'-0240' is ambiguous: -240 in YAML 1\.2 \(DVC\), -160 in YAML 1\.1"),
        ("08", r"'08' is ambiguous: 8 in YAML 1\.2 \(DVC\), \"08\" in YAML 1\.1"),
        ("0o17", r"'0o17' is ambiguous: 15 in YAML 1\.2 \(DVC\), \"0o17\" in YAML 1\.1"),
        ("1e400", "'1e400' is ambiguous: Infinity in YAML"),
        ("!!int '0240'", "remove the tag !!int; write text in quotes and other values without"),
        ("!!str 0240", "remove the tag !!str"),
    ],
)
def test_ambiguous_value_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ParamsError, match=rf"params\.yaml:2: {message}"):
        read_text(tmp_path, f"a: 1\nb: {text}\n")
    with pytest.raises(ParamsError, match=rf"params\.yaml:1: {message}"):
        read_text(tmp_path, f"{{{text}: 1}}\n")


@pytest.mark.parametrize("character", ["\u0085", "\u2028", "\u2029", "\ufeff"])
def test_invisible_character_is_refused(tmp_path: Path, character: str) -> None:
    with pytest.raises(ParamsError, match=rf"params\.yaml:2: invisible character U\+{ord(character):04X}; remove it"):
        read_text(tmp_path, f"a: 1\nb: [{character}0]\n")
    escaped = f"\\u{ord(character):04x}"
    assert read_text(tmp_path, f'\ufeffa: "{escaped}"\n') == {"a": character}


def test_a_directive_that_changes_how_dvc_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"params\.yaml:1: remove the line %YAML"):
        read_text(tmp_path, "%YAML 1.1\n---\na: 1e5\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e5", 1e5),
        ("-1E-4", -1e-4),
        ("2.5e3", 2500.0),
        ("+.5", 0.5),
        ("0x1F", 31),
        ("1_000", 1000),
        ("'0240'", "0240"),
    ],
)
def test_unambiguous_value_is_read(tmp_path: Path, text: str, value: Any) -> None:
    assert is_alike(read_text(tmp_path, f"a: {text}\n"), {"a": value})


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "4:00"])
def test_words_that_dvc_reads_as_text_are_text_with_and_without_quotes(tmp_path: Path, word: str) -> None:
    """`dvc exp run -S` removes quotes: otherwise labels such as yes and no could not be set with it."""
    for text in (word, f"'{word}'"):
        assert read_text(tmp_path, f"labels: [{text}]\nnames: {{{text}: x}}\n") == {
            "labels": [word],
            "names": {word: "x"},
        }


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("count", "'240'", r"count: must be a whole number \(got '240'\); write 240"),
        ("count", "240.0", r"count: must be a whole number \(got 240\.0\); write 240"),
        ("count", "1e3", r"count: must be a whole number \(got 1000\.0\); write 1000"),
        ("count", "4:00", r"count: must be a whole number \(got '4:00'\)$"),
        ("count", "2.5", r"count: must be a whole number \(got 2\.5\)$"),
        ("count", "'1e999'", r"count: must be a whole number \(got '1e999'\)$"),
        ("count", "true", r"count: must be a whole number \(got True\)$"),
        ("share", "'2'", r"share: must be a number \(got '2'\); write 2\.0"),
        ("merge", "yes", r"merge: must be true or false \(got 'yes'\); write true"),
        ("merge", "'off'", r"merge: must be true or false \(got 'off'\); write false"),
        ("merge", "1", r"merge: must be true or false \(got 1\)$"),
        ("name", "240", r"name: must be text \(got 240\); put it in quotes"),
        ("name", "true", r"name: must be text \(got True\); put it in quotes"),
    ],
)
def test_a_value_of_another_type_is_refused_with_how_to_write_it(
    tmp_path: Path, field: str, text: str, message: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("block:\n" + "".join(f"  {key}: {value}\n" for key, value in (GOOD | {field: text}).items()))
    with pytest.raises(ParamsError, match=message):
        Block.load(path)


def test_integer_is_a_valid_number(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("block:\n" + "".join(f"  {key}: {value}\n" for key, value in (GOOD | {"share": "1"}).items()))
    assert Block.load(path).share == 1.0


def test_single_value_is_read_as_in_a_file() -> None:
    assert (read_value("1e-4"), read_value("yes"), read_value("[1, no]")) == (1e-4, "yes", [1, "no"])
    with pytest.raises(KeyError, match="'0240' is ambiguous: 240 in YAML"):
        read_value("0240")
    with pytest.raises(KeyError, match="is not valid YAML"):
        read_value("[")
