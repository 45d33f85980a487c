"""The video UNet that makes keyframes and the frames between them, one class for every published file.

KeyVID (arXiv 2504.09656): the UNet of DynamiCrafter (Xing et al., ECCV 2024), in KeyVID also conditioned on audio and,
in the keyframe generator, on the index of every frame (published-model b). Parameter names are the checkpoints'.
"""

import contextlib
import functools
import math
from collections.abc import Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from ..attention import Attention, sdpa_attention, windowed_attention
from ..cpu_layers import FastLayers, has_fast_layers
from ..operations import Operations
from .blocks import NORM_EPS, ResBlock, SiLU, TemporalConvolution
from .config import NORM_GROUPS, UNetConfig
from .context import Context
from .inputs import check_inputs
from .stages import embedding_layers, input_stages, middle_stage, output_stages
from .token_store import KeysValues, TokenStore
from .transformers import CrossAttention, SpatialTransformer, TemporalTransformer

LONGEST_PERIOD = 10_000  # of the sinusoids (published-model b.2)
AUDIO_NORM_EPS = 1e-12  # published-model b.3


class VideoUNet(nn.Module):
    """Predicts v for a noisy latent video, conditioned on text, image, audio, frame rate and frame indices.

    operations: where the layers come from, torch.nn or what ComfyUI passes. attention: a function as in
    attention.py. dtype, device: of the parameters; the computation follows the dtype of `x`.
    Set `gradient_checkpointing` to trade time for memory in training. Nothing is read from the weights before the
    first forward; `init_weights` prepares new ones for training.
    """

    def __init__(
        self,
        config: UNetConfig,
        *,
        operations: Operations = nn,
        attention: Attention = sdpa_attention,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.attention = attention
        self.dtype = dtype or torch.get_default_dtype()
        self.gradient_checkpointing = False
        factory: dict[str, Any] = {"dtype": dtype, "device": device}
        module_kwargs: dict[str, Any] = {"operations": operations, **factory}
        self.time_embed = embedding_layers(config, **module_kwargs)
        if config.has_fps:
            self.fps_embedding = embedding_layers(config, **module_kwargs)
        if config.has_frame_index:
            self.frame_idx_embedding = embedding_layers(config, **module_kwargs)
        if config.audio_width is not None:
            self.audio_proj_2 = operations.Linear(
                config.audio_width, config.context_width, **factory
            )
        if config.init_heads:
            transformer = TemporalTransformer(
                config.model_channels,
                config,
                heads=config.init_heads,
                convolutional=True,
                **module_kwargs,
            )
            self.init_attn = nn.ModuleList([transformer])
        self.input_blocks, skip_channels = input_stages(config, **module_kwargs)
        self.middle_block = middle_stage(config, **module_kwargs)
        self.output_blocks = output_stages(config, skip_channels, **module_kwargs)
        channels = config.level_channels[0]
        self.out = nn.Sequential(
            operations.GroupNorm(NORM_GROUPS, channels, eps=NORM_EPS, **factory),
            SiLU(),
            operations.Conv2d(channels, config.out_channels, 3, padding=1, **factory),
        )

    def forward(
        self,
        x: torch.Tensor,
        timesteps: torch.Tensor,
        *,
        text: torch.Tensor,
        image: torch.Tensor | None = None,
        audio: torch.Tensor | None = None,
        fps: torch.Tensor | None = None,
        frame_index: torch.Tensor | None = None,
        temporal_window: tuple[int, int] | None = None,
        transformer_options: dict[str, Any] | None = None,
        token_store: TokenStore | None = None,
    ) -> torch.Tensor:
        """v of shape (B, out_channels, T, H, W) (published-model b.1).

        x (B, in_channels, T, H, W): noisy latent and concat latent; H and W multiples of `config.size_divisor`.
        timesteps (B,): 0 .. 999, int or float. text (B, N, context_width), one for the whole clip, or
        (B, T, N, context_width), one per frame. image (B, T, N, context_width): image tokens per frame; None leaves
        the branch out. audio (B, T, N, audio_width): raw audio tokens per frame; None leaves the branch out.
        fps (B,) or (B, T): the fps condition. frame_index (B, T): positions on the 24 fps grid; read only by a
        network with such an embedding. temporal_window: (window, stride) in frames for attention over time in
        windows (published-model c.2); None attends to all frames. transformer_options: passed on to `attention`.
        token_store: keeps keys and values of the tokens for the next forward with the same weights; not used in
        training, nor in compiled forwards.
        Raises SamplingError when sizes do not fit or a condition that the network needs is missing.
        """
        check_inputs(
            self.config,
            x,
            text=text,
            image=image,
            audio=audio,
            fps=fps,
            frame_index=frame_index,
            temporal_window=temporal_window,
        )
        attentions = self._attentions(transformer_options, temporal_window)
        frames = x.transpose(1, 2).flatten(0, 1)  # (B*T, C, H, W)
        if (
            x.device.type == "cpu"
        ):  # tokens and convolutions then need no copies; every block keeps the layout
            frames = frames.contiguous(memory_format=torch.channels_last)
        with FastLayers() if has_fast_layers(x) else contextlib.nullcontext():
            embedding = self._embed(x, timesteps, fps, frame_index)
            tokens = self._tokens(x, text, image, audio)
            context = Context(
                n_clips=len(x),
                n_frames=x.shape[2],
                embedding=embedding,
                **tokens,
                **attentions,
                stored=self._stored(tokens, token_store),
            )
            h = self._denoise(frames, context)
        return h.unflatten(0, (len(x), -1)).transpose(1, 2)  # (B, out_channels, T, H, W)

    def _attentions(
        self,
        transformer_options: dict[str, Any] | None,
        temporal_window: tuple[int, int] | None,
    ) -> dict[str, Any]:
        """{field of Context: the attention within a frame and along time}."""
        attention = self.attention
        if transformer_options is not None:
            attention = functools.partial(attention, transformer_options=transformer_options)
        temporal = attention
        if temporal_window is not None:
            window, stride = temporal_window
            temporal = functools.partial(
                windowed_attention, window=window, stride=stride, attention=attention
            )
        return {"attention": attention, "temporal_attention": temporal}

    def _tokens(
        self,
        x: torch.Tensor,
        text: torch.Tensor,
        image: torch.Tensor | None,
        audio: torch.Tensor | None,
    ) -> dict[str, Any]:
        """{field of Context: tokens as blocks read them}."""
        return {
            "text": text.to(x),
            "image": None if image is None else image.to(x),
            "audio": None if audio is None else self._audio_tokens(audio.to(x)),
        }

    def _stored(
        self, tokens: Mapping[str, torch.Tensor | None], store: TokenStore | None
    ) -> dict[str, dict[nn.Module, KeysValues] | None]:
        """{text, image or audio: what the store has of its keys and values}, empty where nothing is stored."""
        if store is None or torch.is_grad_enabled() or torch.compiler.is_compiling():
            return {}
        attentions = (m for m in self.modules() if isinstance(m, CrossAttention))
        numbers_per_token = sum(2 * attention.width for attention in attentions)
        return {
            name: store.of(name, value, numbers_per_token=numbers_per_token)
            for name, value in tokens.items()
            if value is not None
        }

    def _denoise(self, frames: torch.Tensor, context: Context) -> torch.Tensor:
        """(B*T, in_channels, H, W) -> (B*T, out_channels, H, W)."""
        first, *rest = (cast(nn.ModuleList, block) for block in self.input_blocks)
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

    def _run(
        self,
        block: nn.Module,
        x: torch.Tensor | list[torch.Tensor],
        context: Context,
    ) -> torch.Tensor:
        if torch.is_grad_enabled():
            x = torch.cat(x, dim=1) if isinstance(x, list) else x
            if self.gradient_checkpointing:
                return checkpoint(_apply, block, x, context, use_reentrant=False)
        return _apply(block, x, context)

    def _embed(
        self,
        x: torch.Tensor,
        timesteps: torch.Tensor,
        fps: torch.Tensor | None,
        frame_index: torch.Tensor | None,
    ) -> torch.Tensor:
        """Sum of the embeddings of time, fps and frame index, (B*T, 4 * model_channels) (published-model b.2)."""
        width = self.config.model_channels
        n_clips, _, n_frames = x.shape[:3]

        def embed(layers: nn.Module, numbers: torch.Tensor) -> torch.Tensor:
            waves = sinusoids(numbers.to(x.device).reshape(-1), width).to(x)
            return layers(waves).unflatten(0, numbers.shape)  # (B, E) or (B, T, E)

        total = embed(self.time_embed, timesteps)[:, None].expand(-1, n_frames, -1)  # (B, T, E)
        if self.config.has_fps and fps is not None:
            rates = embed(self.fps_embedding, fps)
            total = total + (rates if rates.ndim == 3 else rates[:, None])
        if self.config.has_frame_index and frame_index is not None:
            total = total + embed(self.frame_idx_embedding, frame_index)
        return total.reshape(n_clips * n_frames, -1)  # (B*T, E)

    def _audio_tokens(self, audio: torch.Tensor) -> torch.Tensor:
        """Raw tokens (B, T, N, audio_width) -> unit vectors (B, T, N, context_width) (published-model b.3)."""
        return F.normalize(self.audio_proj_2(audio), dim=-1, eps=AUDIO_NORM_EPS)


def sinusoids(numbers: torch.Tensor, width: int) -> torch.Tensor:
    """Cosines, then sines, of numbers (N,) at falling frequencies, float32 (N, width) (published-model b.2).

    cos(n f_k) and sin(n f_k) with f_k = 10000^(-k / half) for k = 0 ... half - 1, half = width // 2; an odd width
    ends with a zero.
    """
    half = width // 2
    steps = torch.arange(half, dtype=torch.float32, device=numbers.device)
    frequencies = torch.exp(-math.log(LONGEST_PERIOD) * steps / half)
    angles = numbers.float()[:, None] * frequencies  # (N, half)
    waves = torch.cat([angles.cos(), angles.sin()], dim=-1)
    return F.pad(waves, (0, width % 2))


@torch.no_grad()
def init_weights(unet: VideoUNet) -> None:
    """Makes every added branch of freshly built weights start as no change, as the published training does.

    Zero: the last layer of every residual block, temporal convolution and transformer, of the fps and frame-index
    embeddings, of the whole network, and the audio keys and values (published-model b.6). In place.
    """
    layers: list[nn.Module] = [unet.out[2]]
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


def _apply(
    block: nn.Module, x: torch.Tensor | list[torch.Tensor], context: Context
) -> torch.Tensor:
    """The modules of a block one after the other; the first may be given a list of tensors (ResBlock)."""
    first, *rest = cast(nn.ModuleList, block)
    h = first(x, context)
    for module in rest:
        h = module(h, context)
    return h
