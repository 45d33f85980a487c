"""The weight files that a training at full size writes: fp16, in the published layout, for the loader nodes."""

from pathlib import Path
from typing import Any

from ...models.checkpoint import layouts
from ...models.checkpoint.metadata import Metadata
from ...models.encoders.localizer import Localizer
from ..engine.state import Tensors
from ..release.export import write_weights
from .start import GENERATOR, VideoNetworks


def write_video_weights(
    networks: VideoNetworks, network: str, count: int, path: Path, tensors: Tensors, step: int
) -> None:
    """Write {"unet.NAME", "resampler.NAME": tensor} as a whole file of a generator or interpolator.

    A generator's has all encoders and the VAE beside them; an interpolator is used beside a generator, which has them.
    count: keyframes that a generator was trained on.
    """
    parts = {
        layouts.UNET: _below("unet.", tensors),
        layouts.RESAMPLER: _below("resampler.", tensors),
    }
    text, vision, audio = (
        _config(networks.text),
        _config(networks.vision),
        _config(networks.audio),
    )
    head_widths = {
        layouts.UNET: networks.unet.config.head_width,
        layouts.RESAMPLER: networks.resampler.config.head_width,
    }
    if network == GENERATOR:
        for part in (layouts.TEXT, layouts.VISION, layouts.AUDIO):
            parts[part] = dict(getattr(networks, part).state_dict())
        parts[layouts.VAE] = dict(networks.vae_tensors)
        head_widths |= {
            layouts.TEXT: text.width // text.heads,
            layouts.VISION: vision.width // vision.heads,
            layouts.AUDIO: audio.width // audio.heads,
        }
    metadata = Metadata(
        head_widths=head_widths,
        keyframe_counts=(count,),
        n_frames=networks.resampler.config.n_frames,
        queries=networks.resampler.config.n_queries,
        audio_stride=audio.stride,
        mel_columns=audio.n_columns,
        licence=networks.licence,
        name=f"KeyVID {network}, {step} steps",
    )
    write_weights(path, parts, metadata)


def write_localizer_weights(
    localizer: Localizer, licence: str, path: Path, tensors: Tensors, step: int
) -> None:
    """Write {"localizer.NAME": tensor} as a localizer's file."""
    tower = localizer.config.tower
    if tower is None:
        raise ValueError("A localizer without its tower cannot be written.")
    metadata = Metadata(
        head_widths={layouts.LOCALIZER: tower.width // tower.heads},
        audio_stride=tower.stride,
        mel_columns=tower.n_columns,
        licence=licence,
        name=f"KeyVID localizer, {step} steps",
    )
    write_weights(path, {layouts.LOCALIZER: _below("localizer.", tensors)}, metadata)


def _below(stem: str, tensors: Tensors) -> Tensors:
    return {name[len(stem) :]: value for name, value in tensors.items() if name.startswith(stem)}


def _config(network: Any) -> Any:
    return network.config
