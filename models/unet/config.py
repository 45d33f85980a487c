"""The sizes of a video UNet, and how to read them off the tensor shapes of a checkpoint (published-model a.2, b.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...errors import CheckpointNamesError
from ..config_inference import Shape, checked_head_width, count_blocks, shape_of

NETWORK = "video UNet"
NORM_GROUPS = 32  # of every group norm (published-model b.5, b.6)
PUBLISHED_HEAD_WIDTH = 64  # published-model b.4; every published file has it
PUBLISHED_INIT_WIDTH = 512  # of init_attn, inside: 8 heads of 64


@dataclass(frozen=True)
class UNetConfig:
    """What tells one video UNet from another.

    One level is one latent scale; the next is half as wide and high. `channel_mult`, `num_res_blocks` have one
    entry per level; `attention_levels` names the levels (0 is full size) with transformers. `init_heads` 0:
    no temporal transformer after the first convolution. `audio_width` None: no audio branch (plain DynamiCrafter).
    `dropout` acts in training alone.
    """

    in_channels: int = 8
    out_channels: int = 4
    model_channels: int = 320
    channel_mult: tuple[int, ...] = (1, 2, 4, 4)
    num_res_blocks: tuple[int, ...] = (2, 2, 2, 2)
    attention_levels: tuple[int, ...] = (0, 1, 2)
    head_width: int = PUBLISHED_HEAD_WIDTH
    init_heads: int = 8
    transformer_depth: int = 1
    context_width: int = 1024
    audio_width: int | None = 768
    learned_audio_scale: bool = True
    has_frame_index: bool = True
    has_fps: bool = True
    dropout: float = 0.0

    @property
    def embedding_width(self) -> int:
        """Channels of the time, fps and frame-index embedding."""
        return 4 * self.model_channels

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels of every level."""
        return tuple(mult * self.model_channels for mult in self.channel_mult)

    @property
    def size_divisor(self) -> int:
        """Height and width of the latent must be multiples of this."""
        return 2 ** (len(self.channel_mult) - 1)


GENERATOR = UNetConfig()
INTERPOLATOR = replace(GENERATOR, has_frame_index=False)
DYNAMICRAFTER = replace(INTERPOLATOR, audio_width=None, learned_audio_scale=False)


def unet_config_from_shapes(
    shapes: Mapping[str, Shape], *, head_width: int | None = None
) -> UNetConfig:
    """The UNetConfig behind tensor shapes.

    shapes: name (without `model.diffusion_model.`) -> shape. head_width: channels per attention head, which no
    shape tells; None is the published 64 and is refused when the widths are not the published ones.
    Raises CheckpointError when the sizes cannot be inferred or belong to a network that is not supported.
    """
    _refuse_unsupported(shapes)
    model_channels, in_channels = shape_of(
        shapes, "input_blocks.0.0.weight", network=NETWORK, n_axes=4
    )[:2]
    if model_channels % NORM_GROUPS:
        raise CheckpointNamesError(
            f"The first convolution of the {NETWORK} has {model_channels} channels, which cannot be normed in "
            f"{NORM_GROUPS} groups; the file belongs to another network."
        )
    levels = _levels(shapes)
    attention_levels = tuple(k for k, level in enumerate(levels) if level[0][1])
    context_width = _context_width(shapes)
    init_width = 0
    if "init_attn.0.proj_in.weight" in shapes:
        init_width = shape_of(shapes, "init_attn.0.proj_in.weight", network=NETWORK, n_axes=3)[0]
    head_width = _head_width(
        head_width, [levels[k][0][0] for k in attention_levels] + [levels[-1][0][0]], init_width
    )
    return UNetConfig(
        in_channels=in_channels,
        out_channels=shape_of(shapes, "out.2.weight", network=NETWORK, n_axes=4)[0],
        model_channels=model_channels,
        channel_mult=tuple(_multiple(level[0][0], model_channels) for level in levels),
        num_res_blocks=tuple(len(level) for level in levels),
        attention_levels=attention_levels,
        head_width=head_width,
        init_heads=init_width // head_width,
        transformer_depth=count_blocks(
            shapes, "middle_block.1.transformer_blocks", network=NETWORK
        ),
        context_width=context_width,
        audio_width=_audio_width(shapes, context_width),
        learned_audio_scale=any(name.endswith(".attn2.beta") for name in shapes),
        has_frame_index="frame_idx_embedding.0.weight" in shapes,
        has_fps="fps_embedding.0.weight" in shapes,
    )


def _levels(shapes: Mapping[str, Shape]) -> list[list[tuple[int, bool]]]:
    """Per level a list with (channels, whether transformers follow) of each of its residual blocks."""
    levels: list[list[tuple[int, bool]]] = [[]]
    for index in range(1, count_blocks(shapes, "input_blocks", network=NETWORK)):
        stem = f"input_blocks.{index}"
        if f"{stem}.0.op.weight" in shapes:
            levels.append([])
        else:
            convolution = f"{stem}.0.in_layers.2.weight"
            channels = shape_of(shapes, convolution, network=NETWORK, n_axes=4)[0]
            levels[-1].append((channels, f"{stem}.1.proj_in.weight" in shapes))
    for number, level in enumerate(levels):
        if len(set(level)) != 1:
            raise CheckpointNamesError(
                f"The residual blocks of level {number} of the {NETWORK} should be alike, one or more of them, but "
                f"their channels and transformers are {level}; the file is incomplete or belongs to another network."
            )
    return levels


def _context_width(shapes: Mapping[str, Shape]) -> int:
    stem = "middle_block.1.transformer_blocks.0.attn2"
    width = shape_of(shapes, f"{stem}.to_k.weight", network=NETWORK, n_axes=2)[1]
    if shape_of(shapes, f"{stem}.to_k_ip.weight", network=NETWORK, n_axes=2)[1] != width:
        raise CheckpointNamesError(
            f"The text branch of the {NETWORK} reads tokens {width} wide, its image branch others; "
            "the file belongs to another network."
        )
    return width


def _audio_width(shapes: Mapping[str, Shape], context_width: int) -> int | None:
    """Width of the raw audio tokens; None without an audio branch."""
    if "audio_proj_2.weight" not in shapes:
        return None
    out_width, width = shape_of(shapes, "audio_proj_2.weight", network=NETWORK, n_axes=2)
    if out_width != context_width:
        raise CheckpointNamesError(
            f"The audio projection of the {NETWORK} makes tokens {out_width} wide, but its blocks read "
            f"{context_width}; the file belongs to another network."
        )
    return width


def _head_width(head_width: int | None, widths: Sequence[int], init_width: int) -> int:
    """The head width, checked against the widths of all attentions."""
    published = init_width in (0, PUBLISHED_INIT_WIDTH) and not any(
        width % PUBLISHED_HEAD_WIDTH for width in widths
    )
    default = PUBLISHED_HEAD_WIDTH if published else None
    if init_width:
        widths = [*widths, init_width]
    return checked_head_width(widths, head_width, default=default, network=NETWORK)


def _multiple(channels: int, model_channels: int) -> int:
    if channels % model_channels:
        raise CheckpointNamesError(
            f"A level of the {NETWORK} has {channels} channels, no multiple of the {model_channels} of its first "
            "convolution; the file belongs to another network."
        )
    return channels // model_channels


def _refuse_unsupported(shapes: Mapping[str, Shape]) -> None:
    if any(name.endswith(".attn2.alpha") for name in shapes):
        raise CheckpointNamesError(
            f"The {NETWORK} has a learned image scale (tensors called alpha), as DynamiCrafter 256 has, which is not "
            "supported; use a 512 file."
        )
    proj_in = shapes.get("middle_block.1.proj_in.weight", (0, 0))
    if len(proj_in) != 2:
        raise CheckpointNamesError(
            f"The transformers of the {NETWORK} begin with a convolution (middle_block.1.proj_in.weight is "
            f"{tuple(proj_in)}), where the 512 models have a linear layer; use a 512 file."
        )
