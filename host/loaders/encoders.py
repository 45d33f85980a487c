"""Text encoder, image encoder and VAE of a whole file, as ComfyUI's own classes at whatever size the file has.

ComfyUI's loaders only know the published sizes. Here the same classes are built from the file's configuration, so
everything that ComfyUI does with a CLIP, CLIP_VISION or VAE works with them.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import comfy.clip_vision
import comfy.sd
import comfy.sd1_clip
import comfy.supported_models_base
import comfy.utils
import folder_paths
import torch
from comfy.text_encoders.sd2_clip import SD2Tokenizer

from ...errors import CheckpointNamesError
from ...models.build import read_part
from ...models.checkpoint.checkpoint import Checkpoint, open_checkpoint
from ...models.checkpoint.layouts import TEXT, VAE, VISION
from ...models.encoders.clip import CLIPTextConfig
from ..payloads import Clip, ClipVision, Model, Vae
from .frame_vae import FrameVAE

CLIP_NAME = "h"  # what ComfyUI calls the text encoder of Stable Diffusion 2, and its tokens
VOCABULARY = 49408  # tokens of CLIP's tokenizer
START, END, PAD = 49406, 49407, 0  # published-model d.5
TRAINING_SIZE = 256  # pixels; only the ratios to it matter


def clip_of(checkpoint: Checkpoint, *, disable_dynamic: bool = False) -> Clip:
    """The CLIP of a Checkpoint: the output before its last block, normed, as KeyVID uses it (published-model d.5).

    Raises CheckpointError when the file has no text encoder or one that cannot be used.
    """
    part = read_part(checkpoint, TEXT)
    config = part.config
    if config.vocabulary != VOCABULARY or config.layers < 2:
        raise CheckpointNamesError(
            f"The text encoder in the file has {config.vocabulary} tokens and {config.layers} blocks; ComfyUI's "
            f"tokenizer makes {VOCABULARY} tokens, and 2 blocks are the least. Use another file, or Load CLIP."
        )
    weights = {f"clip_{CLIP_NAME}.{name}": t for name, t in part.tensors.items()}
    weights = comfy.utils.clip_text_transformers_convert(
        weights, f"clip_{CLIP_NAME}.", f"clip_{CLIP_NAME}.transformer."
    )
    target = comfy.supported_models_base.ClipTarget(SD2Tokenizer, partial(_text_model, config))
    clip = comfy.sd.CLIP(
        target,
        embedding_directory=folder_paths.get_folder_paths("embeddings"),
        parameters=comfy.utils.calculate_parameters(weights),
        state_dict=weights,
        disable_dynamic=disable_dynamic,
    )
    _remember(clip.patcher, _clip_again, checkpoint)
    return clip


def clip_vision_of(checkpoint: Checkpoint) -> ClipVision:
    """The CLIP_VISION of a Checkpoint. Raises CheckpointError when the file has no image encoder that fits."""
    part = read_part(checkpoint, VISION)
    config, weights = part.config, dict(part.tensors)
    # files may lack the last norm, which KeyVID does not use; without it ComfyUI would use uninitialised memory
    weights.setdefault("ln_post.weight", torch.ones(config.width))
    weights.setdefault("ln_post.bias", torch.zeros(config.width))
    clip_vision = comfy.clip_vision.ClipVisionModel(
        {
            "model_type": "clip_vision_model",
            "hidden_act": "gelu",
            "hidden_size": config.width,
            "num_hidden_layers": config.layers,
            "num_attention_heads": config.heads,
            "intermediate_size": config.mlp_width,
            "num_channels": 3,
            "patch_size": config.patch_size,
            "image_size": config.image_size,
            "projection_dim": config.projection_width,
        }
    )
    clip_vision.load_sd(comfy.clip_vision.convert_to_transformers(weights, ""))
    return clip_vision


def vae_of(checkpoint: Checkpoint) -> Vae:
    """The FrameVAE of a Checkpoint. Raises CheckpointError when the file has no VAE that fits."""
    part = read_part(checkpoint, VAE)
    config = part.config
    sizes = {
        "ch": config.channels,
        "ch_mult": list(config.channel_mult),
        "num_res_blocks": config.num_res_blocks,
        "z_channels": config.z_channels,
        "double_z": config.double_z,
        "in_channels": config.in_channels,
        "out_ch": config.in_channels,
        "resolution": TRAINING_SIZE,
        "attn_resolutions": [TRAINING_SIZE // 2**level for level in config.attention_levels],
        "dropout": 0.0,
    }
    params = {"ddconfig": sizes, "embed_dim": config.embed_channels}
    vae = FrameVAE(sd=dict(part.tensors), config={"params": params})
    # for a given configuration ComfyUI assumes Stable Diffusion's values
    vae.downscale_ratio = vae.upscale_ratio = config.downscale
    vae.latent_channels = config.embed_channels
    vae.prepare(channels=config.channels * config.channel_mult[0])
    _remember(vae.patcher, _vae_again, checkpoint)
    return vae


def _text_model(
    config: CLIPTextConfig, *, device: Any, dtype: Any, model_options: dict[str, Any]
) -> Any:
    tower = partial(_text_tower, config)
    return comfy.sd1_clip.SD1ClipModel(
        device=device,
        dtype=dtype,
        model_options=model_options,
        clip_name=CLIP_NAME,
        clip_model=tower,
    )


def _text_tower(
    config: CLIPTextConfig, *, device: Any, dtype: Any, model_options: dict[str, Any]
) -> Any:
    sizes = {
        "hidden_act": "gelu",
        "hidden_size": config.width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "intermediate_size": config.mlp_width,
        "max_position_embeddings": config.context,
        "eos_token_id": END,
    }
    return comfy.sd1_clip.SDClipModel(
        device=device,
        dtype=dtype,
        layer="hidden",
        layer_idx=config.layers - 2,  # counted from the front: ComfyUI refuses -2 of two blocks
        textmodel_json_config=sizes,
        max_length=config.context,
        special_tokens={"start": START, "end": END, "pad": PAD},
        model_options=model_options,
    )


def _remember(patcher: Model, load_again: Callable[..., Model], checkpoint: Checkpoint) -> None:
    """Tells ComfyUI how to load the part again, which it does for hooks under dynamic VRAM and for a second GPU."""
    if checkpoint.file is not None:
        patcher.cached_patcher_init = (load_again, (checkpoint.file.path,))


def _clip_again(path: str, disable_dynamic: bool = False) -> Model:
    return clip_of(open_checkpoint(path), disable_dynamic=disable_dynamic).patcher


def _vae_again(path: str, disable_dynamic: bool = False) -> Model:
    # ComfyUI's own VAE loaders ignore disable_dynamic too: the caller only takes the network from the patcher
    return vae_of(open_checkpoint(path)).patcher
