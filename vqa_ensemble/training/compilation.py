"""torch.compile, where the machine has the compiler that it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn


def compiled(network: nn.Module, device: torch.device, say: Callable[[str], None]) -> nn.Module:
    """The network, compiled at its first batches; as it is, and said so, without a compiler."""

    def probe(x: Tensor) -> Tensor:
        return x.sin() + 1

    try:
        torch.compile(probe)(torch.zeros(8, device=device))
    except Exception as error:  # of which kind depends on what is missing
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        say(
            f"torch.compile does not work here ({reason}); training without it. It needs "
            "a C++ compiler, and Triton on a GPU."
        )
        return network
    return cast(nn.Module, torch.compile(network))
