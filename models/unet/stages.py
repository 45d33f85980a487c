"""The stages of the video UNet: blocks on the way down, in the middle and on the way up (published-model b.4).

Every function takes the layers' `operations` and, as `factory`, PyTorch's dtype and device of new parameters.
"""

from collections.abc import Sequence
from typing import Any

from torch import nn

from ..operations import Operations
from .blocks import Downsample, ResBlock, Upsample
from .config import UNetConfig
from .transformers import SpatialTransformer, TemporalTransformer


def embedding_layers(
    config: UNetConfig, *, operations: Operations, **factory: Any
) -> nn.Sequential:
    """From sinusoids (N, model_channels) to an embedding (N, 4 * model_channels)."""
    width = config.embedding_width
    return nn.Sequential(
        operations.Linear(config.model_channels, width, **factory),
        nn.SiLU(),
        operations.Linear(width, width, **factory),
    )


def input_stages(
    config: UNetConfig, *, operations: Operations, **factory: Any
) -> tuple[nn.ModuleList, list[int]]:
    """(the blocks on the way down, the channels of the tensor that each leaves for the way up)."""
    channels = config.model_channels
    first = operations.Conv2d(config.in_channels, channels, 3, padding=1, **factory)
    blocks, skip_channels = [nn.ModuleList([first])], [channels]
    for level, level_channels in enumerate(config.level_channels):
        if level:
            blocks.append(nn.ModuleList([Downsample(channels, operations=operations, **factory)]))
            skip_channels.append(channels)
        for _ in range(config.num_res_blocks[level]):
            modules = _level_block(channels, config, level=level, operations=operations, **factory)
            channels = level_channels
            blocks.append(nn.ModuleList(modules))
            skip_channels.append(channels)
    return nn.ModuleList(blocks), skip_channels


def middle_stage(config: UNetConfig, *, operations: Operations, **factory: Any) -> nn.ModuleList:
    """The block at the smallest scale."""
    channels = config.level_channels[-1]
    return nn.ModuleList(
        [
            _res_block(channels, channels, config, operations=operations, **factory),
            *_transformers(channels, config, operations=operations, **factory),
            _res_block(channels, channels, config, operations=operations, **factory),
        ]
    )


def output_stages(
    config: UNetConfig, skip_channels: Sequence[int], *, operations: Operations, **factory: Any
) -> nn.ModuleList:
    """The blocks on the way up; each reads one of the tensors left on the way down, last first."""
    channels, skips, blocks = config.level_channels[-1], list(skip_channels), []
    for level in reversed(range(len(config.level_channels))):
        n_blocks = config.num_res_blocks[level] + 1
        for number in range(n_blocks):
            modules = _level_block(
                channels + skips.pop(), config, level=level, operations=operations, **factory
            )
            channels = config.level_channels[level]
            if level and number == n_blocks - 1:
                modules.append(Upsample(channels, operations=operations, **factory))
            blocks.append(nn.ModuleList(modules))
    return nn.ModuleList(blocks)


def _level_block(
    in_channels: int, config: UNetConfig, *, level: int, operations: Operations, **factory: Any
) -> list[nn.Module]:
    """A residual block to the channels of a level, and the transformers where the level has them."""
    channels = config.level_channels[level]
    modules: list[nn.Module] = [
        _res_block(in_channels, channels, config, operations=operations, **factory)
    ]
    if level in config.attention_levels:
        modules += _transformers(channels, config, operations=operations, **factory)
    return modules


def _res_block(
    in_channels: int, out_channels: int, config: UNetConfig, **module_kwargs: Any
) -> ResBlock:
    return ResBlock(
        in_channels, out_channels, config.embedding_width, dropout=config.dropout, **module_kwargs
    )


def _transformers(channels: int, config: UNetConfig, **module_kwargs: Any) -> list[nn.Module]:
    heads = channels // config.head_width
    return [
        SpatialTransformer(channels, config, **module_kwargs),
        TemporalTransformer(channels, config, heads=heads, **module_kwargs),
    ]
