"""Whole weight files in the published layout, at a width that fits into a test."""

import torch
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.metadata import Metadata
from keyvid_pack.models.encoders import clip, imagebind, localizer, resampler
from keyvid_pack.models.encoders.vae_config import VAEConfig, vae_shapes
from keyvid_pack.models.unet import config as unet_config

UNET = unet_config.UNetConfig(
    model_channels=32,
    channel_mult=(1, 2),
    num_res_blocks=(1, 1),
    attention_levels=(0,),
    head_width=8,
    init_heads=2,
    context_width=24,
    audio_width=32,
)
RESAMPLER = resampler.ResamplerConfig(
    in_width=40, width=32, out_width=24, depth=1, heads=3, head_width=8, ff_width=48, n_frames=48
)  # fmt: skip
VAE = VAEConfig(
    channels=32, channel_mult=(1, 1, 2), num_res_blocks=1, z_channels=4, embed_channels=4
)
TEXT = clip.CLIPTextConfig(
    width=24, layers=2, heads=3, mlp_width=32, vocabulary=49408, context=77, projection_width=24
)
VISION = clip.CLIPVisionConfig(
    width=40, layers=2, heads=2, mlp_width=32, patch_size=56, image_size=224, projection_width=24
)
AUDIO = imagebind.AudioTowerConfig(width=32, layers=1, heads=2, mlp_width=40)
LOCALIZER = localizer.LocalizerConfig(
    n_tokens=1334,
    width=32,
    hidden=4,
    n_scores=48,
    tower=imagebind.AudioTowerConfig(
        width=32, layers=1, heads=2, mlp_width=40, stride=(4, 4), n_columns=198, has_cls=False
    ),
)
CONFIGS = {
    "unet": UNET,
    "resampler": RESAMPLER,
    "vae": VAE,
    "text": TEXT,
    "vision": VISION,
    "audio": AUDIO,
    "localizer": LOCALIZER,
}
METADATA = Metadata(
    head_widths={"unet": 8, "resampler": 8, "text": 8, "vision": 20, "audio": 16, "localizer": 16},
    keyframe_counts=(4, 6),
    n_frames=48,
    published=False,
)
PREFIXES = {
    "unet": "model.diffusion_model.",
    "resampler": "image_proj_model.",
    "vae": "first_stage_model.",
    "text": "cond_stage_model.model.",
    "vision": "embedder.model.visual.",
    "audio": "imagebind_model.",
}
UNUSED = {
    "betas": (1000,),
    "scale_arr": (1400,),
    "audio_proj_model.latents": (1, 8, 24),
    "embedder.model.token_embedding.weight": (50, 24),
    "imagebind_model.modality_trunks.vision.blocks.0.norm_1.weight": (8,),
    "imagebind_model.modality_preprocessors.text.pos_embed": (1, 8),
    "imagebind_model.modality_heads.audio.0.weight": (32,),
}


def part_shapes(part, **changes):
    """{name: shape} of one small part; changes: other fields of the UNet's configuration."""
    if part == "vae":
        return vae_shapes(VAE)
    config = CONFIGS[part]
    if part == "unet" and changes:
        import dataclasses

        config = dataclasses.replace(config, **changes)
    return build.expected_shapes(part, config)


def network_of(part, checkpoint, **options):
    """The network of a part of a Checkpoint. options: as build_network takes them."""
    return build.build_network(build.read_part(checkpoint, part), **options)


def split_parts(items):
    """{part: {name in the network: value}} of a whole file's {name: value}; values are tensors or shapes.

    What no network reads at inference is left out: schedule buffers, `audio_proj_model`, ImageBind's other
    modalities, the text half of the image encoder.
    """
    layout = layouts.recognise(
        {name: tuple(getattr(value, "shape", value)) for name, value in items.items()}
    )
    return {
        part: {
            short: items[name] for name, short in layouts.part_names(layout, part, items).items()
        }
        for part in layout.parts
    }


def whole_shapes(kind=layouts.GENERATOR):
    """{name: shape} of a small whole file: everything the published ones have, unused tensors included."""
    changes = {
        layouts.GENERATOR: {},
        layouts.INTERPOLATOR: {"has_frame_index": False},
        layouts.DYNAMICRAFTER: {
            "has_frame_index": False,
            "audio_width": None,
            "learned_audio_scale": False,
        },
    }[kind]
    shapes = dict(UNUSED)
    for part, prefix in PREFIXES.items():
        if kind == layouts.DYNAMICRAFTER and part == "audio":
            continue
        found = part_shapes(part, **(changes if part == "unet" else {}))
        shapes.update({prefix + name: shape for name, shape in found.items()})
    if kind == layouts.DYNAMICRAFTER:
        shapes = {
            name: shape
            for name, shape in shapes.items()
            if "audio_proj_m" not in name and "imagebind" not in name
        }
    return shapes


def run_unet(network, dtype=torch.float32):
    """What a network of the size UNET gives for random inputs, (1, 4, 3, 4, 4)."""
    generator = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(shape, generator=generator).to(dtype)

    with torch.no_grad():
        return network(
            normal(1, 8, 3, 4, 4),
            torch.tensor([500]),
            text=normal(1, 77, 24),
            image=normal(1, 3, 16, 24),
            audio=normal(1, 3, 12, 32),
            fps=torch.tensor([6]),
            frame_index=torch.tensor([[0, 2, 5]]),
        )


def filled(shapes, *, seed=0, dtype=torch.float32):
    """{name: tensor} of random values for {name: shape}."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: (0.05 * torch.randn(shape, generator=generator)).to(dtype)
        for name, shape in shapes.items()
    }
