"""What the conditioning nodes are wired to: small encoders, a text, a sound, images and plans."""

import types

import torch
from keyvid_pack.keyframes.plan import plan_at_frames
from keyvid_pack.models.checkpoint.checkpoint import Checkpoint
from keyvid_pack.models.checkpoint.layouts import GENERATOR, VISION, Layout
from keyvid_pack.models.checkpoint.metadata import Metadata
from keyvid_pack.models.encoders.mel import SAMPLE_RATE

from . import small_checkpoint

SIZE = {"width": 48, "height": 32}  # multiples of 16 px, what the small models paint


class PoolingVAE:
    """A VAE whose latents are the means of 8 x 8 pixels: red, green, blue and their sum."""

    latent_channels, latent_dim = 4, 2

    def __init__(self, **other):
        self.scale = other.pop("scale", 8)
        vars(self).update(other)

    def spacial_compression_encode(self):
        return self.scale

    def encode(self, images):  # (B, H, W, 3)
        means = torch.nn.functional.avg_pool2d(images.movedim(-1, 1), self.scale)
        return torch.cat([means, means.sum(dim=1, keepdim=True)], dim=1)  # (B, 4, h, w)


class FixedAudioEncoder:
    """An AUDIO_ENCODER that gives the same tokens for every sound; keeps its input in `given`."""

    def __init__(self, tokens, absent, *, grid=(12, 48)):
        self.tokens, self.absent, self.grid = tokens, absent, grid

    def encode_audio(self, waveform, sample_rate):
        self.given = waveform, sample_rate
        return {
            "encoded_audio": self.tokens,
            "keyvid_no_audio": self.absent,
            "keyvid_grid": self.grid,
        }


class ForeignAudioEncoder:
    """Gives what ComfyUI's own wav2vec2 and Whisper do."""

    def encode_audio(self, waveform, sample_rate):
        return {"encoded_audio": torch.zeros(1, 99, 32), "audio_samples": waveform.shape[-1]}


def random_audio_encoder(width=small_checkpoint.AUDIO.width, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return FixedAudioEncoder(*torch.randn(2, 1, 1 + 12 * 48, width, generator=generator))


def clip_vision(weights=None, *, head_width=20):
    """ComfyUI's own CLIP_VISION at a small size; weights: {OpenCLIP name without `visual.`: tensor}."""
    from keyvid_pack.host.loaders.encoders import clip_vision_of

    if weights is None:
        weights = small_checkpoint.filled(small_checkpoint.part_shapes("vision"))
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    metadata = Metadata(head_widths={"vision": head_width}, published=False)
    layout = Layout(GENERATOR, {VISION: ""})
    return clip_vision_of(Checkpoint(layout, metadata, shapes, tensors=weights))


def model_of(**facts):
    """As much of a MODEL as the conditioning nodes look at: the facts of a published generator, some changed."""
    from keyvid_pack.host.sampling.model_facts import ModelFacts

    published = {
        "kind": GENERATOR, "n_frames": 48, "fps": 24, "keyframe_counts": (12,), "size_multiple": 64,
        "latent_channels": 4, "context_width": 24, "vision_width": 40, "audio_width": 32,
    }  # fmt: skip
    return types.SimpleNamespace(
        model=types.SimpleNamespace(keyvid=ModelFacts(**{**published, **facts})),
        model_options={"transformer_options": {}},
    )


def text(seed=0, *, width=small_checkpoint.UNET.context_width):
    """A CONDITIONING as CLIP Text Encode makes it."""
    generator = torch.Generator().manual_seed(seed)
    return [[torch.randn(1, 77, width, generator=generator), {"pooled_output": None}]]


def images(n=1, *, width=96, height=64, seed=0):
    """An IMAGE batch of smooth random images."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 3, 4, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")
    return smooth.movedim(1, -1)  # (n, H, W, 3)


def audio(duration_s=2.0, *, sample_rate=SAMPLE_RATE):
    generator = torch.Generator().manual_seed(0)
    n_samples = round(duration_s * sample_rate)
    waveform = 0.1 * torch.randn(1, 1, n_samples, generator=generator)
    return {"waveform": waveform, "sample_rate": sample_rate}


def plan(frames=(0, 5, 20, 40), *, n_frames=48, fps=24.0):
    return plan_at_frames(frames, fps=fps, n_frames=n_frames)
