# What the trainings use of diffusers, whose own annotations are wrong here (Tuple[str] for any number of block types).
from typing import Any

from torch import nn

class AutoencoderKL(nn.Module):
    encoder: Any
    decoder: Any
    quant_conv: Any
    post_quant_conv: Any
    config: Any

    def __init__(self, **sizes: Any) -> None: ...
    def encode(self, x: Any) -> Any: ...
    def decode(self, z: Any) -> Any: ...
