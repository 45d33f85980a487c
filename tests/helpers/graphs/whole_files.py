"""Small whole files that a whole graph runs with, written where ComfyUI finds them."""

import safetensors.torch
import torch
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.metadata import metadata_block
from keyvid_pack.models.encoders.vae_config import VAEConfig, vae_shapes
from keyvid_pack.models.published import QUERIES_PER_FRAME

from ..small_checkpoint import METADATA, PREFIXES, RESAMPLER, whole_shapes

# latents of an eighth of the size, as Stable Diffusion's
VAE = VAEConfig(
    channels=32, channel_mult=(1, 1, 1, 1), num_res_blocks=1, z_channels=4, embed_channels=4
)
COUNT = METADATA.keyframe_counts[-1]  # how many keyframes the small generator paints


def put_whole_file(
    comfy, name, *, kind=layouts.GENERATOR, seed=0, folder="keyvid", metadata=METADATA
):
    """A file with random weights, large enough for every input to show in the output; returns its name.

    metadata: how many frames the model makes and how many keyframes it paints. A file of that name is left as it
    is, so that ComfyUI need not load it again.
    """
    path = comfy.base / "models" / folder / name
    if path.is_file():
        return name
    shapes = {
        part: shape
        for part, shape in whole_shapes(kind).items()
        if not part.startswith(PREFIXES["vae"])
    }
    shapes |= {PREFIXES["vae"] + part: shape for part, shape in vae_shapes(VAE).items()}
    n_queries = metadata.n_frames * QUERIES_PER_FRAME
    shapes[PREFIXES["resampler"] + "latents"] = (1, n_queries, RESAMPLER.width)
    generator = torch.Generator().manual_seed(seed)
    tensors = {part: _random_weights(part, shape, generator) for part, shape in shapes.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(tensors, path, metadata=metadata_block(metadata))
    return name


def _random_weights(name, shape, generator):
    values = torch.randn(shape, generator=generator)
    if len(shape) > 1:
        return 0.5 * values * values[0].numel() ** -0.5
    return 1 + 0.1 * values if name.endswith("weight") else 0.1 * values
