"""The setting ``device`` -> where a model runs, in which precision.

Weights and optimizer states are float32 everywhere. Where the processor has bfloat16 units, the forward and the
backward pass run in bfloat16 under autocast; no loss scaling is needed, for its exponents are those of float32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

import torch

from satiety.core.errors import SetupError

Precision = Literal["bf16", "fp32"]


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where a model runs."""

    device: str
    """``cpu`` or ``cuda``."""
    precision: Precision

    def autocast(self) -> AbstractContextManager[Any]:
        """Compute in this precision within the block."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.precision == "bf16")

    def build_accelerator(self) -> Any:
        """Return Hugging Face's Accelerator for it; one process may ask for different ones in turn."""
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        AcceleratorState._reset_state(reset_partial_state=True)
        return Accelerator(cpu=self.device == "cpu", mixed_precision="bf16" if self.precision == "bf16" else "no")


def detect_hardware(device: str) -> Hardware:
    """Return the hardware that ``auto``, ``cpu`` or ``cuda`` stands for on this machine.

    Raises:
        SetupError: ``cuda`` is asked for and there is none.
    """
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise SetupError("SATIETY_DEVICE=cuda: this PyTorch sees no CUDA device; write auto or cpu, or mend the driver")
    if has_cuda and device != "cpu":
        return Hardware("cuda", "bf16" if torch.cuda.is_bf16_supported() else "fp32")
    return Hardware("cpu", "bf16" if _cpu_has_bf16() else "fp32")


def _cpu_has_bf16() -> bool:
    """Whether there are units that multiply bfloat16 matrices.

    Elsewhere float32 is faster, under AVX-512's bf16 instructions too: they took 1.3 to 1.5 times as long here.
    """
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("bf16"))
