"""The KL-f8 VAE of latent diffusion under its own names: its sizes, and the names and shapes it must have.

Rombach et al., "High-resolution image synthesis with latent diffusion models" (CVPR 2022). Only the description
is here; the network itself is ComfyUI's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..config_inference import Shape, count_blocks, shape_of

_NETWORK = "VAE"


@dataclass(frozen=True)
class VAEConfig:
    """channels: width of the first level; channel_mult: width of each level over it; z_channels: of the latent.

    embed_channels: of the latent after `quant_conv`. attention_levels: which levels have attention in the encoder.
    in_channels: of an image. double_z: whether the encoder gives a mean and a variance.
    """

    channels: int
    channel_mult: tuple[int, ...]
    num_res_blocks: int
    z_channels: int
    embed_channels: int
    in_channels: int = 3
    double_z: bool = True
    attention_levels: tuple[int, ...] = ()

    @property
    def downscale(self) -> int:
        """Pixels per latent pixel."""
        return 2 ** (len(self.channel_mult) - 1)


def vae_config_from_shapes(shapes: Mapping[str, Shape]) -> VAEConfig:
    """The VAEConfig behind {name: shape} (names without `first_stage_model.`).

    Raises CheckpointError when a name it is read from is absent or has another number of axes.
    """

    def shape(name: str, n_axes: int = 4) -> Shape:
        return shape_of(shapes, name, network=_NETWORK, n_axes=n_axes)

    channels, in_channels, _, _ = shape("encoder.conv_in.weight")
    n_levels = count_blocks(shapes, "encoder.down", network=_NETWORK)
    widths = [shape(f"encoder.down.{i}.block.0.conv1.weight")[0] for i in range(n_levels)]
    z_channels = shape("decoder.conv_in.weight")[1]
    return VAEConfig(
        channels=channels,
        channel_mult=tuple(width // channels for width in widths),
        num_res_blocks=count_blocks(shapes, "encoder.down.0.block", network=_NETWORK),
        z_channels=z_channels,
        embed_channels=shape("post_quant_conv.weight")[1],
        in_channels=in_channels,
        double_z=shape("encoder.conv_out.weight")[0] == 2 * z_channels,
        attention_levels=tuple(
            i for i in range(n_levels) if f"encoder.down.{i}.attn.0.q.weight" in shapes
        ),
    )


def vae_shapes(config: VAEConfig) -> dict[str, Shape]:
    """{name: shape} of every tensor of a VAE of these sizes."""
    z, embed = config.z_channels, config.embed_channels
    moments = 2 if config.double_z else 1
    shapes: dict[str, Shape] = {}
    _encoder(shapes, config, moments * z)
    _decoder(shapes, config)
    _conv(shapes, "quant_conv", moments * z, moments * embed, 1)
    _conv(shapes, "post_quant_conv", embed, z, 1)
    return shapes


def _encoder(shapes: dict[str, Shape], config: VAEConfig, out_channels: int) -> None:
    width = config.channels
    _conv(shapes, "encoder.conv_in", config.in_channels, width, 3)
    for level, factor in enumerate(config.channel_mult):
        for block in range(config.num_res_blocks):
            _res_block(
                shapes, f"encoder.down.{level}.block.{block}", width, factor * config.channels
            )
            width = factor * config.channels
            if level in config.attention_levels:
                _attention(shapes, f"encoder.down.{level}.attn.{block}", width)
        if level < len(config.channel_mult) - 1:
            _conv(shapes, f"encoder.down.{level}.downsample.conv", width, width, 3)
    _middle(shapes, "encoder.mid", width)
    _norm(shapes, "encoder.norm_out", width)
    _conv(shapes, "encoder.conv_out", width, out_channels, 3)


def _decoder(shapes: dict[str, Shape], config: VAEConfig) -> None:
    width = config.channel_mult[-1] * config.channels
    _conv(shapes, "decoder.conv_in", config.z_channels, width, 3)
    _middle(shapes, "decoder.mid", width)
    for level in reversed(range(len(config.channel_mult))):
        out_width = config.channel_mult[level] * config.channels
        for block in range(config.num_res_blocks + 1):  # one more than the encoder has
            _res_block(shapes, f"decoder.up.{level}.block.{block}", width, out_width)
            width = out_width
            if level in config.attention_levels:
                _attention(shapes, f"decoder.up.{level}.attn.{block}", width)
        if level:
            _conv(shapes, f"decoder.up.{level}.upsample.conv", width, width, 3)
    _norm(shapes, "decoder.norm_out", width)
    _conv(shapes, "decoder.conv_out", width, config.in_channels, 3)


def _middle(shapes: dict[str, Shape], stem: str, width: int) -> None:
    _res_block(shapes, f"{stem}.block_1", width, width)
    _attention(shapes, f"{stem}.attn_1", width)
    _res_block(shapes, f"{stem}.block_2", width, width)


def _res_block(shapes: dict[str, Shape], stem: str, in_width: int, out_width: int) -> None:
    _norm(shapes, f"{stem}.norm1", in_width)
    _conv(shapes, f"{stem}.conv1", in_width, out_width, 3)
    _norm(shapes, f"{stem}.norm2", out_width)
    _conv(shapes, f"{stem}.conv2", out_width, out_width, 3)
    if in_width != out_width:
        _conv(shapes, f"{stem}.nin_shortcut", in_width, out_width, 1)


def _attention(shapes: dict[str, Shape], stem: str, width: int) -> None:
    _norm(shapes, f"{stem}.norm", width)
    for name in ("q", "k", "v", "proj_out"):
        _conv(shapes, f"{stem}.{name}", width, width, 1)


def _conv(shapes: dict[str, Shape], stem: str, in_width: int, out_width: int, size: int) -> None:
    shapes[f"{stem}.weight"] = (out_width, in_width, size, size)
    shapes[f"{stem}.bias"] = (out_width,)


def _norm(shapes: dict[str, Shape], stem: str, width: int) -> None:
    shapes[f"{stem}.weight"] = shapes[f"{stem}.bias"] = (width,)
