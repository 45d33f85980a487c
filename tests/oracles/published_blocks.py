"""The video UNet's forward in the published block structure, on the weights of a `VideoUNet`.

Attention is written out with every weight in memory, the text is repeated for every frame, nothing is done in
chunks, and tokens are copied to and fro between the layouts of convolutions, of attention within a frame and of
attention over time (published-model b). What tests and benchmarks compare ours with.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from keyvid_pack.models.unet.blocks import Downsample, ResBlock, Upsample
from keyvid_pack.models.unet.transformers import SpatialTransformer, TemporalTransformer


def published_forward(
    unet, x, timesteps, *, text, image=None, audio=None, fps=None, frame_index=None
):
    """v (B, out_channels, T, H, W); arguments as of `VideoUNet.forward`, text (B, N, C) for whole clips."""
    n_frames = x.shape[2]
    embedding = unet._embed(x, timesteps, fps, frame_index)
    tokens = [text.to(x).repeat_interleave(n_frames, dim=0)]
    tokens += [None if image is None else image.to(x).flatten(0, 1)]
    tokens += [None if audio is None else unet._audio_tokens(audio.to(x)).flatten(0, 1)]

    def run(blocks, h):
        for block in blocks:
            h = _block(block, h, embedding, tokens, n_frames)
        return h

    h = rearrange(x, "b c t h w -> (b t) c h w").contiguous()
    h = unet.input_blocks[0][0](h)
    if unet.config.init_heads:
        h = run(unet.init_attn, h)
    skips = [h]
    for blocks in list(unet.input_blocks)[1:]:
        h = run(blocks, h)
        skips.append(h)
    h = run(unet.middle_block, h)
    for blocks in unet.output_blocks:
        h = run(blocks, torch.cat([h, skips.pop()], dim=1))
    h = unet.out[2](F.silu(unet.out[0](h)))
    return rearrange(h, "(b t) c h w -> b c t h w", t=n_frames)


def _block(block, h, embedding, tokens, n_frames):
    if isinstance(block, ResBlock):
        return _res_block(block, h, embedding, n_frames)
    if isinstance(block, SpatialTransformer):
        return _spatial(block, h, tokens)
    if isinstance(block, TemporalTransformer):
        return _temporal(block, h, n_frames)
    if isinstance(block, Upsample):
        return block.conv(F.interpolate(h, scale_factor=2, mode="nearest"))
    assert isinstance(block, Downsample)
    return block.op(h)


def _res_block(block, x, embedding, n_frames):
    norm, _, convolution = block.in_layers
    h = convolution(F.silu(norm(x)))
    h = h + block.emb_layers(embedding)[:, :, None, None]
    h = block.out_layers[-1](F.silu(block.out_layers[0](h)))
    h = block.skip_connection(x) + h
    h = clips = rearrange(h, "(b t) c h w -> b c t h w", t=n_frames)
    over_time = block.temopral_conv
    for stage in (over_time.conv1, over_time.conv2, over_time.conv3, over_time.conv4):
        h = stage[-1](F.silu(stage[0](h)))
    return rearrange(clips + h, "b c t h w -> (b t) c h w")


def _spatial(transformer, x, tokens):
    h = rearrange(transformer.norm(x), "n c h w -> n (h w) c").contiguous()
    h = transformer.proj_in(h)
    for block in transformer.transformer_blocks:
        h = _self_attention(block.attn1, block.norm1(h)) + h
        h = _cross_attention(block.attn2, block.norm2(h), tokens) + h
        h = _feed_forward(block.ff, block.norm3(h)) + h
    h = transformer.proj_out(h)
    return rearrange(h, "n (h w) c -> n c h w", h=x.shape[2]).contiguous() + x


def _temporal(transformer, x, n_frames):
    clips = rearrange(x, "(b t) c h w -> b c t h w", t=n_frames)
    height, width = x.shape[2:]
    h = transformer.norm(clips)
    if transformer.convolutional:
        h = transformer.proj_in(rearrange(h, "b c t h w -> (b h w) c t").contiguous())
        h = rearrange(h, "n c t -> n t c").contiguous()
    else:
        h = transformer.proj_in(rearrange(h, "b c t h w -> (b h w) t c").contiguous())
    for block in transformer.transformer_blocks:
        h = _self_attention(block.attn1, block.norm1(h)) + h
        h = _self_attention(block.attn2, block.norm2(h)) + h
        h = _feed_forward(block.ff, block.norm3(h)) + h
    if transformer.convolutional:
        h = transformer.proj_out(rearrange(h, "n t c -> n c t").contiguous())
        h = rearrange(h, "(b h w) c t -> b c t h w", h=height, w=width).contiguous()
    else:
        h = transformer.proj_out(h)
        h = rearrange(h, "(b h w) t c -> b c t h w", h=height, w=width).contiguous()
    return rearrange(h + clips, "b c t h w -> (b t) c h w")


def _self_attention(layer, x):
    return layer.to_out(_attend(layer.to_q(x), layer.to_k(x), layer.to_v(x), layer.heads))


def _cross_attention(layer, x, tokens):
    text, image, audio = tokens
    q = layer.to_q(x)
    out = _attend(q, layer.to_k(text), layer.to_v(text), layer.heads)
    if image is not None:
        out = out + _attend(q, layer.to_k_ip(image), layer.to_v_ip(image), layer.heads)
    if audio is not None:
        heard = _attend(q, layer.to_k_ap(audio), layer.to_v_ap(audio), layer.heads)
        scale = 1 if layer.beta is None else 1 + torch.tanh(layer.beta)
        out = out + scale * heard
    return layer.to_out(out)


def _attend(q, k, v, heads):
    """softmax(q k^T / sqrt(d)) v with heads and batch as one axis; q (N, L, heads * d) -> the same."""
    q, k, v = (rearrange(t, "n l (h d) -> (n h) l d", h=heads).contiguous() for t in (q, k, v))
    logits = torch.einsum("nid,njd->nij", q, k) * q.shape[-1] ** -0.5
    out = torch.einsum("nij,njd->nid", logits.softmax(dim=-1), v)
    return rearrange(out, "(n h) l d -> n l (h d)", h=heads).contiguous()


def _feed_forward(layer, x):
    value, gate = layer.net[0].proj(x).chunk(2, dim=-1)
    return layer.net[2](value * F.gelu(gate))
