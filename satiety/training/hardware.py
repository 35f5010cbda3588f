"""The setting ``device`` -> the device and precision of a model.

Weights and optimizer states are always float32. On hardware with bfloat16 units, the forward and backward passes run in
bfloat16 under autocast. Loss scaling is not needed, because bfloat16 has the exponent range of float32.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

import torch

from satiety.core.errors import SetupError

Precision = Literal["bf16", "fp32"]
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")
"""Kernels that oneDNN keeps, one for each shape of a batch; its 1,024 took 0.7 GB, and few shapes come again."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """Device and precision of a model."""

    device: str
    """``cpu`` or ``cuda``."""
    precision: Precision

    def autocast(self) -> AbstractContextManager[Any]:
        """Return a context manager that computes in this precision."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.precision == "bf16")

    def build_accelerator(self) -> Any:
        """Return a new Hugging Face Accelerator; its process-wide state is reset, so that devices can differ."""
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        AcceleratorState._reset_state(reset_partial_state=True)
        return Accelerator(cpu=self.device == "cpu", mixed_precision="bf16" if self.precision == "bf16" else "no")


def detect_hardware(device: str) -> Hardware:
    """Return the hardware that ``auto``, ``cpu`` or ``cuda`` means on this machine.

    Raises:
        SetupError: ``device`` is ``cuda`` and PyTorch finds no CUDA device.
    """
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise SetupError("SATIETY_DEVICE=cuda: PyTorch finds no CUDA device: set auto or cpu, or repair the driver")
    if has_cuda and device != "cpu":
        return Hardware("cuda", "bf16" if torch.cuda.is_bf16_supported() else "fp32")
    return Hardware("cpu", "bf16" if _cpu_has_bf16() else "fp32")


def _cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 matrices in hardware.

    Otherwise float32 is faster, even with AVX-512's bf16 instructions: these took 1.3 to 1.5 times as long.
    """
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("bf16"))
