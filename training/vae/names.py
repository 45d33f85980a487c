"""Diffusers' AutoencoderKL in the names and shapes of latent diffusion, which ComfyUI and checkpoints use.

Both are the same network (models.vae_config lists the names); diffusers counts decoder levels from the innermost and
stores the 1 x 1 convolutions of attention as matrices.
"""

from ...models.encoders.vae_config import VAEConfig
from ..engine.state import Tensors

DECODER = ("decoder.", "post_quant_conv.")  # how the names of the decoding half begin, in both
_RESNET = {
    "norm1": "norm1",
    "conv1": "conv1",
    "norm2": "norm2",
    "conv2": "conv2",
    "conv_shortcut": "nin_shortcut",
}
_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
_PLAIN = {
    "encoder.conv_in": "encoder.conv_in",
    "encoder.conv_norm_out": "encoder.norm_out",
    "encoder.conv_out": "encoder.conv_out",
    "decoder.conv_in": "decoder.conv_in",
    "decoder.conv_norm_out": "decoder.norm_out",
    "decoder.conv_out": "decoder.conv_out",
    "quant_conv": "quant_conv",
    "post_quant_conv": "post_quant_conv",
}


def layer_names(config: VAEConfig) -> dict[str, str]:
    """{diffusers' name of a layer: latent diffusion's} for a VAE of these sizes (models.vae_config.VAEConfig)."""
    names = dict(_PLAIN)
    n_levels = len(config.channel_mult)
    for level in range(n_levels):
        for block in range(config.num_res_blocks):
            _add(
                names,
                f"encoder.down_blocks.{level}.resnets.{block}",
                f"encoder.down.{level}.block.{block}",
                _RESNET,
            )
        for block in range(config.num_res_blocks + 1):
            inner = n_levels - 1 - level
            _add(
                names,
                f"decoder.up_blocks.{inner}.resnets.{block}",
                f"decoder.up.{level}.block.{block}",
                _RESNET,
            )
        names[f"encoder.down_blocks.{level}.downsamplers.0.conv"] = (
            f"encoder.down.{level}.downsample.conv"
        )
        names[f"decoder.up_blocks.{n_levels - 1 - level}.upsamplers.0.conv"] = (
            f"decoder.up.{level}.upsample.conv"
        )
    for half in ("encoder", "decoder"):
        for block in range(2):
            _add(
                names, f"{half}.mid_block.resnets.{block}", f"{half}.mid.block_{block + 1}", _RESNET
            )
        _add(names, f"{half}.mid_block.attentions.0", f"{half}.mid.attn_1", _ATTENTION)
    return names


def to_latent_diffusion(state: Tensors, config: VAEConfig) -> Tensors:
    """The tensors of diffusers' AutoencoderKL under latent diffusion's names, in its shapes."""
    names = layer_names(config)
    renamed = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition(".")
        target = f"{names[layer]}.{kind}"
        is_matrix = ".mid.attn_1." in target and kind == "weight" and tensor.ndim == 2
        renamed[target] = tensor[:, :, None, None] if is_matrix else tensor
    return renamed


def from_latent_diffusion(tensors: Tensors, config: VAEConfig, *, like: Tensors) -> Tensors:
    """The other way round; like: a state dict of the diffusers network, for its names and shapes."""
    names = layer_names(config)
    renamed = {}
    for name, tensor in like.items():
        layer, _, kind = name.rpartition(".")
        renamed[name] = tensors[f"{names[layer]}.{kind}"].reshape(tensor.shape)
    return renamed


def _add(names: dict[str, str], stem: str, target: str, parts: dict[str, str]) -> None:
    names.update({f"{stem}.{ours}": f"{target}.{theirs}" for ours, theirs in parts.items()})
