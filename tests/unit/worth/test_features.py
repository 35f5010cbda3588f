"""Features of a frozen encoder: computed once, cached by text, encoder and config."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from satiety.core.errors import ParamsError
from satiety.problems import PROBLEMS, Problem
from satiety.worth.features import EncoderConfig, FeatureExtractor, locate_cache

CLASSIFY, NER = PROBLEMS["classify"].sample(), PROBLEMS["ner"].sample()
CONFIG = EncoderConfig(max_length=16, prefix="", pooling="mean")
TEXTS = ["the good film", "这部电影很好看", "the good film", "anna lives in paris " * 10]


def build_extractor(
    home: Path, base: Path, problem: Problem = CLASSIFY, config: EncoderConfig = CONFIG
) -> FeatureExtractor:
    return FeatureExtractor(home, base, problem, config, "cpu")


def test_a_text_is_encoded_once(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_extractor(tmp_path, tiny)
    first.extract(CLASSIFY.build_examples(TEXTS))
    assert all(first.cache.has_text(text) for text in TEXTS)
    second = build_extractor(tmp_path, tiny)
    monkeypatch.setattr(second, "_compute_rows", lambda texts: pytest.fail(f"encoded again: {texts}"))
    second.extract(CLASSIFY.build_examples(TEXTS))
    for text in TEXTS:
        for first_row, second_row in zip(first.cache[text], second.cache[text], strict=True):
            np.testing.assert_array_equal(first_row, second_row)


def test_rows_are_equal_for_a_text_alone_and_in_a_batch(tmp_path: Path, tiny: Path) -> None:
    batched, one_by_one = build_extractor(tmp_path / "a", tiny), build_extractor(tmp_path / "b", tiny)
    batched.extract(CLASSIFY.build_examples(TEXTS))
    for text in TEXTS:
        one_by_one.extract(CLASSIFY.build_examples([text]))
        np.testing.assert_allclose(batched.cache[text][0], one_by_one.cache[text][0], atol=2e-3)


def test_a_long_text_has_a_row_per_window_and_a_token_head_a_row_per_token(tmp_path: Path, tiny: Path) -> None:
    texts, tokens = build_extractor(tmp_path, tiny), build_extractor(tmp_path, tiny, NER)
    for extractor in (texts, tokens):
        extractor.extract(CLASSIFY.build_examples(TEXTS))
    assert [len(texts.cache[text]) > 1 for text in TEXTS] == [False, False, False, True]
    assert {row.shape for text in TEXTS for row in texts.cache[text]} == {(32,)}
    assert [row.shape for row in tokens.cache["the good film"]] == [(5, 32)]
    assert all(row.ndim == 2 and len(row) <= 16 for row in tokens.cache[TEXTS[-1]])


def test_an_embedding_is_a_unit_vector_per_text(tmp_path: Path, tiny: Path) -> None:
    for problem in (CLASSIFY, NER):
        vectors = build_extractor(tmp_path, tiny, problem).embed(TEXTS)
        assert vectors.shape == (4, 32)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(vectors[0], vectors[2])


def test_another_encoder_or_config_has_its_own_cache(tmp_path: Path, tiny: Path) -> None:
    other_encoder = tmp_path / "other"
    shutil.copytree(tiny, other_encoder)
    assert locate_cache(tmp_path, other_encoder, CLASSIFY, CONFIG) == locate_cache(tmp_path, tiny, CLASSIFY, CONFIG), (
        "the same files, elsewhere"
    )
    (other_encoder / "config.json").write_text((other_encoder / "config.json").read_text() + "\n")
    configs = [
        CONFIG.model_copy(update=change) for change in ({}, {"max_length": 8}, {"prefix": "x"}, {"pooling": "first"})
    ]
    places = [locate_cache(tmp_path, tiny, CLASSIFY, config) for config in configs]
    places += [locate_cache(tmp_path, tiny, NER, CONFIG), locate_cache(tmp_path, other_encoder, CLASSIFY, CONFIG)]
    assert len(set(places)) == len(places)


def test_changed_code_has_its_own_cache(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from satiety.worth import features

    cache_path = locate_cache(tmp_path, tiny, CLASSIFY, CONFIG)
    monkeypatch.setattr(features, "hash_code", lambda name: f"new {name}")
    assert locate_cache(tmp_path, tiny, CLASSIFY, CONFIG) != cache_path


@pytest.mark.parametrize("damage", ["cut off", "one bit"])
def test_texts_of_a_damaged_file_are_encoded_again(tmp_path: Path, tiny: Path, damage: str) -> None:
    first = build_extractor(tmp_path, tiny)
    first.extract(CLASSIFY.build_examples(TEXTS))
    (file,) = first.cache.folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(
        content[:300] if damage == "cut off" else content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]
    )
    second = build_extractor(tmp_path, tiny)
    assert not any(second.cache.has_text(text) for text in TEXTS)
    second.extract(CLASSIFY.build_examples(TEXTS))
    np.testing.assert_array_equal(first.cache[TEXTS[1]][0], second.cache[TEXTS[1]][0])


def test_windows_longer_than_the_encoder_reads_are_refused(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(ParamsError, match=r"^max_length: 65 tokens, but .* has 64 positions; lower project"):
        build_extractor(tmp_path, tiny, config=CONFIG.model_copy(update={"max_length": 65})).extract(
            CLASSIFY.build_examples(TEXTS)
        )
