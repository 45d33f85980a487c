"""Inputs of a clip that is longer than the small models' 48 frames."""

import torch

from ...helpers import small_encoders
from ...helpers.conditioned import conditioned_interpolation

N_FRAMES = 120
FRAMES = (0, 9, 20, 33, 41, 52, 66, 75, 88, 97, 104, 115)  # gaps of 14 and less


class EveryWindowItsOwn(small_encoders.FixedAudioEncoder):
    """Tokens that depend on the sound, so that one window's are not another's."""

    def __init__(self):
        fixed = small_encoders.random_audio_encoder()
        super().__init__(fixed.tokens, fixed.absent)
        self.lengths = []

    def encode_audio(self, waveform, sample_rate):
        self.lengths.append(waveform.shape[-1])
        encoded = super().encode_audio(waveform, sample_rate)
        return {**encoded, "encoded_audio": self.tokens * (1 + 100 * waveform.mean())}


def long_inputs(**changes):
    return {
        "plan": small_encoders.plan(FRAMES, n_frames=N_FRAMES),
        "audio": small_encoders.audio(N_FRAMES / 24),
        "audio_encoder": EveryWindowItsOwn(),
        **changes,
    }


def noise_for(latent, seed=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(latent["samples"].shape, generator=generator)


def conditioned_in_betweens(interpolator):
    """(positive, negative, latent) of all frames of the long clip."""
    images = small_encoders.images(len(FRAMES))
    return conditioned_interpolation(interpolator, keyframes=images, **long_inputs())
