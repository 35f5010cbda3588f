"""Which texts a contrastive update reads, and what its loss says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.problems import PROBLEMS
from satiety.training.checkpoint import CheckpointStore
from satiety.training.encoder import load_encoder
from satiety.tuning import Finetune
from satiety.tuning.finetune import finetune
from satiety.tuning.pairs import compare_pairs, draw_per_class, select_surest


def test_the_surest_share_of_each_class_is_selected_at_least_one() -> None:
    answers = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.7, 0.3], [0.3, 0.7]])
    assert sorted(select_surest(answers, 0.5).tolist()) == [0, 2, 4]
    assert sorted(select_surest(answers, 0.01).tolist()) == [0, 4]
    assert len(select_surest(answers, 1.0)) == 5


def test_a_batch_holds_as_many_texts_of_each_class_and_is_drawn_anew_in_each_step() -> None:
    classes = np.array([0] * 20 + [1] * 4 + [2] * 1)
    drawn = draw_per_class(classes, 12, seed=1, step=1)
    assert np.bincount(classes[drawn]).tolist() == [4, 4, 4]
    assert sorted(set(drawn) & set(range(20, 25))) == [20, 21, 22, 23, 24]
    assert drawn == draw_per_class(classes, 12, seed=1, step=1)
    assert drawn != draw_per_class(classes, 12, seed=1, step=2)


def test_of_more_classes_than_places_some_take_turns_with_two_texts_each() -> None:
    classes = np.arange(60) // 2
    batches = [classes[draw_per_class(classes, 8, seed=1, step=step)] for step in range(60)]
    assert all(sorted(np.unique(batch, return_counts=True)[1]) == [2, 2, 2, 2] for batch in batches)
    assert set(np.concatenate(batches)) == set(range(30))


def test_the_loss_is_0_where_classes_are_orthogonal_and_1_where_pairs_are_the_wrong_way() -> None:
    classes = torch.tensor([0, 0, 1, 1])
    apart = torch.tensor([[2.0, 0], [1, 0], [0, 3], [0, 1]])
    assert float(compare_pairs(apart, classes)) == pytest.approx(0)
    same_direction = torch.ones(4, 2)
    assert float(compare_pairs(same_direction, classes)) == pytest.approx(8 / 12)


def test_updates_grow_with_the_labels_but_not_with_their_copies(tiny: Path, tmp_path: Path) -> None:
    training = {"epochs": 2, "min_steps": 2, "batch_size": 4}
    section = Finetune.model_validate(
        {"seed": 1, "max_length": 32, "prefix": "", "pooling": "mean"}
        | {"recipe": {"kind": "contrastive", "training": training}}
    )
    labels = [Example(str(i), {"text": f"text {i}"}, Label(("good", "bad")[i % 2])) for i in range(12)]
    copies = [replace(example, id=f"copy of {example.id}", origin="swap", parent=example.id) for example in labels]
    counts = []
    for number, train in enumerate((labels[:4], labels, [*labels, *copies])):
        store = CheckpointStore(tmp_path / str(number) / "run", 1e9)
        problem = PROBLEMS["classify"].sample()
        counts.append(finetune(tiny, problem, train, [], params=section, store=store, device="cpu").facts["steps"])
    assert counts == [2, 6, 6]


def find_changed(base: Path, folder: Path, layers: int) -> tuple[set[str], Any]:
    """Train the encoder in `base` on pairs; return the names of the weights that changed, and the tuned encoder."""
    recipe = {"kind": "contrastive", "training": {"min_steps": 2, "max_steps": 2, "batch_size": 4, "layers": layers}}
    section = Finetune.model_validate({"seed": 1, "max_length": 32, "prefix": "", "pooling": "mean", "recipe": recipe})
    labels = [Example(str(i), {"text": f"text {i}"}, Label(("good", "bad")[i % 2])) for i in range(12)]
    problem = PROBLEMS["classify"].model_validate({"labels": None}).fit_labels(labels)
    store = CheckpointStore(folder, 1)
    before, after = (
        load_encoder(base),
        finetune(base, problem, labels, [], params=section, store=store, device="cpu").model.model.encoder,
    )
    pairs = zip(before.named_parameters(), after.parameters(), strict=True)
    return {name for (name, old), new in pairs if not torch.equal(old, new)}, after


def test_the_encoder_is_trained_but_for_its_words_and_its_attention_is_fused_again(tiny: Path, tmp_path: Path) -> None:
    changed, encoder = find_changed(tiny, tmp_path, 2)
    assert "embeddings.word_embeddings.weight" not in changed
    assert {"embeddings.position_embeddings.weight", "encoder.layer.1.output.dense.weight"} <= changed
    assert encoder.config._attn_implementation == "sdpa"


def test_only_the_upper_layers_of_a_deeper_encoder_are_trained(tiny: Path, tmp_path: Path) -> None:
    changed, _ = find_changed(tiny, tmp_path, 1)
    assert "encoder.layer.1.output.dense.weight" in changed
    assert not any(name.startswith(("embeddings.", "encoder.layer.0.")) for name in changed)


def test_few_updates_are_made_without_dropout_and_many_with_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = "encoder.layer.1.output.dense.weight"
    plain, again = (find_changed(tiny, tmp_path / name, 2)[1].get_parameter(weight) for name in ("plain", "again"))
    monkeypatch.setattr("satiety.tuning.pairs.MAX_STEPS_WITHOUT_DROPOUT", 1)
    dropped = find_changed(tiny, tmp_path / "dropped", 2)[1].get_parameter(weight)
    assert torch.equal(plain, again)
    assert not torch.equal(plain, dropped)


def test_texts_are_padded_to_few_lengths_and_never_beyond_the_limit(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from satiety.tuning import inputs

    lengths, collate = list[int](), inputs.collate

    def note_length(*arguments: Any) -> Any:
        batch = collate(*arguments)
        lengths.append(batch.input_ids.shape[1])
        return batch

    monkeypatch.setattr(inputs, "collate", note_length)
    recipe = {"kind": "contrastive", "training": {"min_steps": 8, "max_steps": 8, "batch_size": 4}}
    section = Finetune.model_validate({"seed": 1, "max_length": 20, "prefix": "", "pooling": "mean", "recipe": recipe})
    labels = [Example(str(i), {"text": "word " * (i + 1)}, Label(("good", "bad")[i % 2])) for i in range(30)]
    problem = PROBLEMS["classify"].sample()
    finetune(tiny, problem, labels, [], params=section, store=CheckpointStore(tmp_path, 1), device="cpu")
    assert set(lengths) <= {8, 16, 20}
    assert 20 in lengths
