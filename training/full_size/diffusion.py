"""Training keyframe generator and interpolator on real videos: their examples, and the loss (published-model f, h.2).

The loss is the squared error of v, unweighted; timesteps are uniform. An example depends on its number in the step
alone and not on the batch it comes in, so that any number of processes makes the same step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ...errors import KeyVIDError
from ...keyframes.timebase import N_FRAMES
from ...models.diffusion.conditioning import denoise, keyframe_concat
from ...models.diffusion.schedule import N_TIMESTEPS
from ...models.encoders.audio_tokens import interpolation_audio_tokens, keyframe_audio_tokens
from ...models.encoders.mel import waveform_to_mel
from ...models.encoders.resampler import select_frames
from .. import recipe
from ..engine.loop import Scalars, step_generators
from ..engine.state import Tensors
from ..tasks.diffusion_loss import draw_dropped, noised
from ..tasks.encoders import encode, tokenized
from .clip_source import ClipSource
from .frame_choice import generator_frames, interpolator_frames, whole_clip
from .start import GENERATOR, VideoNetworks

VAE_CHUNK = 4  # frames that the VAE encodes at once
# published-model h.2
KEYFRAME_RATIO = 0.4
GRADIENT_CLIP = 0.5  # largest norm


@dataclass(frozen=True)
class FrameOptions:
    """Which frames an example has.

    network: "generator" or "interpolator". count: keyframes. keyframes: how they are selected, one of
    frame_choice.CHOICES. keyframe_ratio: of the generator's examples with selected frames, else the first ones.
    whole: whether the interpolator's examples are whole clips, as it is used, instead of 12 frames, as published.
    """

    network: str
    count: int
    keyframes: str
    keyframe_ratio: float
    whole: bool = False


@dataclass(frozen=True)
class VideoExamples:
    """The examples of a training by their number. tokens: int64 (n, 77), the ids of each of the source's captions."""

    source: ClipSource
    tokens: torch.Tensor
    options: FrameOptions
    latent_size: tuple[int, int]

    def __call__(self, number: int, seed: int, step: int, index: int) -> dict[str, Any]:
        """The example of clip `number` that comes as index-th of a step: everything of it that is random follows from
        seed, step and index.

        Returns "frames" uint8 (T, 3, H, W), the first one is the clip's; "frame_index" (T,); "fps"; "given" bool (T,);
        "tokens" (77,); "mel" (1, 128, 204); "timestep"; "text", "image", "audio": whether they are dropped; "noise" and
        "posterior" (4, T, h, w), unit normal, for the latent and for the VAE's sample.
        """
        rng, generator = step_generators(seed, step, index)
        sample = self.source.read(number, True)
        options = self.options
        how = {"count": options.count, "keyframes": options.keyframes}
        if options.network == GENERATOR:
            choice = generator_frames(
                sample.curve, rng, keyframe_ratio=options.keyframe_ratio, **how
            )
        else:
            choose = whole_clip if options.whole else interpolator_frames
            choice = choose(sample.curve, rng, **how)
        if sample.frames is None:
            raise ValueError("The clip was read without its frames.")
        shape = (4, len(choice.frames), *self.latent_size)
        dropped = {name: flags[0] for name, flags in draw_dropped(rng, 1).items()}
        return {
            "frames": sample.frames[choice.frames],
            "frame_index": torch.tensor(choice.frames),
            "fps": torch.tensor(choice.fps),
            "given": torch.tensor(choice.given),
            "tokens": self.tokens[number],
            "mel": waveform_to_mel(sample.audio),
            "timestep": torch.tensor(int(rng.integers(N_TIMESTEPS))),
            **dropped,
            "noise": torch.randn(shape, generator=generator),
            "posterior": torch.randn(shape, generator=generator),
        }


def video_examples(
    source: ClipSource,
    options: FrameOptions,
    *,
    height: int,
    width: int,
    downscale: int,
    divisor: int,
) -> VideoExamples:
    """The VideoExamples of a source whose frames are height x width pixels.

    downscale: pixels per latent pixel. divisor: of the latents' height and width, for the UNet.
    Raises KeyVIDError when the sizes cannot be trained on.
    """
    step = downscale * divisor
    if height % step or width % step or min(height, width) < step:
        raise KeyVIDError(
            f"Frames of {width} x {height} pixels cannot be trained on: both must be multiples of {step}. "
            "The published models have --height 320 --width 512."
        )
    if not 2 <= options.count <= N_FRAMES // 2:
        raise KeyVIDError(
            f"{options.count} keyframes are asked for; a clip of {N_FRAMES} frames can have 2 to {N_FRAMES // 2}."
        )
    captions = sorted(set(source.captions))
    ids = dict(zip(captions, tokenized(captions), strict=True))
    tokens = torch.stack([ids[caption] for caption in source.captions])
    return VideoExamples(source, tokens, options, (height // downscale, width // downscale))


def needs_curves(options: FrameOptions) -> bool:
    """Whether examples with these options need the motion curves of their clips."""
    selects = options.network != GENERATOR or options.keyframe_ratio > 0
    return selects and options.keyframes != "uniform"


class VideoTraining(nn.Module):
    """The two networks that are trained, together, so that processes share their gradients; calling it gives the loss.

    The networks that are only used are no part of it: they are neither shared nor saved.
    """

    def __init__(self, networks: VideoNetworks, options: FrameOptions) -> None:
        super().__init__()
        self.unet, self.resampler = networks.unet, networks.resampler
        self.options = options
        self.used = used_networks(networks)
        self.empty = tokenized([""])[0]

    def forward(self, batch: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, Scalars]:
        """(the loss of a batch, nothing more to log): the mean over examples as VideoExamples makes them."""
        with torch.no_grad():
            latents = encode_frames(self.used["vae"], batch["frames"], batch["posterior"])
        encoders = {**self.used, "resampler": self.resampler}
        conditioning = encode(encoders, self._inputs(batch), batch)
        noisy, v = noised(latents, batch["noise"], batch["timestep"])
        frame_index = batch["frame_index"]
        predicted = denoise(
            self.unet,
            noisy,
            batch["timestep"],
            concat=self._concat(latents, batch["given"]),
            text=conditioning["text"],
            image=select_frames(conditioning["image"], frame_index),
            audio=self._audio(conditioning["audio"], frame_index),
            fps=batch["fps"],
            frame_index=frame_index,
        )
        return functional.mse_loss(predicted.float(), v.float()), {}

    def _inputs(self, batch: Mapping[str, torch.Tensor]) -> Tensors:
        frames = batch["frames"][:, 0].float() / 127.5 - 1
        return {
            "tokens": batch["tokens"],
            "empty": self.empty.to(batch["tokens"]),
            "frames": frames,
            "mel": batch["mel"],
        }

    def _concat(self, latents: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        if self.options.network == GENERATOR:
            return keyframe_concat(latents[:, :, :1], latents.shape[2])
        return latents * given[:, None, :, None, None]  # zeros between

    def _audio(self, tokens: torch.Tensor, frame_index: torch.Tensor) -> torch.Tensor:
        if self.options.whole:
            return interpolation_audio_tokens(tokens)
        return keyframe_audio_tokens(tokens, frame_index)  # published, in both trainings


def used_networks(networks: VideoNetworks) -> dict[str, nn.Module]:
    """{name: network} of those that are only used, frozen, in evaluation mode."""
    used = {name: getattr(networks, name) for name in ("text", "vision", "audio", "vae")}
    return {name: module.eval().requires_grad_(False) for name, module in used.items()}


@torch.no_grad()
def encode_frames(vae: nn.Module, frames: torch.Tensor, posterior: torch.Tensor) -> torch.Tensor:
    """The latents (B, 4, T, h, w) of frames uint8 (B, T, 3, H, W): samples of the VAE's distribution, scaled.

    posterior: unit normal noise, of the shape of the latents (published-model e.7).
    """
    flat = frames.flatten(0, 1)
    means, stds = [], []
    for first in range(0, len(flat), VAE_CHUNK):
        pixels = flat[first : first + VAE_CHUNK].float() / 127.5 - 1
        encoded: Any = vae.encode(pixels).latent_dist  # pyright: ignore[reportCallIssue]
        means.append(encoded.mean.float())
        stds.append(encoded.std.float())
    mean, std = (
        torch.cat(parts).unflatten(0, frames.shape[:2]).transpose(1, 2) for parts in (means, stds)
    )
    return recipe.SCALE_FACTOR * (mean + std * posterior)
