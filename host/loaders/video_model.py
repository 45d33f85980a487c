"""A generator, interpolator or DynamiCrafter file as a MODEL."""

from collections.abc import Mapping
from functools import partial

import comfy.model_management
import comfy.model_patcher
import comfy.utils
import torch

from ...models.build import read_part
from ...models.checkpoint.checkpoint import Checkpoint, open_checkpoint, refuse_kind
from ...models.checkpoint.layouts import DYNAMICRAFTER, RESAMPLER, UNET
from ...models.encoders.resampler import ResamplerConfig
from ...models.published import DYNAMICRAFTER_FRAMES, N_FRAMES
from ...models.unet.config import UNetConfig
from ..payloads import Model
from ..sampling.model_facts import PIXELS_PER_LATENT, VIDEO_KINDS, ModelFacts
from ..sampling.stored_tokens import store_tokens_in_runs
from ..sampling.video_model import VideoModel, VideoModelConfig


def load_video_model(
    path: str, *, dtype: torch.dtype | None = None, disable_dynamic: bool = False
) -> Model:
    """A MODEL (ModelPatcher) of a generator, interpolator or DynamiCrafter file, recognised by its content.

    dtype: to hold the weights in; None lets ComfyUI choose. disable_dynamic: ComfyUI's, asks for a patcher that
    loads weights at once. Its `model.keyvid` is a ModelFacts. Raises CheckpointError for any other file.
    """
    return video_model_of(open_checkpoint(path), dtype=dtype, disable_dynamic=disable_dynamic)


def video_model_of(
    checkpoint: Checkpoint, *, dtype: torch.dtype | None = None, disable_dynamic: bool = False
) -> Model:
    """The MODEL of a file that is open already; see load_video_model."""
    if checkpoint.kind not in VIDEO_KINDS:
        refuse_kind(checkpoint, "a video model", "Load it with its own node.")
    unet = read_part(checkpoint, UNET)
    weights, resampler = dict(unet.tensors), None
    if RESAMPLER in checkpoint.layout.parts:
        projection = read_part(checkpoint, RESAMPLER)
        resampler = projection.config
        weights |= {f"image_proj_model.{name}": t for name, t in projection.tensors.items()}
    config = _model_config(unet.config, resampler, weights, dtype)
    model = VideoModel(config, _facts(checkpoint, unet.config, resampler))
    patchers = comfy.model_patcher
    # looked up at call time: ComfyUI replaces it on GPUs with dynamic VRAM
    patcher_class = patchers.ModelPatcher if disable_dynamic else patchers.CoreModelPatcher
    offload_device = comfy.model_management.unet_offload_device()
    patcher = patcher_class(model, comfy.model_management.get_torch_device(), offload_device)
    if not comfy.model_management.is_device_cpu(offload_device):
        model.to(offload_device)
    model.load_model_weights(weights, "", assign=patcher.is_dynamic())
    store_tokens_in_runs(patcher)
    if checkpoint.file is not None:
        load_again = partial(load_video_model, dtype=dtype)
        patcher.cached_patcher_init = (load_again, (checkpoint.file.path,))
    return patcher


def _model_config(
    unet: UNetConfig,
    resampler: ResamplerConfig | None,
    weights: Mapping[str, torch.Tensor],
    dtype: torch.dtype | None,
) -> VideoModelConfig:
    manager = comfy.model_management
    config = VideoModelConfig({"config": unet, "resampler": resampler})
    supported = config.supported_inference_dtypes
    chosen = dtype or manager.unet_dtype(
        model_params=comfy.utils.calculate_parameters(weights),
        supported_dtypes=supported,
        weight_dtype=comfy.utils.weight_dtype(weights),
    )
    device = manager.get_torch_device()
    config.set_inference_dtype(
        chosen, manager.unet_manual_cast(chosen, device, supported), device=device
    )
    return config


def _facts(
    checkpoint: Checkpoint, unet: UNetConfig, resampler: ResamplerConfig | None
) -> ModelFacts:
    metadata, kind = checkpoint.metadata, checkpoint.kind
    usual = DYNAMICRAFTER_FRAMES if kind == DYNAMICRAFTER else N_FRAMES
    return ModelFacts(
        kind=kind,
        n_frames=resampler.n_frames if resampler is not None else metadata.n_frames or usual,
        fps=metadata.fps,
        keyframe_counts=metadata.keyframe_counts,
        size_multiple=PIXELS_PER_LATENT * unet.size_divisor,
        latent_channels=unet.out_channels,
        context_width=unet.context_width,
        vision_width=None if resampler is None else resampler.in_width,
        audio_width=unet.audio_width,
    )
