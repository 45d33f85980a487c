"""KeyVID's audio tower as ComfyUI's AUDIO_ENCODER."""

from typing import Any

import numpy as np
import torch

from ...errors import AudioError
from ...models.build import build_audio
from ...models.checkpoint.checkpoint import Checkpoint, open_checkpoint, refuse_kind
from ...models.checkpoint.layouts import AUDIO
from ...models.encoders.imagebind import AudioTower
from ...models.encoders.mel import resample_to_16k, waveform_to_mel, zero_mel
from ..audio import float_samples, mixed_down, plain_rate
from ..sampling.condition_keys import GRID, NO_AUDIO
from .patcher import comfy_layers, patched, run_patched


class AudioEncoder:
    """An AUDIO_ENCODER: ComfyUI's nodes only call `encode_audio`. `config`: its AudioTowerConfig."""

    def __init__(self, network: AudioTower) -> None:
        self.config = network.config
        self.patcher = patched(network)

    def encode_audio(self, audio: Any, sample_rate: Any) -> dict[str, Any]:
        """{"encoded_audio": tokens (B, n_tokens, width), NO_AUDIO: those of the zero mel (1, n_tokens, width), GRID}.

        audio: (B, C, N), sample_rate in Hz; of audio longer than 2 s only the middle 2 s count. Tokens are float32,
        first one for the whole, then those of the grid row by row. Other nodes call this too, so audio is checked
        here. Raises AudioError for audio that cannot be used.
        """
        batch, sample_rate = float_samples(audio), plain_rate(sample_rate)
        if not len(batch):
            raise AudioError(
                f"The sound has shape {batch.shape}, an empty batch; connect one sound. Load it with Load Audio."
            )
        size = {"n_columns": self.config.n_columns, "n_bins": self.config.n_bins}
        mels = [
            waveform_to_mel(resample_to_16k(mixed_down(one), sample_rate), **size)
            for one in torch.from_numpy(
                np.require(batch, requirements="W")
            )  # PyTorch wants to be able to write
        ]
        tokens = run_patched(self.patcher, torch.stack([zero_mel(**size), *mels]))
        return {"encoded_audio": tokens[1:], NO_AUDIO: tokens[:1], GRID: self.config.grid}


def load_audio_encoder(path: str) -> AudioEncoder:
    """The AudioEncoder of a weight file: ImageBind's own, or a KeyVID file that has the audio part.

    Raises CheckpointError when the file has none.
    """
    checkpoint = open_checkpoint(path)
    if AUDIO not in checkpoint.layout.parts:
        refuse_kind(
            checkpoint,
            "one with an audio encoder in it",
            "Load ImageBind's imagebind_huge.pth, or a whole file of KeyVID's keyframe generator.",
        )
    return audio_encoder_of(checkpoint)


def audio_encoder_of(checkpoint: Checkpoint) -> AudioEncoder:
    """The AudioEncoder of a Checkpoint that has an audio part. Raises CheckpointError."""
    return AudioEncoder(build_audio(checkpoint, **comfy_layers()))
