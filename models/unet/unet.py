"""The video UNet that paints keyframes and the frames between them, one class for every published file.

KeyVID (arXiv 2504.09656): the UNet of DynamiCrafter (Xing et al., ECCV 2024) with a branch that listens and, in the
keyframe generator, with the position of every frame. Reference section b; parameter names are the checkpoints'.
"""

import functools
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from ...errors import SamplingError
from ..attention import check_windows, sdpa_attention, windowed_attention
from .blocks import NORM_EPS, NORM_GROUPS, Downsample, ResBlock, SiLU, TemporalConvolution, Upsample
from .context import Context
from .transformers import SpatialTransformer, TemporalTransformer

LONGEST_PERIOD = 10_000  # of the sinusoids (published-model b.2)
AUDIO_NORM_EPS = 1e-12  # published-model b.3


class VideoUNet(nn.Module):
    """Predicts v for a noisy latent video, given text, image, sound and where its frames stand.

    config: a UNetConfig. operations: where the layers come from, torch.nn or what ComfyUI hands over. attention: a
    function as in attention.py. dtype, device: of the parameters; the computation follows the dtype of `x`.
    Set `gradient_checkpointing` to trade time for memory in training. Nothing is read from the weights before the
    first forward; `init_weights` prepares new ones for training.
    """

    def __init__(self, config, *, operations=nn, attention=sdpa_attention, dtype=None, device=None):
        super().__init__()
        self.config = config
        self.attention = attention
        self.dtype = dtype or torch.get_default_dtype()
        self.gradient_checkpointing = False
        make = {"operations": operations, "dtype": dtype, "device": device}
        where = {"dtype": dtype, "device": device}
        self.time_embed = _embedding(config, **make)
        if config.has_fps:
            self.fps_embedding = _embedding(config, **make)
        if config.has_frame_index:
            self.frame_idx_embedding = _embedding(config, **make)
        if config.audio_width is not None:
            self.audio_proj_2 = operations.Linear(config.audio_width, config.context_width, **where)
        if config.init_heads:
            transformer = TemporalTransformer(
                config.model_channels, config, heads=config.init_heads, convolutional=True, **make
            )
            self.init_attn = nn.ModuleList([transformer])
        self.input_blocks, skip_channels = _input_blocks(config, make)
        channels = config.level_channels[-1]
        self.middle_block = nn.ModuleList(
            [
                _res_block(channels, channels, config, make),
                *_transformers(channels, config, make),
                _res_block(channels, channels, config, make),
            ]
        )
        self.output_blocks = _output_blocks(config, skip_channels, make)
        self.out = nn.Sequential(
            operations.GroupNorm(NORM_GROUPS, config.level_channels[0], eps=NORM_EPS, **where),
            SiLU(),
            operations.Conv2d(config.level_channels[0], config.out_channels, 3, padding=1, **where),
        )

    def forward(
        self,
        x,
        timesteps,
        *,
        text,
        image=None,
        audio=None,
        fps=None,
        frame_index=None,
        temporal_window=None,
        transformer_options=None,
    ):
        """v of shape (B, out_channels, T, H, W) (published-model b.1).

        x (B, in_channels, T, H, W): noisy latent and concat latent; H and W multiples of `config.size_divisor`.
        timesteps (B,): 0 .. 999, int or float. text (B, N, context_width), one for the whole clip, or
        (B, T, N, context_width), one per frame. image (B, T, N, context_width): image tokens per frame; None leaves
        the branch out. audio (B, T, N, audio_width): raw audio tokens per frame; None leaves the branch out.
        fps (B,) or (B, T): the fps condition. frame_index (B, T): positions on the 24 fps grid; read only by a
        network with such an embedding. temporal_window: (window, stride) in frames for attention over time in
        windows (published-model c.2); None attends to all frames. transformer_options: passed on to `attention`.
        Raises SamplingError when sizes do not fit or a condition that the network needs is missing.
        """
        self._check(x, text, image, audio, fps, frame_index, temporal_window)
        n_clips, _, n_frames = x.shape[:3]
        attention = self.attention
        if transformer_options is not None:
            attention = functools.partial(attention, transformer_options=transformer_options)
        temporal = attention
        if temporal_window is not None:
            window, stride = temporal_window
            temporal = functools.partial(
                windowed_attention, window=window, stride=stride, attention=attention
            )
        context = Context(
            n_clips=n_clips,
            n_frames=n_frames,
            embedding=self._embed(x, timesteps, fps, frame_index),
            text=text.to(x),
            image=None if image is None else image.to(x),
            audio=None if audio is None else self._audio_tokens(audio.to(x)),
            attention=attention,
            temporal_attention=temporal,
        )
        h = self._denoise(x.transpose(1, 2).flatten(0, 1), context)  # (B*T, C, H, W)
        return h.unflatten(0, (n_clips, n_frames)).transpose(1, 2)  # (B, C, T, H, W)

    def _denoise(self, frames, context):
        """(B*T, in_channels, H, W) -> (B*T, out_channels, H, W)."""
        first, *rest = self.input_blocks
        h = first[0](frames)
        if self.config.init_heads:
            h = self._run(self.init_attn, h, context)
        skips = [h]
        for block in rest:
            h = self._run(block, h, context)
            skips.append(h)
        h = self._run(self.middle_block, h, context)
        for block in self.output_blocks:
            # the list is the only owner of both, so that the block can free them early
            parts = [h, skips.pop()]
            del h
            h = self._run(block, parts, context)
        return self.out(h)

    def _run(self, block, x, context):
        if torch.is_grad_enabled():
            x = torch.cat(x, dim=1) if isinstance(x, list) else x
            if self.gradient_checkpointing:
                return checkpoint(_apply, block, x, context, use_reentrant=False)
        return _apply(block, x, context)

    def _embed(self, x, timesteps, fps, frame_index):
        """Sum of the embeddings of time, fps and frame index, (B*T, 4 * model_channels) (published-model b.2)."""
        width = self.config.model_channels
        n_clips, _, n_frames = x.shape[:3]

        def embed(layers, numbers):
            waves = sinusoids(numbers.to(x.device).reshape(-1), width).to(x)
            return layers(waves).unflatten(0, numbers.shape)  # (B, E) or (B, T, E)

        total = embed(self.time_embed, timesteps)[:, None].expand(-1, n_frames, -1)  # (B, T, E)
        if self.config.has_fps:
            rates = embed(self.fps_embedding, fps)
            total = total + (rates if rates.ndim == 3 else rates[:, None])
        if self.config.has_frame_index:
            total = total + embed(self.frame_idx_embedding, frame_index)
        return total.reshape(n_clips * n_frames, -1)  # (B*T, E)

    def _audio_tokens(self, audio):
        """Raw tokens (B, T, N, audio_width) -> unit vectors (B, T, N, context_width) (published-model b.3)."""
        return F.normalize(self.audio_proj_2(audio), dim=-1, eps=AUDIO_NORM_EPS)

    def _check(self, x, text, image, audio, fps, frame_index, temporal_window):
        config = self.config
        if x.ndim != 5:
            raise SamplingError(
                f"The latent has shape {tuple(x.shape)}, but the model works on whole videos (clips, channels, frames, "
                "height, width); connect a KeyVID conditioning node's latent."
            )
        n_clips, channels, n_frames, height, width = x.shape
        if channels != config.in_channels:
            raise SamplingError(
                f"The model reads {config.in_channels} channels, but the latent brings {channels}; "
                "half of them should be the noisy video and half the picture to start from."
            )
        if height % config.size_divisor or width % config.size_divisor:
            raise SamplingError(
                f"The latent is {height} by {width}, but both must be multiples of {config.size_divisor}; "
                f"choose a picture whose sides are multiples of {8 * config.size_divisor} pixels."
            )
        if fps is None and config.has_fps:
            raise SamplingError("The model needs the fps condition, but none was given; set it.")
        if frame_index is None and config.has_frame_index:
            raise SamplingError(
                "The model paints keyframes and needs the position of each, but none was given; connect a plan."
            )
        if audio is not None and config.audio_width is None:
            raise SamplingError(
                "This model cannot hear (it has no audio branch), but audio was given; "
                "use a KeyVID model or disconnect the audio."
            )
        _check_widths(text, image, audio, config)
        if text.ndim == 3 and len(text) != n_clips:
            raise SamplingError(
                f"The latent holds {n_clips} clips, but the text condition is made for {len(text)}; give one each."
            )
        if fps is not None and tuple(fps.shape) not in ((n_clips,), (n_clips, n_frames)):
            raise SamplingError(
                f"The fps condition has shape {tuple(fps.shape)}; give one number per clip, or one per frame."
            )
        per_frame = {"image": image, "audio": audio, "text": text if text.ndim == 4 else None}
        if config.has_frame_index:
            per_frame["frame positions"] = frame_index
        for name, value in per_frame.items():
            if value is not None and tuple(value.shape[:2]) != (n_clips, n_frames):
                raise SamplingError(
                    f"The latent holds {n_clips} clips of {n_frames} frames, but the {name} condition is made for "
                    f"{value.shape[0]} of {value.shape[1]}; make both with the same plan."
                )
        if temporal_window is not None:
            check_windows(n_frames, *temporal_window)


def _check_widths(text, image, audio, config):
    """Raises SamplingError unless the conditions are tokens of the widths the network was built for."""
    widths = {"text": (text, config.context_width), "image": (image, config.context_width)}
    widths["audio"] = (audio, config.audio_width)
    for name, (tokens, width) in widths.items():
        if tokens is None:
            continue
        n_axes = (3, 4) if name == "text" else (4,)
        if tokens.ndim not in n_axes or tokens.shape[-1] != width:
            raise SamplingError(
                f"The {name} condition has shape {tuple(tokens.shape)}, but this model reads tokens {width} numbers "
                "wide; use the encoders that belong to it."
            )


def sinusoids(numbers, width):
    """Cosines, then sines, of numbers (N,) at falling frequencies, float32 (N, width) (published-model b.2)."""
    half = width // 2
    steps = torch.arange(half, dtype=torch.float32, device=numbers.device)
    frequencies = torch.exp(-math.log(LONGEST_PERIOD) * steps / half)
    angles = numbers.float()[:, None] * frequencies  # (N, half)
    waves = torch.cat([angles.cos(), angles.sin()], dim=-1)
    return F.pad(waves, (0, width % 2))


@torch.no_grad()
def init_weights(unet):
    """Makes every added branch of freshly built weights start as no change, as the published training does.

    Zero: the last layer of every residual block, temporal convolution and transformer, of the fps and frame-index
    embeddings, of the whole network, and the audio keys and values (published-model b.6). In place.
    """
    layers = [unet.out[2]]
    for name in ("fps_embedding", "frame_idx_embedding"):
        if hasattr(unet, name):
            layers.append(getattr(unet, name)[2])
    for name, module in unet.named_modules():
        if isinstance(module, ResBlock):
            layers.append(module.out_layers[3])
        elif isinstance(module, TemporalConvolution):
            layers.append(module.conv4[3])
        elif isinstance(module, SpatialTransformer | TemporalTransformer):
            layers.append(module.proj_out)
        elif name.endswith((".to_k_ap", ".to_v_ap")):
            layers.append(module)
    for parameter in (p for layer in layers for p in layer.parameters()):
        parameter.zero_()


def _apply(block, x, context):
    for module in block:
        x = module(x, context)
    return x


def _embedding(config, *, operations, **where):
    width = config.embedding_width
    return nn.Sequential(
        operations.Linear(config.model_channels, width, **where),
        nn.SiLU(),
        operations.Linear(width, width, **where),
    )


def _res_block(in_channels, out_channels, config, make):
    return ResBlock(
        in_channels, out_channels, config.embedding_width, dropout=config.dropout, **make
    )


def _transformers(channels, config, make):
    heads = channels // config.head_width
    return [
        SpatialTransformer(channels, config, **make),
        TemporalTransformer(channels, config, heads=heads, **make),
    ]


def _input_blocks(config, make):
    """(the blocks on the way down, the channels each leaves for the way up)."""
    channels = config.model_channels
    where = {"dtype": make["dtype"], "device": make["device"]}
    first = make["operations"].Conv2d(config.in_channels, channels, 3, padding=1, **where)
    blocks, left = [nn.ModuleList([first])], [channels]
    for level, level_channels in enumerate(config.level_channels):
        if level:
            blocks.append(nn.ModuleList([Downsample(channels, **make)]))
            left.append(channels)
        for _ in range(config.num_res_blocks[level]):
            modules = [_res_block(channels, level_channels, config, make)]
            channels = level_channels
            if level in config.attention_levels:
                modules += _transformers(channels, config, make)
            blocks.append(nn.ModuleList(modules))
            left.append(channels)
    return nn.ModuleList(blocks), left


def _output_blocks(config, skip_channels, make):
    """The blocks on the way up; each reads one of the tensors left on the way down, last first."""
    channels, left, blocks = config.level_channels[-1], list(skip_channels), []
    for level in reversed(range(len(config.level_channels))):
        n_blocks = config.num_res_blocks[level] + 1
        for number in range(n_blocks):
            modules = [
                _res_block(channels + left.pop(), config.level_channels[level], config, make)
            ]
            channels = config.level_channels[level]
            if level in config.attention_levels:
                modules += _transformers(channels, config, make)
            if level and number == n_blocks - 1:
                modules.append(Upsample(channels, **make))
            blocks.append(nn.ModuleList(modules))
    return nn.ModuleList(blocks)
