"""The names and shapes of the published files, as tests/goldens/state_dict_keys.txt lists them, and of networks."""

import dataclasses
import functools
import pathlib
import re

from keyvid_pack.models import build
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.encoders import clip, imagebind
from keyvid_pack.models.encoders.vae_config import VAEConfig, vae_shapes

GOLDENS = pathlib.Path(__file__).resolve().parents[1] / "goldens"
KINDS = (layouts.GENERATOR, layouts.INTERPOLATOR, layouts.DYNAMICRAFTER)
STABLE_DIFFUSION_VAE = VAEConfig(
    channels=128, channel_mult=(1, 2, 4, 4), num_res_blocks=2, z_channels=4, embed_channels=4
)
STOCK_AUDIO = dataclasses.replace(imagebind.KEYVID_AUDIO, stride=imagebind.STOCK_STRIDE)
UNET_PREFIX = "model.diffusion_model."
_AUDIO_BRANCH = re.compile(r"\.(to_k_ap|to_v_ap|beta)\b|\baudio_proj_2\.")


@functools.cache
def _section(number):
    text = (GOLDENS / "state_dict_keys.txt").read_text(encoding="utf-8")
    body = re.search(rf"^## {number}\. .*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL).group()
    rows = [line.split("\t") for line in body.splitlines() if line.count("\t") == 3]
    return {name: tuple(map(int, re.findall(r"\d+", shape))) for name, shape, _, _ in rows}


def listed(section, prefix=""):
    """{name: shape} of a section of the list: the names that begin with the prefix, without it."""
    found = _section(section).items()
    return {name[len(prefix) :]: shape for name, shape in found if name.startswith(prefix)}


def unet_shapes(kind):
    """{name: shape} of a published UNet; plain DynamiCrafter's is the interpolator's without the audio branch."""
    shapes = listed(2 if kind == layouts.GENERATOR else 3, UNET_PREFIX)
    if kind != layouts.DYNAMICRAFTER:
        return shapes
    return {name: shape for name, shape in shapes.items() if not _AUDIO_BRANCH.search(name)}


def file_shapes(kind):
    """{name: shape} of a published file; VAE and CLIP are stock networks, which the list does not spell out."""
    parts = {
        UNET_PREFIX: unet_shapes(kind),
        "first_stage_model.": vae_shapes(STABLE_DIFFUSION_VAE),
        "cond_stage_model.model.": build.expected_shapes("text", clip.VIT_H_TEXT),
        "embedder.model.visual.": build.expected_shapes("vision", clip.VIT_H_VISION),
    }
    shapes = {**listed(1), **listed(4)}
    for prefix, part in parts.items():
        shapes.update({prefix + name: shape for name, shape in part.items()})
    if kind == layouts.DYNAMICRAFTER:
        return {**shapes, "image_proj_model.latents": (1, 256, 1024)}
    return {**shapes, **listed(5), **listed(6)}


def shapes_of(network):
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
