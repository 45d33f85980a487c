"""What ComfyUI's sockets carry, as types for annotations."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch

Audio: TypeAlias = Mapping[str, Any]  # {"waveform": (B, C, N) float in [-1, 1], "sample_rate": Hz}
Image: TypeAlias = torch.Tensor  # (B, H, W, 3), or with a fourth channel, float in [0, 1]
Mask: TypeAlias = torch.Tensor  # (B, H, W) float in [0, 1]
Latent: TypeAlias = dict[str, Any]  # {"samples": (B, C, h, w), or (B, C, T, h, w) of videos, ...}
Conditioning: TypeAlias = list[list[Any]]  # [[text tokens (B, L, width), {key: value}], ...]
Sigmas: TypeAlias = torch.Tensor  # (n_steps + 1,) noise levels, falling
UI: TypeAlias = dict[str, Any]  # what a node sends to the page
# Objects of ComfyUI's own classes, or of others that look like them
Model: TypeAlias = Any  # comfy.model_patcher.ModelPatcher
Clip: TypeAlias = Any  # comfy.sd.CLIP
ClipVision: TypeAlias = Any  # comfy.clip_vision.ClipVisionModel
ClipVisionOutput: TypeAlias = Any  # comfy.clip_vision.Output
Vae: TypeAlias = Any  # comfy.sd.VAE
AudioEncoder: TypeAlias = Any  # with encode_audio(waveform, sample_rate)
Guider: TypeAlias = Any  # comfy.samplers.CFGGuider
Sampler: TypeAlias = Any  # comfy.samplers.KSAMPLER
Noise: TypeAlias = Any  # with seed and generate_noise(latent)
Video: TypeAlias = Any  # comfy_api.v0_0_2.InputImpl.VideoFromFile
