"""KeyVID's audio tower as ComfyUI's AUDIO_ENCODER."""

import numpy as np
import torch

from ...errors import AudioError
from ...models.build import build_audio
from ...models.checkpoint.checkpoint import open_checkpoint, refuse_kind
from ...models.checkpoint.layouts import AUDIO
from ...models.encoders.mel import resample_to_16k, waveform_to_mel, zero_mel
from ..audio import float_samples, mixed_down, plain_rate
from .patcher import comfy_layers, patched, run_patched

# what encode_audio adds to the name that ComfyUI's own encoders use
NO_AUDIO = "keyvid_no_audio"  # (1, n_tokens, width): what stands for no sound in guidance
GRID = "keyvid_grid"  # (rows, columns) of the tokens behind the first, which stands for the whole


class AudioEncoder:
    """An AUDIO_ENCODER: ComfyUI's nodes ask for nothing but `encode_audio`. `config`: its AudioTowerConfig."""

    def __init__(self, network):
        self.config = network.config
        self.patcher = patched(network)

    def encode_audio(self, audio, sample_rate):
        """What the tower hears: {"encoded_audio": (B, n_tokens, width), NO_AUDIO: (1, n_tokens, width), GRID: ...}.

        audio: (B, C, N), sample_rate in Hz; of more than 2 s the middle 2 s are heard. Tokens are float32, first one
        for the whole sound, then row by row. Raises AudioError for a sound that cannot be used.
        """
        sounds, sample_rate = float_samples(audio), plain_rate(sample_rate)
        if not len(sounds):
            raise AudioError(
                f"The sound has shape {sounds.shape}, a batch of none; connect one sound. Load it with Load Audio."
            )
        size = {"n_columns": self.config.n_columns, "n_bins": self.config.n_bins}
        mels = [
            waveform_to_mel(resample_to_16k(mixed_down(one), sample_rate), **size)
            for one in torch.from_numpy(
                np.require(sounds, requirements="W")
            )  # PyTorch wants to be able to write
        ]
        tokens = run_patched(self.patcher, torch.stack([zero_mel(**size), *mels]))
        return {"encoded_audio": tokens[1:], NO_AUDIO: tokens[:1], GRID: self.config.grid}


def load_audio_encoder(path):
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


def audio_encoder_of(checkpoint):
    """The AudioEncoder of a Checkpoint that has an audio part. Raises CheckpointError."""
    return AudioEncoder(build_audio(checkpoint, **comfy_layers()))
