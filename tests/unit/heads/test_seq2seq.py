"""The seq2seq head: its loss, its independence of padding and batch, and texts that end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from satiety.core.errors import ModelError, ParamsError
from satiety.heads.seq2seq import Seq2Seq
from satiety.problems import IGNORE, Window
from satiety.problems.windows import GeneratedText
from satiety.training.seq2seq import get_start_tokens
from satiety.tuning.inputs import Batch, collate
from satiety.tuning.model import Model
from tests.generating import KINDS, write_writer

SHORT = Window(0, [5, 7, 1], [9, 12, 1])
LONG = Window(1, [5, 8, 9, 10, 11, 12, 13, 1], [14, 15, 16, 17, 18, 1])


@pytest.fixture(scope="module", params=list(KINDS))
def model_and_tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Any]:
    folder = write_writer(tmp_path_factory.mktemp("writer"), request.param)
    head = Seq2Seq(max_new_tokens=12, beams=1)
    network, tokenizer = head.load(folder)
    return Model(network, head, 0, pooling="mean", dropout=0.0).eval(), tokenizer


def build_batch(model: Model, *windows: Window) -> Batch:
    return collate(windows, 0, model.task_head)


@torch.inference_mode()
def compute_log_probability(model: Model, input_ids: Sequence[int], target_ids: Sequence[int]) -> float:
    """Return the log-probability of the target tokens, each computed in a call of its own."""
    initial, total = get_start_tokens(model.encoder), 0.0
    for token in target_ids:
        logits = model.encoder(input_ids=torch.tensor([input_ids]), decoder_input_ids=torch.tensor([initial])).logits[
            0, -1
        ]
        total += float(torch.log_softmax(logits, -1)[token])
        initial = [*initial, token]
    return total


def test_the_loss_is_the_mean_over_the_tokens_of_the_references(model_and_tokenizer: tuple[Model, Any]) -> None:
    model, _ = model_and_tokenizer
    pair = build_batch(model, SHORT, LONG)
    sums = [compute_log_probability(model, window.input_ids, window.targets) for window in (SHORT, LONG)]
    with torch.inference_mode():
        loss = model.task_head.loss(model(pair), pair.targets)
    assert float(loss) == pytest.approx(-sum(sums) / 9, rel=1e-5)


def test_confidence_and_loss_equal_those_computed_token_by_token(
    model_and_tokenizer: tuple[Model, Any],
) -> None:
    model, tokenizer = model_and_tokenizer
    with torch.inference_mode():
        (generated,) = model.task_head.infer(model, build_batch(model, SHORT), tokenizer)
        tokens = model.task_head._generate(model, build_batch(model, SHORT), tokenizer)[0].tolist()  # type: ignore[attr-defined]
    mean = compute_log_probability(model, SHORT.input_ids, tokens) / len(tokens)
    assert generated.confidence == pytest.approx(float(torch.tensor(mean).exp()), rel=1e-4)
    assert generated.loss == pytest.approx(-compute_log_probability(model, SHORT.input_ids, SHORT.targets), rel=1e-4)
    assert model.task_head.mean_loss([SHORT], [generated]) == pytest.approx(generated.loss / 3)
    assert generated.text == tokenizer.decode(tokens, skip_special_tokens=True).strip()


def test_padding_changes_no_text_confidence_or_feature(model_and_tokenizer: tuple[Model, Any]) -> None:
    model, tokenizer = model_and_tokenizer
    with torch.inference_mode():
        (expected,) = model.task_head.infer(model, build_batch(model, SHORT), tokenizer)
        padded = model.task_head.infer(model, build_batch(model, SHORT, LONG), tokenizer)[0]
        rows = [model.features(build_batch(model, *windows))[0] for windows in ((SHORT,), (SHORT, LONG))]
    assert (padded.text, padded.confidence) == (expected.text, pytest.approx(expected.confidence, rel=1e-4))
    assert padded.loss == pytest.approx(expected.loss, rel=1e-4)
    torch.testing.assert_close(rows[0], rows[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("max_new_tokens", "beams"), [(1, 1), (7, 1), (7, 3)])
def test_generated_tokens_end_and_are_reproducible(
    model_and_tokenizer: tuple[Model, Any], max_new_tokens: int, beams: int
) -> None:
    model, tokenizer = model_and_tokenizer
    head = Seq2Seq(max_new_tokens=max_new_tokens, beams=beams)
    with torch.inference_mode():
        tokens = head._generate(model, build_batch(model, SHORT, LONG), tokenizer)
        repeated = head._generate(model, build_batch(model, SHORT, LONG), tokenizer)
    assert tokens.shape[1] <= max_new_tokens
    assert torch.equal(tokens, repeated)
    assert not (tokens == tokenizer.pad_token_id).any()
    for row in tokens.tolist():
        retained = [token for token in row if token != IGNORE]
        assert row == [*retained, *[IGNORE] * (len(row) - len(retained))]
        assert tokenizer.eos_token_id not in retained[:-1]


def test_more_beams_find_a_text_no_less_likely(model_and_tokenizer: tuple[Model, Any]) -> None:
    model, tokenizer = model_and_tokenizer
    with torch.inference_mode():
        greedy, searched = (
            Seq2Seq(max_new_tokens=6, beams=beams).infer(model, build_batch(model, LONG), tokenizer)[0].confidence
            for beams in (1, 4)
        )
    assert searched >= greedy * (1 - 1e-4)


def test_windows_without_a_reference_have_no_loss_and_no_target(model_and_tokenizer: tuple[Model, Any]) -> None:
    model, tokenizer = model_and_tokenizer
    bare = Window(0, [5, 7, 1], [])
    with torch.inference_mode():
        (generated,) = model.task_head.infer(model, build_batch(model, bare), tokenizer)
    assert generated.loss == 0
    assert model.task_head.mean_loss([bare], [generated]) is None
    assert not model.task_head.has_target(bare)
    assert model.task_head.has_target(SHORT)


def test_a_confidence_that_is_not_finite_is_detected() -> None:
    head = Seq2Seq(max_new_tokens=1, beams=1)
    assert head.is_finite(GeneratedText("a", 0.5))
    assert not head.is_finite(GeneratedText("a", float("nan")))


def test_more_tokens_than_the_model_can_generate_are_refused(model_and_tokenizer: tuple[Model, Any]) -> None:
    model, _ = model_and_tokenizer
    if not hasattr(model.encoder.config, "max_position_embeddings"):
        Seq2Seq(max_new_tokens=1024, beams=1).check_encoder(model.encoder)  # T5 has relative positions, and no last one
        return
    first = len(get_start_tokens(model.encoder))
    Seq2Seq(max_new_tokens=64 - first, beams=1).check_encoder(model.encoder)
    with pytest.raises(
        ParamsError, match=f"ingest.problem.max_new_tokens: {65 - first} tokens, but the model generates at most"
    ):
        Seq2Seq(max_new_tokens=65 - first, beams=1).check_encoder(model.encoder)


def test_a_tokenizer_with_another_end_token_than_the_model_is_refused(tmp_path: Path) -> None:
    write_writer(tmp_path, eos_token_id=2)
    with pytest.raises(ModelError, match=r"the end token is 1 in the tokenizer, but 2 in config.json"):
        Seq2Seq(max_new_tokens=4, beams=1).load(tmp_path)
