"""ImageBind's three towers against a forward written out in torch functions, at a small size under the stock names."""

import pytest
import torch
from keyvid_pack.errors import CheckpointError
from keyvid_pack.evaluation.paper.imagebind import (
    imagebind_config_from_shapes,
    tokenise,
)
from keyvid_pack.evaluation.paper.weights import load_imagebind
from keyvid_pack.tests.helpers.tolerance import float32_tolerance
from keyvid_pack.tests.oracles.imagebind_tokens import oracle_tokens
from safetensors.torch import save_file
from torch.nn import functional as F

WIDTH, HEADS, MLP, EMBEDDING, PATCH, GRID = 32, 4, 48, 24, 14, 4
HEAD_WIDTH = WIDTH // HEADS


def state_dict(seed=0):
    """Names and shapes of imagebind_huge.pth, with few channels and blocks."""
    generator = torch.Generator().manual_seed(seed)

    def block(modality, i, *, more_keys):
        name = f"modality_trunks.{modality}.blocks.{i}."
        shapes = {
            "attn.in_proj_weight": (3 * WIDTH, WIDTH),
            "attn.in_proj_bias": (3 * WIDTH,),
            "attn.out_proj.weight": (WIDTH, WIDTH),
            "attn.out_proj.bias": (WIDTH,),
            "norm_1.weight": (WIDTH,),
            "norm_1.bias": (WIDTH,),
            "mlp.fc1.weight": (MLP, WIDTH),
            "mlp.fc1.bias": (MLP,),
            "mlp.fc2.weight": (WIDTH, MLP),
            "mlp.fc2.bias": (WIDTH,),
            "norm_2.weight": (WIDTH,),
            "norm_2.bias": (WIDTH,),
        }
        if more_keys:
            shapes |= {"attn.bias_k": (1, 1, WIDTH), "attn.bias_v": (1, 1, WIDTH)}
        return {name + key: shape for key, shape in shapes.items()}

    pre, heads = "modality_preprocessors.", "modality_heads."
    shapes = {
        f"{pre}vision.cls_token": (1, 1, WIDTH),
        f"{pre}vision.rgbt_stem.proj.1.weight": (WIDTH, 3, 2, PATCH, PATCH),
        f"{pre}vision.pos_embedding_helper.pos_embed": (1, 1 + GRID**2, WIDTH),
        f"{pre}text.token_embedding.weight": (49408, WIDTH),
        f"{pre}text.pos_embed": (1, 77, WIDTH),
        f"{pre}text.mask": (77, 77),
        f"{pre}audio.cls_token": (1, 1, WIDTH),
        f"{pre}audio.rgbt_stem.proj.weight": (WIDTH, 1, 16, 16),
        f"{pre}audio.rgbt_stem.norm_layer.weight": (WIDTH,),
        f"{pre}audio.rgbt_stem.norm_layer.bias": (WIDTH,),
        f"{pre}audio.pos_embedding_helper.pos_embed": (1, 229, WIDTH),
        "modality_trunks.vision.pre_transformer_layer.0.weight": (WIDTH,),
        "modality_trunks.vision.pre_transformer_layer.0.bias": (WIDTH,),
        f"{heads}text.proj.0.weight": (WIDTH,),
        f"{heads}text.proj.0.bias": (WIDTH,),
        f"{heads}text.proj.1.weight": (EMBEDDING, WIDTH),
        "modality_postprocessors.text.1.log_logit_scale": (),
        "modality_trunks.depth.blocks.0.norm_1.weight": (WIDTH,),
    }
    for modality in ("vision", "audio"):
        shapes |= {
            f"{heads}{modality}.0.weight": (WIDTH,),
            f"{heads}{modality}.0.bias": (WIDTH,),
            f"{heads}{modality}.2.weight": (EMBEDDING, WIDTH),
        }
    for modality in ("vision", "text", "audio"):
        for i in range(2):
            shapes |= block(modality, i, more_keys=modality == "audio")
    return {
        name: torch.randn(shape, generator=generator) * (0.3 if len(shape) > 1 else 0.1)
        + (("norm" in name or ".0.weight" in name) and name.endswith("weight"))
        for name, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def weights():
    return state_dict()


@pytest.fixture(scope="module")
def network(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("imagebind") / "imagebind_huge.safetensors"
    save_file(weights, path)
    return load_imagebind(path, head_width=HEAD_WIDTH)


def normed(x, weights, name, eps=1e-6):
    return F.layer_norm(x, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"], eps)


def oracle_blocks(x, weights, modality, mask=None):
    for i in range(2):
        name = f"modality_trunks.{modality}.blocks.{i}"
        y = normed(x, weights, f"{name}.norm_1")
        qkv = F.linear(
            y, weights[f"{name}.attn.in_proj_weight"], weights[f"{name}.attn.in_proj_bias"]
        )
        q, k, v = (part.unflatten(-1, (HEADS, HEAD_WIDTH)) for part in qkv.chunk(3, dim=-1))
        logits = torch.einsum("bnhd,bmhd->bhnm", q, k) / HEAD_WIDTH**0.5
        if mask is not None:
            logits = logits.masked_fill(mask, -torch.inf)
        y = torch.einsum("bhnm,bmhd->bnhd", logits.softmax(-1), v).flatten(2)
        x = x + F.linear(
            y, weights[f"{name}.attn.out_proj.weight"], weights[f"{name}.attn.out_proj.bias"]
        )
        y = normed(x, weights, f"{name}.norm_2")
        y = F.gelu(F.linear(y, weights[f"{name}.mlp.fc1.weight"], weights[f"{name}.mlp.fc1.bias"]))
        x = x + F.linear(y, weights[f"{name}.mlp.fc2.weight"], weights[f"{name}.mlp.fc2.bias"])
    return x


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def assert_equal(found, expected):
    assert found.shape == expected.shape == (len(found), EMBEDDING)
    # vectors of length 1; two blocks and a head are fewer layers than the tolerance is for
    torch.testing.assert_close(found, expected, rtol=0, atol=float32_tolerance(amplification=4))


def test_images(network, weights):
    pixels = torch.randn(
        2, 3, GRID * PATCH, GRID * PATCH, generator=torch.Generator().manual_seed(1)
    )
    pre = "modality_preprocessors.vision."
    kernel = weights[f"{pre}rgbt_stem.proj.1.weight"].sum(dim=2)  # both frames are the same image
    tokens = F.conv2d(pixels, kernel, stride=PATCH).flatten(2).transpose(1, 2)
    tokens = torch.cat([weights[f"{pre}cls_token"].repeat(2, 1, 1), tokens], dim=1)
    tokens = tokens + weights[f"{pre}pos_embedding_helper.pos_embed"]
    tokens = normed(tokens, weights, "modality_trunks.vision.pre_transformer_layer.0")
    whole = oracle_blocks(tokens, weights, "vision")[:, 0]
    head = "modality_heads.vision"
    expected = unit(F.linear(normed(whole, weights, f"{head}.0"), weights[f"{head}.2.weight"]))
    assert_equal(network.embed_images(pixels), expected)


def test_words(network, weights):
    tokens = tokenise(["a dog barking", "hitting with a stick", "rain"])
    pre, head = "modality_preprocessors.text.", "modality_heads.text.proj"
    x = weights[f"{pre}token_embedding.weight"][tokens] + weights[f"{pre}pos_embed"]
    mask = torch.ones(77, 77, dtype=torch.bool).triu(1)
    x = oracle_blocks(x, weights, "text", mask)
    ends = torch.stack([x[i, int((row == 49407).nonzero())] for i, row in enumerate(tokens)])
    expected = unit(F.linear(normed(ends, weights, f"{head}.0"), weights[f"{head}.1.weight"]))
    assert_equal(network.embed_tokens(tokens), expected)


def test_sounds(network, weights):
    mel = torch.randn(2, 1, 128, 204, generator=torch.Generator().manual_seed(2))
    whole = oracle_tokens(weights, mel, network.config.audio)[:, 0]
    head = "modality_heads.audio"
    expected = unit(F.linear(normed(whole, weights, f"{head}.0"), weights[f"{head}.2.weight"]))
    assert_equal(network.embed_sounds(mel), expected)


def test_a_batch_changes_nothing(network):
    pixels = torch.randn(
        3, 3, GRID * PATCH, GRID * PATCH, generator=torch.Generator().manual_seed(3)
    )
    alone = torch.cat([network.embed_images(one[None]) for one in pixels])
    assert_equal(network.embed_images(pixels), alone)


def test_the_stock_sizes_are_read_from_shapes():
    """The published widths need no head width, and give ViT-H, its text tower and ViT-B for sound."""
    shapes = {name: tuple(t.shape) for name, t in state_dict().items()}
    widths = {"vision": 1280, "text": 1024, "audio": 768}
    stock = {
        name: tuple(
            widths.get(name.split(".")[1], WIDTH) * (n // WIDTH) if n in (WIDTH, 3 * WIDTH) else n
            for n in shape
        )
        for name, shape in shapes.items()
    }
    config = imagebind_config_from_shapes(stock)
    assert (config.vision.heads, config.text.heads, config.audio.heads) == (16, 16, 12)
    assert config.audio.stride == (10, 10) and config.image_size == GRID * PATCH


def test_a_file_without_a_tower_is_refused(weights, tmp_path):
    path = tmp_path / "imagebind_huge.safetensors"
    save_file({n: t for n, t in weights.items() if "text.proj" not in n}, path)
    with pytest.raises(CheckpointError, match="missing"):
        load_imagebind(path, head_width=HEAD_WIDTH)
