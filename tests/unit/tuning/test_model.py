"""The classifier and its loss."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.errors import ModelError
from satiety.heads import HEADS, Pooling
from satiety.problems import IGNORE
from satiety.training.encoder import load_encoder
from satiety.tuning.inputs import Batch
from satiety.tuning.model import Model

cross_entropy = HEADS["text"]().loss


@given(rows=st.integers(1, 8), classes=st.integers(2, 5), copies=st.integers(2, 4), data=st.data())
def test_the_loss_of_a_batch_repeated_is_that_of_the_batch(
    rows: int, classes: int, copies: int, data: st.DataObject
) -> None:
    targets = torch.tensor(data.draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows)))
    logits = torch.randn(rows, classes, generator=torch.Generator().manual_seed(rows))
    assert cross_entropy(logits.repeat(copies, 1), targets.repeat(copies)).item() == pytest.approx(
        cross_entropy(logits, targets).item(), rel=1e-5
    )


def test_ignored_targets_do_not_count() -> None:
    logits = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[1, IGNORE, IGNORE], [2, 0, IGNORE]])
    retained = torch.stack([logits[0, 0], logits[1, 0], logits[1, 1]])
    assert cross_entropy(logits, targets).item() == pytest.approx(
        cross_entropy(retained, torch.tensor([1, 2, 0])).item()
    )


def test_a_batch_of_padding_stops_with_a_message() -> None:
    with pytest.raises(ModelError, match="a batch contains only padding"):
        cross_entropy(torch.zeros(2, 3, 4), torch.full((2, 3), IGNORE))


@pytest.mark.parametrize("target", [4, -7])
def test_a_label_id_out_of_range_stops_with_a_message(target: int) -> None:
    with pytest.raises(ModelError, match=f"label id {target} is out of range: the head has 4 classes"):
        cross_entropy(torch.zeros(2, 4), torch.tensor([1, target]))


@pytest.mark.parametrize("pooling", ["mean", "first"])
@pytest.mark.parametrize("head", ["text", "token"])
def test_padding_changes_no_answer(pooling: Pooling, head: str, tiny: Path) -> None:
    model = Model(load_encoder(tiny), HEADS[head](), 3, pooling=pooling, dropout=0.0).eval()
    ids = torch.tensor([[2, 7, 8, 3]])
    padded, mask = torch.tensor([[2, 7, 8, 3, 0, 0]]), torch.tensor([[1, 1, 1, 1, 0, 0]])
    with torch.inference_mode():
        bare, with_padding = model(Batch(ids, torch.ones_like(ids), ids)), model(Batch(padded, mask, padded))
    assert bare.dtype == torch.float32
    assert bare.shape == ((1, 3) if head == "text" else (1, 4, 3))
    torch.testing.assert_close(bare, with_padding if head == "text" else with_padding[:, :4], rtol=1e-4, atol=1e-5)
