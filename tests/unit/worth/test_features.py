"""What a frozen encoder makes of texts: read once, kept by text, encoder and way of reading."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from satiety.core.errors import ParamsError
from satiety.problems import PROBLEMS, Problem
from satiety.worth.features import EncoderConfig, FeatureExtractor, locate_cache

CLASSIFY, NER = PROBLEMS["classify"].sample(), PROBLEMS["ner"].sample()
HOW = EncoderConfig(max_length=16, prefix="", pooling="mean")
TEXTS = ["the good film", "这部电影很好看", "the good film", "anna lives in paris " * 10]


def reader(home: Path, base: Path, problem: Problem = CLASSIFY, how: EncoderConfig = HOW) -> FeatureExtractor:
    return FeatureExtractor(home, base, problem, how, "cpu")


def test_a_text_is_read_once_whoever_asks_again(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = reader(tmp_path, tiny)
    first.extract(CLASSIFY.build_examples(TEXTS))
    assert all(first.cache.has_text(text) for text in TEXTS)
    again = reader(tmp_path, tiny)
    monkeypatch.setattr(again, "_compute_rows", lambda texts: pytest.fail(f"read again: {texts}"))
    again.extract(CLASSIFY.build_examples(TEXTS))
    for text in TEXTS:
        for one, other in zip(first.cache[text], again.cache[text], strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_is_kept_is_what_the_encoder_gives_alone_or_among_others(tmp_path: Path, tiny: Path) -> None:
    together, alone = reader(tmp_path / "a", tiny), reader(tmp_path / "b", tiny)
    together.extract(CLASSIFY.build_examples(TEXTS))
    for text in TEXTS:
        alone.extract(CLASSIFY.build_examples([text]))
        np.testing.assert_allclose(together.cache[text][0], alone.cache[text][0], atol=2e-3)


def test_a_long_text_has_a_row_per_window_and_a_token_head_a_row_per_token(tmp_path: Path, tiny: Path) -> None:
    texts, tokens = reader(tmp_path, tiny), reader(tmp_path, tiny, NER)
    for one in (texts, tokens):
        one.extract(CLASSIFY.build_examples(TEXTS))
    assert [len(texts.cache[text]) > 1 for text in TEXTS] == [False, False, False, True]
    assert {row.shape for text in TEXTS for row in texts.cache[text]} == {(32,)}
    assert [row.shape for row in tokens.cache["the good film"]] == [(5, 32)]
    assert all(row.ndim == 2 and len(row) <= 16 for row in tokens.cache[TEXTS[-1]])


def test_an_embedding_is_a_unit_vector_per_text(tmp_path: Path, tiny: Path) -> None:
    for problem in (CLASSIFY, NER):
        vectors = reader(tmp_path, tiny, problem).embed(TEXTS)
        assert vectors.shape == (4, 32)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(vectors[0], vectors[2])


def test_another_encoder_or_way_of_reading_has_a_shelf_of_its_own(tmp_path: Path, tiny: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny, other)
    assert locate_cache(tmp_path, other, CLASSIFY, HOW) == locate_cache(tmp_path, tiny, CLASSIFY, HOW), (
        "the same files, elsewhere"
    )
    (other / "config.json").write_text((other / "config.json").read_text() + "\n")
    ways = [HOW.model_copy(update=change) for change in ({}, {"max_length": 8}, {"prefix": "x"}, {"pooling": "first"})]
    places = [locate_cache(tmp_path, tiny, CLASSIFY, how) for how in ways]
    places += [locate_cache(tmp_path, tiny, NER, HOW), locate_cache(tmp_path, other, CLASSIFY, HOW)]
    assert len(set(places)) == len(places)


def test_other_code_that_reads_has_a_shelf_of_its_own(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from satiety.worth import features

    before = locate_cache(tmp_path, tiny, CLASSIFY, HOW)
    monkeypatch.setattr(features, "hash_code", lambda name: f"new {name}")
    assert locate_cache(tmp_path, tiny, CLASSIFY, HOW) != before


@pytest.mark.parametrize("damage", ["cut off", "one bit"])
def test_a_damaged_file_is_read_anew(tmp_path: Path, tiny: Path, damage: str) -> None:
    first = reader(tmp_path, tiny)
    first.extract(CLASSIFY.build_examples(TEXTS))
    (file,) = first.cache.folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:300] if damage == "cut off" else whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:])
    again = reader(tmp_path, tiny)
    assert not any(again.cache.has_text(text) for text in TEXTS)
    again.extract(CLASSIFY.build_examples(TEXTS))
    np.testing.assert_array_equal(first.cache[TEXTS[1]][0], again.cache[TEXTS[1]][0])


def test_windows_longer_than_the_encoder_reads_are_refused(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(ParamsError, match=r"^max_length: 65 tokens, but .* has 64 positions; lower project"):
        reader(tmp_path, tiny, how=HOW.model_copy(update={"max_length": 65})).extract(CLASSIFY.build_examples(TEXTS))
