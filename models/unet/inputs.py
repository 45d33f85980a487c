"""What the video UNet is given, checked against its sizes before anything is computed."""

import torch

from ...errors import SamplingError
from ..attention import check_windows
from .config import UNetConfig


def check_inputs(
    config: UNetConfig,
    x: torch.Tensor,
    *,
    text: torch.Tensor,
    image: torch.Tensor | None,
    audio: torch.Tensor | None,
    fps: torch.Tensor | None,
    frame_index: torch.Tensor | None,
    temporal_window: tuple[int, int] | None,
) -> None:
    """Raises SamplingError unless sizes fit and nothing that the network needs is missing.

    Arguments and their shapes: as of `VideoUNet.forward`.
    """
    _check_latent(config, x)
    n_clips, n_frames = x.shape[0], x.shape[2]
    if fps is None and config.has_fps:
        raise SamplingError("The model needs the fps condition, but none was given; set it.")
    if frame_index is None and config.has_frame_index:
        raise SamplingError(
            "The model makes keyframes and needs the position of each, but none was given; connect a plan."
        )
    if audio is not None and config.audio_width is None:
        raise SamplingError(
            "This model has no audio input, but audio was given; "
            "use a KeyVID model or disconnect the audio."
        )
    _check_widths(config, text, image, audio)
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
    _check_per_frame(n_clips, n_frames, per_frame)
    if temporal_window is not None:
        check_windows(n_frames, *temporal_window)


def _check_latent(config: UNetConfig, x: torch.Tensor) -> None:
    """Raises SamplingError unless x is (B, in_channels, T, H, W) with sides that can be halved at every level."""
    if x.ndim != 5:
        raise SamplingError(
            f"The latent has shape {tuple(x.shape)}, but the model works on whole videos (clips, channels, frames, "
            "height, width); use the latent that belongs to the conditioning."
        )
    _, channels, _, height, width = x.shape
    if channels != config.in_channels:
        raise SamplingError(
            f"The model reads {config.in_channels} channels, but the latent brings {channels}; "
            "half of them should be the noisy video and half the image to start from."
        )
    if height % config.size_divisor or width % config.size_divisor:
        raise SamplingError(
            f"The latent is {height} by {width}, but both must be multiples of {config.size_divisor}; "
            f"choose an image whose sides are multiples of {8 * config.size_divisor} pixels."
        )


def _check_per_frame(
    n_clips: int, n_frames: int, per_frame: dict[str, torch.Tensor | None]
) -> None:
    """Raises SamplingError unless every condition that is given begins with (n_clips, n_frames)."""
    for name, value in per_frame.items():
        if value is not None and tuple(value.shape[:2]) != (n_clips, n_frames):
            raise SamplingError(
                f"The latent holds {n_clips} clips of {n_frames} frames, but the {name} condition is made for "
                f"{value.shape[0]} of {value.shape[1]}; make both with the same plan."
            )


def _check_widths(
    config: UNetConfig,
    text: torch.Tensor,
    image: torch.Tensor | None,
    audio: torch.Tensor | None,
) -> None:
    """Raises SamplingError unless the conditions are tokens of the widths the network was built for."""
    widths = {
        "text": (text, config.context_width),
        "image": (image, config.context_width),
        "audio": (audio, config.audio_width),
    }
    for name, (tokens, width) in widths.items():
        if tokens is None:
            continue
        n_axes = (3, 4) if name == "text" else (4,)
        if tokens.ndim not in n_axes or tokens.shape[-1] != width:
            raise SamplingError(
                f"The {name} condition has shape {tuple(tokens.shape)}, but this model reads tokens {width} numbers "
                "wide; use the encoders that belong to it."
            )
