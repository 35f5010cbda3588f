"""Where a model runs."""

import pytest
import torch

from satiety.core.errors import SetupError
from satiety.training.hardware import detect_hardware


def test_cuda_without_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SetupError, match="SATIETY_DEVICE=cuda: PyTorch finds no CUDA device"):
        detect_hardware("cuda")
    assert detect_hardware("auto").device == "cpu"


def test_a_gpu_is_taken_unless_cpu_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert detect_hardware("auto").device == "cuda"
    assert detect_hardware("auto").precision == "fp32"
    assert detect_hardware("cpu").device == "cpu"


@pytest.mark.parametrize(("capabilities", "precision"), [({"amx_bf16": True}, "bf16"), ({"avx512_bf16": True}, "fp32")])
def test_bfloat16_is_used_where_the_processor_has_it(
    capabilities: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    context = detect_hardware("cpu")
    assert context.precision == precision
    with context.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)


def test_one_process_may_use_two_precisions_in_turn() -> None:
    from satiety.training.hardware import Hardware

    for precision, name in (("bf16", "bf16"), ("fp32", "no")):
        assert Hardware("cpu", precision).build_accelerator().mixed_precision == name  # type: ignore[arg-type]
