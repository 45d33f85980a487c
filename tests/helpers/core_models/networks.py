"""Random weights in the layouts of ComfyUI's own video models, as narrow as their loaders allow.

`files.write_core_models` runs it as a script, where `comfy` can be imported. Every number that ComfyUI reads off a file
(channels of latents, patches, strides, text width) is the published one; only depth and width are small. MiniMax H3 is
not here: ComfyUI builds its video VAE in one size, of 2.6 billion weights, whatever a file holds.
"""

import json
import sys
from pathlib import Path

import comfy.ldm.lightricks.av_model
import comfy.ldm.lightricks.model
import comfy.ldm.lightricks.vae.audio_vae
import comfy.ldm.lightricks.vae.causal_video_autoencoder as ltx_vae
import comfy.ldm.wan.model
import comfy.ldm.wan.vae
import comfy.ops
import comfy_extras.frame_interpolation_models.ifnet as ifnet
import safetensors.torch
import torch

LTX_WIDTH, LTX_AUDIO_WIDTH = 128, 64  # of 32 heads: ComfyUI divides by that
# Of LTX-2: which of the two streams a text's channels go to depends on these widths
LTXAV_TRANSFORMER = {
    "num_attention_heads": 32,
    "attention_head_dim": LTX_WIDTH // 32,
    "cross_attention_dim": LTX_WIDTH,
    "audio_num_attention_heads": 32,
    "audio_attention_head_dim": LTX_AUDIO_WIDTH // 32,
    "audio_cross_attention_dim": LTX_AUDIO_WIDTH,
    "caption_channels": 96,
    "connector_attention_head_dim": 8,
    "connector_num_attention_heads": 12,
    "connector_num_layers": 1,
}
# as in the files of 0.9.5 and later: strides and channels of the latents, one layer for four to eight
LTX_VAE = {
    "_class_name": "CausalVideoAutoencoder",
    "dims": 3,
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 128,
    "encoder_base_channels": 8,
    "decoder_base_channels": 8,
    "encoder_blocks": [
        ["res_x", {"num_layers": 1}],
        ["compress_space_res", {"multiplier": 2}],
        ["compress_time_res", {"multiplier": 2}],
        ["compress_all_res", {"multiplier": 2}],
        ["compress_all_res", {"multiplier": 2}],
        ["res_x", {"num_layers": 1}],
    ],
    "decoder_blocks": [
        ["res_x", {"num_layers": 1, "inject_noise": False}],
        ["compress_all", {"residual": True, "multiplier": 2}],
        ["compress_all", {"residual": True, "multiplier": 2}],
        ["compress_all", {"residual": True, "multiplier": 2}],
        ["res_x", {"num_layers": 1, "inject_noise": False}],
    ],
    "norm_layer": "pixel_norm",
    "patch_size": 4,
    "latent_log_var": "uniform",
    "causal_decoder": False,
    "timestep_conditioning": False,
}
# the layout that ComfyUI takes for granted, with 8 channels for 128 and 64 for 1024
LTX_AUDIO_VAE = {
    "audio_vae": {
        "model": {
            "params": {
                "ddconfig": {
                    "double_z": True,
                    "mel_bins": 64,
                    "z_channels": 8,
                    "resolution": 256,
                    "in_channels": 2,
                    "out_ch": 2,
                    "ch": 8,
                    "ch_mult": [1, 2, 4],
                    "num_res_blocks": 2,
                    "attn_resolutions": [],
                    "mid_block_add_attention": False,
                    "norm_type": "pixel",
                    "causality_axis": "height",
                },
                "sampling_rate": 16000,
            }
        },
        "preprocessing": {"stft": {"filter_length": 1024, "hop_length": 160}},
    },
    "vocoder": {"upsample_initial_channel": 64, "stereo": True},
}
WAN = {"dim": 128, "ffn_dim": 64, "num_heads": 1, "num_layers": 2}  # heads of 128, as ComfyUI reads
WAN_VAE = {"dim": 8, "z_dim": 16, "temperal_downsample": [False, True, True]}


def ltx_model():
    """LTX-Video 0.9.x, a model of video alone."""
    return comfy.ldm.lightricks.model.LTXVModel(
        cross_attention_dim=LTX_WIDTH,
        attention_head_dim=LTX_WIDTH // 32,
        num_layers=2,
        operations=comfy.ops.disable_weight_init,
    ), {}


def ltxav_model():
    """LTX-2, a model of video and sound."""
    return comfy.ldm.lightricks.av_model.LTXAVModel(
        **LTXAV_TRANSFORMER, num_layers=2, operations=comfy.ops.disable_weight_init
    ), {"config": json.dumps({"transformer": LTXAV_TRANSFORMER})}


def ltx_video_vae():
    return ltx_vae.VideoVAE(config=LTX_VAE), {"config": json.dumps({"vae": LTX_VAE})}


def ltx_audio_vae():
    """The VAE for sound of LTX-2, under the names that it has inside of a checkpoint."""
    network = comfy.ldm.lightricks.vae.audio_vae.AudioVAE({"config": LTX_AUDIO_VAE})
    network.audio_vae = network.autoencoder
    del network.autoencoder
    return network, {"config": json.dumps(LTX_AUDIO_VAE)}


def wan_vace_model():
    return comfy.ldm.wan.model.VaceWanModel(
        **WAN, vace_layers=1, vace_in_dim=96, operations=comfy.ops.disable_weight_init
    ), {}


def wan_i2v_model():
    """Wan 2.1 image-to-video: 16 channels of noise, 16 of images and 4 of the mask."""
    return comfy.ldm.wan.model.WanModel(
        model_type="i2v", in_dim=36, **WAN, operations=comfy.ops.disable_weight_init
    ), {}


def wan_vae():
    return comfy.ldm.wan.vae.WanVAE(**WAN_VAE), {}


def rife():
    """RIFE 4.25, a network that makes the frames between two images."""
    return ifnet.IFNet(channels=(8,) * 5), {}


MODELS = {
    "diffusion_models/tiny_ltxv.safetensors": ltx_model,
    "diffusion_models/tiny_ltxav.safetensors": ltxav_model,
    "diffusion_models/tiny_wan_vace.safetensors": wan_vace_model,
    "diffusion_models/tiny_wan_i2v.safetensors": wan_i2v_model,
    "vae/tiny_ltx_vae.safetensors": ltx_video_vae,
    "vae/tiny_wan_vae.safetensors": wan_vae,
    "checkpoints/tiny_ltx_audio_vae.safetensors": ltx_audio_vae,
    "frame_interpolation/tiny_rife.safetensors": rife,
}


def random_weights(network, seed):
    """The network's state dict, drawn anew: values of about 1 stay so through every layer."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {}
    for name, tensor in network.state_dict().items():
        values = torch.randn(tensor.shape, generator=generator)
        if name.endswith("std-of-means"):
            values = torch.ones(tensor.shape)
        elif name.endswith("mean-of-means"):
            values = torch.zeros(tensor.shape)
        elif name.endswith("gamma") or (tensor.ndim == 1 and name.endswith("weight")):
            values = 1 + 0.1 * values
        elif tensor.ndim > 1:
            values = values * tensor[0].numel() ** -0.5
        else:
            values = 0.1 * values
        drawn[name] = values.contiguous()
    return drawn


def write_all(folder):
    """Every file of MODELS below `folder`, of which there are a few megabytes."""
    for seed, (name, build) in enumerate(MODELS.items()):
        network, metadata = build()
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file(random_weights(network, seed), path, metadata=metadata)


if __name__ == "__main__":
    write_all(sys.argv[-1])
