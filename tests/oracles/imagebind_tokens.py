"""ImageBind's audio tower from torch's own MultiheadAttention with its learned extra key and value."""

import torch
from keyvid_pack.models.encoders.imagebind import POSITIONS
from torch import nn
from torch.nn import functional as F


def oracle_tokens(weights, mel, config):
    """The tokens (B, n_tokens, width) of a tower with these weights for mel (B, 1, n_bins, n_columns)."""
    stem = "modality_preprocessors.audio."
    patches = F.conv2d(mel, weights[f"{stem}rgbt_stem.proj.weight"], stride=config.stride)
    tokens = patches.flatten(2).transpose(1, 2)
    norm = f"{stem}rgbt_stem.norm_layer."
    tokens = F.layer_norm(
        tokens, (config.width,), weights[f"{norm}weight"], weights[f"{norm}bias"], 1e-5
    )
    if config.has_cls:
        cls = weights[f"{stem}cls_token"].repeat(len(mel), 1, 1)
        tokens = torch.cat([cls, tokens], dim=1)
    tokens = tokens + weights[POSITIONS]
    for i in range(config.layers):
        block = f"modality_trunks.audio.blocks.{i}."
        of_block = {name[len(block) :]: w for name, w in weights.items() if name.startswith(block)}
        tokens = _oracle_block(of_block, tokens, config)
    return tokens


def _oracle_block(weights, tokens, config):
    def normed(which):
        parts = weights[f"{which}.weight"], weights[f"{which}.bias"]
        return F.layer_norm(tokens, (config.width,), *parts, 1e-6)

    attention = nn.MultiheadAttention(
        config.width, config.heads, bias=True, add_bias_kv=True, batch_first=True
    )
    of_attention = {
        name[len("attn.") :]: w for name, w in weights.items() if name.startswith("attn.")
    }
    attention.load_state_dict(of_attention)
    x = normed("norm_1")
    tokens = tokens + attention(x, x, x, need_weights=False)[0]
    inner = F.gelu(F.linear(normed("norm_2"), weights["mlp.fc1.weight"], weights["mlp.fc1.bias"]))
    return tokens + F.linear(inner, weights["mlp.fc2.weight"], weights["mlp.fc2.bias"])
