"""LoRA (Hu et al., "LoRA: Low-rank adaptation of large language models", ICLR 2022) on the attention of a video UNet.

A layer with the weight W, which stays as it is, computes with

    W' = W + (alpha / rank) up down,    down (rank, in), up (out, rank)

down starts random and up at zero, so that W' starts as W. Files have the names that ComfyUI's own LoRA loader maps
for any model: `diffusion_model.LAYER.lora_up.weight`, `.lora_down.weight` and `.alpha`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.utils.hooks import RemovableHandle

from ...errors import CheckpointFileError, CheckpointNamesError
from ...models.unet.transformers import CrossAttention, SelfAttention
from ..engine.state import Tensors, write_atomically

PREFIX = "diffusion_model."  # how ComfyUI calls the UNet of a MODEL
DOWN, UP, ALPHA = ".lora_down.weight", ".lora_up.weight", ".alpha"
METADATA_KEY = "keyvid_lora"


@dataclass(frozen=True)
class LoraFacts:
    """What a LoRA file says of itself. kind: of the network it belongs to (checkpoint.layouts). base: its file's name.

    steps: of the training. captions: those of the clips it was trained on.
    """

    kind: str
    base: str
    rank: int
    alpha: float
    steps: int
    captions: tuple[str, ...]


class LowRank(nn.Module):
    """up(down(x)): (..., in) -> (..., out), zero at first."""

    def __init__(
        self, in_width: int, out_width: int, rank: int, *, generator: torch.Generator
    ) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_width)
        start = torch.empty(rank, in_width).uniform_(-bound, bound, generator=generator)
        self.down = nn.Parameter(start)
        self.up = nn.Parameter(torch.zeros(out_width, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (..., in) -> (..., out)."""
        return nn.functional.linear(nn.functional.linear(x, self.down), self.up)


def attention_layers(unet: nn.Module) -> dict[str, nn.Linear]:
    """{name: layer} of every projection of every attention of a VideoUNet: queries, keys, values, outputs; of text,
    image and sound, within a frame and along time."""
    return {
        f"{name}.{inner}": layer
        for name, module in unet.named_modules()
        if isinstance(module, SelfAttention | CrossAttention)
        for inner, layer in module.named_modules()
        if isinstance(layer, nn.Linear)
    }


def make_adapters(unet: nn.Module, *, rank: int, generator: torch.Generator) -> nn.ModuleDict:
    """A LowRank for each of `attention_layers`, under the layer's name with / for every dot, which PyTorch forbids.

    A layer narrower than `rank` gets one of its own smaller width, which can already express every change of it.
    """
    return nn.ModuleDict(
        {
            name.replace(".", "/"): LowRank(
                layer.in_features,
                layer.out_features,
                min(rank, layer.in_features, layer.out_features),
                generator=generator,
            )
            for name, layer in attention_layers(unet).items()
        }
    )


def attach(unet: nn.Module, adapters: nn.ModuleDict, *, scale: float) -> list[RemovableHandle]:
    """Let the layers of a UNet add what their LowRank gives, times `scale`; remove the handles to undo it."""
    layers = attention_layers(unet)

    def add(
        adapter: nn.Module,
        _layer: nn.Module,
        inputs: tuple[torch.Tensor, ...],
        output: torch.Tensor,
    ) -> torch.Tensor:
        return output + scale * adapter(inputs[0])

    return [
        layers[name.replace("/", ".")].register_forward_hook(partial(add, adapter))
        for name, adapter in adapters.items()
    ]


def file_tensors(adapters: Mapping[str, torch.Tensor], *, scale: float) -> Tensors:
    """The tensors of a LoRA file, in fp16, from the state dict of `make_adapters`' modules.

    ComfyUI multiplies by alpha / rank, rank being the file's own for each layer, so that alpha is scale times that.
    """
    tensors: Tensors = {}
    for name, down in adapters.items():
        layer, _, kind = name.rpartition(".")
        if kind != "down":
            continue
        key = PREFIX + layer.replace("/", ".")
        tensors[key + DOWN] = down.half().contiguous().cpu()
        tensors[key + UP] = adapters[f"{layer}.up"].half().contiguous().cpu()
        tensors[key + ALPHA] = torch.tensor(scale * len(down), dtype=torch.float32)
    return tensors


def write_lora(path: Path, tensors: Tensors, facts: LoraFacts) -> None:
    """Write the file; it appears whole or not at all."""
    metadata = {METADATA_KEY: json.dumps(asdict(facts))}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda part: save_file(tensors, part, metadata=metadata))


def read_lora(path: Path) -> Tensors:
    """{name: tensor} of a LoRA file. Raises CheckpointFileError for a file that cannot be read."""
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (OSError, SafetensorError) as error:
        raise CheckpointFileError(
            f"The LoRA {path} cannot be read ({error}). Name a file that train lora wrote."
        ) from None


def merged(weights: Mapping[str, torch.Tensor], lora: Tensors, *, strength: float = 1.0) -> Tensors:
    """The weights of a UNet ({name in the network: tensor}) with a LoRA in them, in their own types.

        W' = W + strength (alpha / rank) up down

    lora: as `read_lora` gives it. Raises CheckpointNamesError for a LoRA of another network, and for a file of none.
    """
    result, layers = dict(weights), [n.removesuffix(DOWN) for n in lora if n.endswith(DOWN)]
    if not layers:
        raise CheckpointNamesError(
            "The file holds no LoRA of KeyVID's: no name in it ends with lora_down.weight. Name one that train lora "
            "wrote."
        )
    for layer in layers:
        down, up = lora[layer + DOWN].float(), lora[layer + UP].float()
        name = layer.removeprefix(PREFIX) + ".weight"
        if name not in weights or tuple(weights[name].shape) != (len(up), down.shape[1]):
            raise CheckpointNamesError(
                f"The LoRA changes {layer} by {len(up)} x {down.shape[1]} values, which this network does not have. "
                "Use it with the model that it was trained for."
            )
        factor = strength * float(lora[layer + ALPHA]) / len(down)
        result[name] = (weights[name].float() + factor * (up @ down)).to(weights[name].dtype)
    return result
