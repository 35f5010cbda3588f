"""Methods one by one: the weights they train, those they leave unchanged, and the encoders they refuse."""

from pathlib import Path

import pytest
import torch
from torch import nn

from satiety.core.errors import ModelError, ParamsError
from satiety.heads import HEADS
from satiety.problems import PROBLEMS
from satiety.training.checkpoint import CheckpointStore
from satiety.training.encoder import load_encoder
from satiety.tuning import METHODS, load
from satiety.tuning.inputs import Batch
from satiety.tuning.methods import AdapterMethod
from satiety.tuning.methods.full import Full
from satiety.tuning.model import Model
from tests.contracts.test_methods import params
from tests.generating import write_writer

ADAPTER_METHODS = [name for name in METHODS if METHODS[name].has_adapter]


def build_model(folder: Path, head: str = "text") -> Model:
    return Model(load_encoder(folder), HEADS[head](), 3, pooling="mean", dropout=0.0)


def build_batch(*rows: list[int], types: bool = False) -> Batch:
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    kinds = (torch.arange(width) > 2).long().expand(len(rows), -1) if types else None
    return Batch(ids, (ids > 0).long(), ids, kinds)


def test_the_adapter_methods_are_registered() -> None:
    assert {"adapter", "prefix", "prompt"} <= {*ADAPTER_METHODS}


@pytest.mark.parametrize("name", ADAPTER_METHODS)
class TestAdapterMethods:
    def test_the_base_stays_unchanged_and_the_adapter_is_small(self, name: str, tiny: Path, tmp_path: Path) -> None:
        from satiety.tuning.finetune import finetune

        problem = PROBLEMS["classify"].sample()
        examples = problem.examples("en")
        store = CheckpointStore(tmp_path / "run", 1e9)
        outcome = finetune(tiny, problem, examples, examples, params=params(name), store=store, device="cpu")
        outcome.model.save(tmp_path / "tuned", tiny)
        saved, base = (load_encoder(folder).state_dict() for folder in (tmp_path / "tuned", tiny))
        assert all(torch.equal(weight, base[key]) for key, weight in saved.items())
        adapter = tmp_path / "tuned" / "adapter.safetensors"
        assert adapter.stat().st_size < (tiny / "model.safetensors").stat().st_size / 2

        adapter.unlink()
        with pytest.raises(ModelError, match=r"has no adapter\.safetensors"):
            load(tmp_path / "tuned", "cpu")

    def test_weights_of_another_shape_are_refused(self, name: str, tiny: Path) -> None:
        method = METHODS[name].sample()
        assert isinstance(method, AdapterMethod)
        with pytest.raises(ModelError, match=f"does not match method '{name}'"):
            method.attach(build_model(tiny), {"other": torch.zeros(2)})

    @pytest.mark.parametrize("head", ["text", "token"])
    def test_the_states_of_a_text_do_not_depend_on_other_texts_or_padding(
        self, name: str, head: str, tiny: Path
    ) -> None:
        torch.manual_seed(1)
        model = build_model(tiny, head)
        METHODS[name].sample().prepare(model, 1)
        model.eval()
        with torch.inference_mode():
            separate = model(build_batch([2, 7, 8, 3]))
            together = model(build_batch([2, 7, 8, 3], [2, 9, 9, 9, 9, 9, 3]))
        shape = (1, 3) if head == "text" else (1, 4, 3)
        assert separate.shape == shape
        torch.testing.assert_close(separate, together[:1] if head == "text" else together[:1, :4], rtol=1e-4, atol=1e-5)

    def test_token_types_still_change_the_output(self, name: str, tiny: Path) -> None:
        torch.manual_seed(1)
        model = build_model(tiny)
        METHODS[name].sample().prepare(model, 1)
        model.eval()
        with torch.inference_mode():
            assert not torch.allclose(
                model(build_batch([2, 7, 3, 8, 3])), model(build_batch([2, 7, 3, 8, 3], types=True))
            )

    def test_only_the_weights_of_the_adapter_and_the_head_are_trained(self, name: str, tiny: Path) -> None:
        method, model = METHODS[name].sample(), build_model(tiny)
        encoder_ids = {id(weight) for weight in model.encoder.parameters()}
        method.prepare(model, 1)
        trained = [weight for _, weight, _ in method.rates(model)]
        assert len(trained) > 2
        assert not encoder_ids & {id(weight) for weight in trained}


FAMILIES = ["bert", "roberta", "xlm-roberta", "electra", "distilbert", "mpnet", "deberta-v2", "modernbert"]
WITHOUT_KEYS = ["distilbert", "mpnet", "deberta-v2", "modernbert"]
"""They take no keys and values, so `prefix` cannot be used with them."""


def build_encoder(kind: str) -> nn.Module:
    from transformers import AutoConfig, AutoModel

    names = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size"]
    sizes = dict(zip(names, [32, 2, 2, 64, 50], strict=True))
    if kind == "distilbert":
        sizes = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "vocab_size": 50}
    tokens = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
    return AutoModel.from_config(AutoConfig.for_model(kind, **sizes, **tokens)).eval()


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("name", ADAPTER_METHODS)
def test_the_usual_encoders_are_wrapped_and_unwrapped(name: str, kind: str) -> None:
    method, encoder = METHODS[name].sample(), build_encoder(kind)
    assert isinstance(method, AdapterMethod)
    if name == "prefix" and kind in WITHOUT_KEYS:
        with pytest.raises(ModelError, match="needs an encoder with `past_key_values`"):
            method.wrap(encoder)
        return
    names = [name for name, _ in encoder.named_parameters()]
    ids = torch.tensor([[1, 7, 8, 2]])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with torch.inference_mode():
        baseline = encoder(**inputs).last_hidden_state
        wrapped = method.wrap(encoder)
        assert wrapped(**inputs).last_hidden_state.shape == (1, 4, 32)
        repeated = method.unwrap(wrapped)
        torch.testing.assert_close(repeated(**inputs).last_hidden_state, baseline)
    assert [name for name, _ in repeated.named_parameters()] == names


def test_an_unsupported_encoder_is_refused(tiny: Path) -> None:
    class Odd(nn.Module):
        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            return input_ids

    for name, reason in (("adapter", "does not support Odd"), ("prefix", "needs an encoder with `past_key_values`")):
        method = METHODS[name].sample()
        assert isinstance(method, AdapterMethod)
        with pytest.raises(ModelError, match=reason):
            method.wrap(Odd())


@pytest.mark.parametrize("name", ["prefix", "prompt"])
def test_virtual_tokens_count_among_those_that_the_base_reads(name: str, tiny: Path, tmp_path: Path) -> None:
    from satiety.tuning.finetune import finetune

    problem = PROBLEMS["classify"].sample()
    section = params(name).model_copy(update={"max_length": 62})
    with pytest.raises(ParamsError, match=r"62 tokens plus 4 virtual tokens, but .* reads at most 64: lower"):
        finetune(
            tiny,
            problem,
            problem.examples("en"),
            [],
            params=section,
            store=CheckpointStore(tmp_path / "run", 1e9),
            device="cpu",
        )


def test_layer_decay_lowers_the_rate_of_lower_layers_on_both_sides_of_an_encoder_decoder(tmp_path: Path) -> None:
    head = HEADS["seq2seq"].sample()
    network, _ = head.load(write_writer(tmp_path, "mt5", tie_word_embeddings=False))
    full = Full(learning_rate=1.0, layer_decay=0.5)
    model = Model(network, head, 0, pooling="mean", dropout=0.0)
    rates = {name: rate for name, _, rate in full.rates(model)}
    for side in ("encoder", "decoder"):
        assert rates[f"encoder.{side}.block.1.layer.0.SelfAttention.q.weight"] == 1.0
        assert rates[f"encoder.{side}.block.0.layer.1.layer_norm.weight"] == 0.5
    assert rates["encoder.shared.weight"] == 0.25
    assert rates.get("encoder.lm_head.weight", 1.0) == 1.0
